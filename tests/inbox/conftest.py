"""The application behind a real socket, Graph beside it, and a business whose number is connected there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn

from api.doorway import build_app
from support.graph import GraphStand, open_graph
from support.inbox import by_graph
from support.installation import Installation
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline.domain.inbox import accounts
from trunkline.providers import ports

PERSON = "+12125550101"


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphStand]:
    with open_graph() as stand, by_graph(stand):
        yield stand


@pytest.fixture
def url(installation: Installation, graph: GraphStand) -> Iterator[str]:
    """Where the application serves, and is told of by Graph."""
    graph.fault(None)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        build_app(spool=installation.home / "no-spool"), log_config=None, access_log=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    eventually(lambda: server.started, "the application serves", within_s=20)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    accounts.install_address(address)
    yield address
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@dataclass
class Desk:
    """The owner of a business at the door, its number at Graph, and the workers."""

    world: World
    door: httpx.Client
    graph: GraphStand
    known: ports.ChatAccount
    account_id: UUID
    installation: Installation

    def work(self) -> None:
        """Let the workers do what is ready."""
        self.installation.run_jobs("high", "default")

    def get(self, path: str, **query: Any) -> Any:
        answer = self.door.get(f"/api{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int = 201) -> Any:
        answer = self.door.post(f"/api{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def write(self, text: str = "Hello", from_: str = PERSON, *, name: str = "Dana") -> str:
        """Have somebody write by Graph; returns the message's id there."""
        told = self.graph.write(self.known, from_, text, name=name)
        assert told["statuses"] == [200], told
        return str(told["id"])

    @property
    def conversation(self) -> dict[str, Any]:
        """The one conversation that there is."""
        (found,) = self.get("/conversations")["conversations"]
        return found  # type: ignore[no-any-return]

    @property
    def path(self) -> str:
        return f"/conversations/{self.conversation['id']}"

    def messages(self) -> list[dict[str, Any]]:
        """The messages of that conversation, in their order."""
        return list(reversed(self.get(f"{self.path}/messages")["messages"]))

    def accepted(self) -> list[dict[str, Any]]:
        """What Graph truly took from the number."""
        return [one for one in self.graph.accepted() if one["number"] == self.known.account]

    def send(self, text: str = "Hello to you", *, key: str = "a-first-key", status: int = 201) -> Any:
        return self.post(f"{self.path}/messages", {"key": key, "text": text}, status=status)


@pytest.fixture
def desk(url: str, acme: World, graph: GraphStand, installation: Installation) -> Iterator[Desk]:
    """A business whose number was connected by its owner."""
    known = graph.number(acme.number, name="Acme")
    with httpx.Client(base_url=url, headers={"X-Trunkline": "1"}, timeout=30, trust_env=False) as door:
        signed = door.post("/api/sign-in", json={"email": acme.email, "password": PASSWORD})
        assert signed.status_code == 200, signed.text
        made = door.post(
            "/api/chat-accounts",
            json={
                "provider": "whatsapp", "address": acme.number, "account": known.account,
                "owner": known.owner, "key": known.key, "secret": known.secret,
            },
        )  # fmt: skip
        assert made.status_code == 201, made.text
        assert made.json()["trouble"] is None
        yield Desk(acme, door, graph, known, UUID(made.json()["id"]), installation)
