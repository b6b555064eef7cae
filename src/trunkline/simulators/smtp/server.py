"""Speaks what of SMTP (RFC 5321, RFC 4954) a sender of letters uses, and writes each letter to a file.

Recipients are as their names say: `nobody@...` is not known here (550), `later@...` is not taken now (451),
`far@...` is another server's, to which nothing is passed on (554), everybody else has their letters taken.
With a password set, nothing is taken before AUTH PLAIN or LOGIN. Without TLS: it listens on this machine
alone.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

_LONGEST_LINE = 1 << 16
_MOST_BYTES = 10 << 20


@dataclass(slots=True)
class _Envelope:
    """What one client has said so far of a letter."""

    sender: str = ""
    recipients: list[str] = field(default_factory=list)


class MailServer:
    """Takes letters, and numbers the files that it keeps them in."""

    def __init__(self, folder: Path, *, user: str = "", password: str = "") -> None:
        self._folder = folder
        self._credentials = (user, password)
        self._numbers = count(1 + len(list(folder.glob("*.eml"))))

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one client's session to its end."""
        session = _Session(reader, writer, self)
        try:
            await session.hold()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that goes away without a word has ended its session
        finally:
            writer.close()

    def is_known(self, user: str, password: str) -> bool:
        """Return whether these are the name and password that are asked for."""
        return (user, password) == self._credentials

    @property
    def asks_who(self) -> bool:
        """Whether letters are taken only from who has said a password."""
        return self._credentials != ("", "")

    def keep(self, envelope: _Envelope, letter: bytes) -> None:
        """Write a letter, whole or not at all, under its number."""
        name = f"{next(self._numbers):06d}.eml"
        head = f"X-Envelope-From: {envelope.sender}\nX-Envelope-To: {', '.join(envelope.recipients)}\n"
        draft = self._folder / f".{name}"
        draft.write_bytes(head.encode() + letter)
        draft.rename(self._folder / name)


class _Session:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: MailServer
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._server = server
        self._envelope = _Envelope()
        self._is_known = not server.asks_who

    async def hold(self) -> None:
        await self._say("220 stand-in ESMTP")
        while True:
            line = await self._line()
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "QUIT":
                    await self._say("221 Bye")
                    return
                case "EHLO":
                    offers = ["stand-in", "8BITMIME", "SMTPUTF8", f"SIZE {_MOST_BYTES}"]
                    offers += ["AUTH PLAIN LOGIN"] if self._server.asks_who else []
                    await self._say(*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}")
                case "HELO" | "NOOP":
                    await self._say("250 Ok")
                case "RSET":
                    self._envelope = _Envelope()
                    await self._say("250 Ok")
                case "AUTH":
                    await self._take_password(rest)
                case "MAIL":
                    await self._take_sender(rest)
                case "RCPT":
                    await self._take_recipient(rest)
                case "DATA":
                    await self._take_letter()
                case _:
                    await self._say("502 Not known here")

    async def _take_password(self, rest: str) -> None:
        method, _, first = rest.partition(" ")
        try:
            if method.upper() == "PLAIN":
                said = first or await self._asked("")
                _, user, password = base64.b64decode(said).decode().split("\0")
            else:
                user = base64.b64decode(first or await self._asked("Username:")).decode()
                password = base64.b64decode(await self._asked("Password:")).decode()
        except (binascii.Error, ValueError):
            await self._say("501 Not understood")
            return
        self._is_known = self._server.is_known(user, password)
        await self._say("235 Welcome" if self._is_known else "535 Wrong name or password")

    async def _take_sender(self, rest: str) -> None:
        if not self._is_known:
            await self._say("530 Who are you?")
            return
        self._envelope = _Envelope(_address(rest))
        await self._say("250 Ok")

    async def _take_recipient(self, rest: str) -> None:
        address = _address(rest)
        if not self._envelope.sender:
            await self._say("503 Say MAIL first")
        elif address.startswith("nobody@"):
            await self._say("550 5.1.1 No such person here")
        elif address.startswith("later@"):
            await self._say("451 4.7.1 Try again later")
        elif address.startswith("far@"):
            await self._say("554 5.7.1 Relay access denied")
        else:
            self._envelope.recipients.append(address)
            await self._say("250 Ok")

    async def _take_letter(self) -> None:
        if not self._envelope.recipients:
            await self._say("503 Say RCPT first")
            return
        await self._say("354 Go on")
        lines: list[bytes] = []
        while (line := await self._reader.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            if sum(map(len, lines)) > _MOST_BYTES:
                await self._say("552 Too large")
                return
        self._server.keep(self._envelope, b"".join(lines).replace(b"\r\n", b"\n"))
        self._envelope = _Envelope()
        await self._say("250 Taken")

    async def _asked(self, what: str) -> str:
        await self._say(f"334 {base64.b64encode(what.encode()).decode()}".rstrip())
        return await self._line()

    async def _line(self) -> str:
        return (await self._reader.readuntil(b"\r\n")).decode(errors="replace").rstrip("\r\n")

    async def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self._writer.drain()


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


@asynccontextmanager
async def serving(
    folder: Path, *, host: str = "127.0.0.1", port: int = 0, user: str = "", password: str = ""
) -> AsyncIterator[int]:
    """Take letters into `folder` while the block runs; yields the port."""
    server = MailServer(folder, user=user, password=password)
    listening = await asyncio.start_server(server.talk, host, port, limit=_LONGEST_LINE)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
