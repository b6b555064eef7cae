"""Graph's stand-in of the tests' own, as a process: businesses' numbers, and the people who write to them."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from trunkline.kit.processes import die_with_parent
from trunkline.providers.ports import ChatAccount


@dataclass(frozen=True, slots=True)
class GraphStand:
    """A running stand-in: `base_url` is what WHATSAPP_BASE_URL is set to."""

    base_url: str
    sim_url: str

    def number(self, phone: str, **options: Any) -> ChatAccount:
        """Have a business's number, or change one (`id=`): see `Doors.numbers`. Returns its account."""
        made = self.post("numbers", phone=phone, **options)
        return ChatAccount(
            address=made["phone"], account=made["id"], owner=made["owner"], key=made["token"],
            secret=made["secret"],
        )  # fmt: skip

    def template(self, account: ChatAccount, name: str, body: str, **more: Any) -> dict[str, Any]:
        """Have an approved template with this text, or with these `components`."""
        parts = more.pop("components", [{"type": "BODY", "text": body}])
        return self.post(
            "templates",
            **{"owner": account.owner, "name": name, "language": "en", "components": parts, **more},
        )

    def write(self, account: ChatAccount, from_: str, text: str, *, name: str = "") -> dict[str, Any]:
        """Have somebody write words; returns `{id, statuses}` once that was taken."""
        return self.send_in(account, from_, {"type": "text", "text": {"body": text}}, name=name)

    def send_in(
        self, account: ChatAccount, from_: str, message: dict[str, Any], *, name: str = "",
        file: bytes | None = None, content_type: str = "", filename: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Have somebody send a message of any type, as Graph tells it, with a file of it."""
        more: dict[str, Any] = {}
        if file is not None:
            named = {} if filename is None else {"filename": filename}
            content = base64.b64encode(file).decode()
            more["file"] = {"content": content, "content_type": content_type, **named}
        body = {"number": account.account, "from": from_, "name": name, "message": message, **more}
        return self.post("messages", **body)

    def fault(self, fault: str | None, **more: Any) -> None:
        """Order a trouble (see `GraphFault`), for `to`, so many `times`; None forgets all."""
        self.post("faults", fault=fault, **more)

    def book(self) -> dict[str, Any]:
        """Return what was accepted, refused, told and read."""
        return self._got("book")

    def tally(self) -> dict[str, Any]:
        """Return how many messages were accepted, which references twice, and what was refused."""
        return self._got("tally")

    def accepted(self, to: str | None = None) -> list[dict[str, Any]]:
        """Return the messages that were truly taken, those to one person where one is named."""
        return [entry for entry in self.book()["accepted"] if to in {None, entry["to"]}]

    def customer(self, account: ChatAccount, phone: str, **dialogue: Any) -> None:
        """Have somebody who writes and answers by a dialogue: see `Customers.admit`."""
        self.post("customers", number=account.account, phone=phone, **dialogue)

    def said(self, phone: str) -> list[dict[str, str]]:
        """Return what was written by and to a customer."""
        lines: list[dict[str, str]] = self._got(f"customers/{phone}")["said"]
        return lines

    def post(self, door: str, **body: Any) -> dict[str, Any]:
        """Use one of the stand-in's own doors."""
        answer = httpx.post(f"{self.sim_url}/{door}", json=body, timeout=30)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def _got(self, door: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.sim_url}/{door}", timeout=30)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def open_graph(port: int = 0) -> Iterator[GraphStand]:
    """Run the stand-in while the block runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline.simulators.graph", "--port", str(port)],
        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"(http://\S+:\d+)/\S+", said)
        assert found is not None, said
        yield GraphStand(found[0], f"{found[1]}/sim")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
