"""Where everything of the embedded servers lies, and the addresses they answer on.

    HOME/embedded/            the user's alone (0700)
        locks/                see `locks`; keeper, and wanted/ready/alive for each server
        passwords.json        made once, 0600
        state.json            what the keeper says about itself; gone when it stops cleanly
        pgdata18/ valkey/     data, each with its server's socket inside

Sockets lie in the data folders because a server that runs as another user than root reaches its own
folder and need reach no other. A socket's path may have at most 107 bytes, so a long HOME is reached
through a short symbolic link in /tmp; the link can be lost and made again without losing anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trunkline.embedded.errors import EmbeddedUnavailable

ServerName = Literal["postgres", "redis"]
SERVER_NAMES: tuple[ServerName, ...] = ("postgres", "redis")

POSTGRES_MAJOR = 18
_LONGEST_SOCKET_PATH = 107
_DATA_FOLDERS: dict[ServerName, str] = {"postgres": f"pgdata{POSTGRES_MAJOR}", "redis": "valkey"}
_SOCKETS: dict[ServerName, str] = {"postgres": ".s.PGSQL.5432", "redis": "valkey.sock"}
_SHORTER = "Or set TRUNKLINE_HOME to a shorter path, without commas."
_ELSEWHERE = "Set TRUNKLINE_HOME to a folder of your own, or set DATABASE_URL and REDIS_URL."


def default_home() -> Path:
    """Return $TRUNKLINE_HOME, else $XDG_DATA_HOME/trunkline, else ~/.local/share/trunkline."""
    if chosen := os.environ.get("TRUNKLINE_HOME"):
        return Path(chosen).expanduser().absolute()
    data = Path(os.environ.get("XDG_DATA_HOME", ""))
    if data.is_absolute():
        return data / "trunkline"
    home = Path(os.environ.get("HOME", "") or _home_of_account())
    if not home.is_absolute():
        raise EmbeddedUnavailable(f"There is no home folder to keep data in (HOME is '{home}'). {_ELSEWHERE}")
    return home / ".local" / "share" / "trunkline"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one HOME, and the short way to them."""

    folder: Path

    @classmethod
    def at(cls, home: Path) -> Layout:
        """Return the layout of a HOME, touching nothing."""
        return cls(Path(os.path.realpath(home.expanduser())) / "embedded")

    @property
    def home(self) -> Path:
        """The folder that the user chose."""
        return self.folder.parent

    @property
    def passwords(self) -> Path:
        """The file of generated passwords."""
        return self.folder / "passwords.json"

    @property
    def state(self) -> Path:
        """The file in which the keeper says how it fares."""
        return self.folder / "state.json"

    @property
    def keeper_lock(self) -> Path:
        """Held exclusively by the keeper, for its life."""
        return self.folder / "locks" / "keeper"

    def wanted_lock(self, server: ServerName) -> Path:
        """Shared by the server's users; the keeper takes it exclusively to stop the server."""
        return self.folder / "locks" / f"{server}.wanted"

    def ready_lock(self, server: ServerName) -> Path:
        """Held exclusively by the keeper while the server answers."""
        return self.folder / "locks" / f"{server}.ready"

    def alive_lock(self, server: ServerName) -> Path:
        """Inherited by the server and all its children: free only when the last of them is gone."""
        return self.folder / "locks" / f"{server}.alive"

    def log(self, name: ServerName | Literal["keeper"]) -> Path:
        """The log of the keeper or of a server."""
        return self.folder / f"{name}.log"

    def data(self, server: ServerName) -> Path:
        """The server's data folder."""
        return self.folder / _DATA_FOLDERS[server]

    def socket(self, server: ServerName) -> Path:
        """The server's socket by a path that is short enough to connect to."""
        return self._reach() / _DATA_FOLDERS[server] / _SOCKETS[server]

    def make(self) -> None:
        """Create the folders, for this user alone."""
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            owner = self.folder.stat().st_uid
            if owner == os.geteuid():
                self.folder.chmod(0o700)
                (self.folder / "locks").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EmbeddedUnavailable(
                f"Cannot keep data in {self.folder}: {error.strerror}. {_ELSEWHERE}"
            ) from error
        if owner != os.geteuid():
            raise EmbeddedUnavailable(
                f"{self.folder} belongs to user id {owner}, this process runs as {os.geteuid()}. "
                f"Run it as that user. {_ELSEWHERE}"
            )

    def ensure_link(self) -> None:
        """Make the short link where one is needed, or make it again after something swept /tmp.

        Only for those who hold a lock that keeps it from being removed at the same time.
        """
        link = self._reach()
        if link == self.folder:
            return
        try:
            with contextlib.suppress(FileExistsError):
                link.symlink_to(self.folder)
            # In a sticky folder nobody else can replace a link of ours, so its owner is all to be checked.
            ours = link.lstat().st_uid == os.geteuid() and link.readlink() == self.folder
        except OSError as error:
            raise EmbeddedUnavailable(f"Cannot make {link}: {error.strerror}. {_SHORTER}") from error
        if not ours:
            raise EmbeddedUnavailable(f"{link} is not ours. Remove it. {_SHORTER}")

    def remove_link(self) -> None:
        """Take the short link away; the next start makes it again."""
        link = self._reach()
        if link != self.folder:
            link.unlink(missing_ok=True)

    def _reach(self) -> Path:
        longest = max(len(os.fsencode(self.data(server) / _SOCKETS[server])) for server in SERVER_NAMES)
        # PostgreSQL's clients take a comma for the end of one address and the start of another.
        if longest <= _LONGEST_SOCKET_PATH and "," not in str(self.folder):
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        # The same path in every process of the installation, whatever TMPDIR says in some of them.
        return Path("/tmp") / f"trunkline-{os.geteuid()}-{digest}"  # noqa: S108


def _home_of_account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""
