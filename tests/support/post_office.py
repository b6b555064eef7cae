"""A mail server of the tests' own, as a process, and the letters that it was given."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from trunkline.kit.processes import die_with_parent


@dataclass(frozen=True, slots=True)
class PostOffice:
    """A running mail server."""

    url: str
    folder: Path

    def letters(self, to: str = "") -> list[EmailMessage]:
        """Return the letters for somebody, or all, in the order in which they came."""
        found = [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(self.folder.glob("[0-9]*.eml"))
        ]
        return [letter for letter in found if isinstance(letter, EmailMessage) and to in letter["To"]]

    def empty(self) -> None:
        """Throw all letters away."""
        for path in self.folder.glob("[0-9]*.eml"):
            path.unlink()


def text_of(letter: EmailMessage) -> str:
    """Return a letter's plain text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(letter: EmailMessage) -> str:
    """Return the link of a letter."""
    found = re.search(r"https?://\S+#\S+", text_of(letter))
    assert found is not None
    return found[0]


@contextmanager
def open_post_office(folder: Path, *, user: str = "", password: str = "") -> Iterator[PostOffice]:
    """Run the stand-in while the block runs."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "trunkline.simulators.smtp", "--port", "0", "--folder", str(folder),
            "--user", user, "--password", password,
        ],
        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"smtp://(\S+:\d+)", said)
        assert found is not None, said
        yield PostOffice(f"smtp://{found[1]}", folder)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
