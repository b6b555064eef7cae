"""A HOME and its users. As root and as an ordinary user where root runs the tests, else as the latter."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import redis

from trunkline.embedded import EmbeddedUrls, status

_SCRIPT = Path(__file__).with_name("embedded_user.py")
AS_ROOT = os.geteuid() == 0
_ROOM_BYTES = 1024**3


def eventually(condition: Callable[[], object], what: str, within_s: float = 30) -> None:
    """Wait until the condition holds; fail, saying what did not happen, if it never does."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.02)


def kill(*pids: int) -> None:
    """Kill these processes and wait until they are gone; nothing else, whatever the numbers are."""
    assert all(pid > 1 for pid in pids), pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(_is_alive(pid) for pid in pids), "the killed are gone")


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


class User:
    """One running `embedded_user.py`."""

    def __init__(self, command: list[str], account: dict[str, object]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", **account
        )
        self._urls: EmbeddedUrls | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def urls(self) -> EmbeddedUrls:
        """The URLs, once it has its hold."""
        if self._urls is None:
            line = self._process.stdout.readline()
            assert line, "the user ended without a hold"
            self._urls = EmbeddedUrls(**json.loads(line))
        return self._urls

    def check(self) -> bool:
        assert self.urls
        self._process.stdin.write("check\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def leave(self) -> None:
        """End the user properly, if it still runs."""
        if self._process.poll() is None:
            self._process.stdin.write("exit\n")
            self._process.stdin.flush()
            self._end()

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def _end(self) -> None:
        self._process.wait(timeout=30)
        self._process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()


class House:
    """A HOME and its users, all of one account."""

    def __init__(self, path: Path, command: list[str], account: dict[str, object]) -> None:
        self.path = path
        self._command = command
        self._account = account
        self._users: list[User] = []

    def user(self) -> User:
        """Start one more user; it may still be waiting for its hold."""
        user = User([*self._command, str(_SCRIPT), str(self.path)], self._account)
        self._users.append(user)
        return user

    def bystander(self) -> subprocess.Popen[bytes]:
        """Start a process of the same account that has nothing to do with the servers."""
        return subprocess.Popen(
            [*self._command, "-c", "import time; time.sleep(300)"], cwd="/", **self._account
        )

    def pid_of(self, name: str) -> int:
        """The server's process id; 0 while it has none, or while a new one is not ready."""
        (server,) = (server for server in status(self.path).servers if server.name == name)
        return (server.pid or 0) if server.ready else 0

    def processes(self) -> dict[int, str]:
        """All processes that work in HOME or name it, but the users."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                argv = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                folder = str((entry / "cwd").readlink())
            except OSError:
                continue
            if (str(self.path) in argv and str(_SCRIPT) not in argv) or folder.startswith(f"{self.path}/"):
                found[int(entry.name)] = argv
        return found

    def keepers(self) -> list[int]:
        return [pid for pid, argv in self.processes().items() if " trunkline.embedded.keeper " in argv]

    def assert_deserted(self) -> None:
        """Wait for everything to have stopped, and see that nothing but data is left."""
        eventually(lambda: not self.processes(), "all processes are gone", within_s=60)
        folder = self.path / "embedded"
        left = {path.name for path in folder.iterdir()}
        assert left <= {
            "locks",
            "passwords.json",
            "keeper.log",
            "postgres.log",
            "redis.log",
            "pgdata18",
            "valkey",
        }
        assert not list(folder.glob("pgdata18/postmaster.pid")), "PostgreSQL was not shut down cleanly"
        assert not [*folder.glob("*/.s.PGSQL*"), *folder.glob("*/*.sock")]

    def close(self) -> None:
        for user in self._users:
            user.leave()
        self.assert_deserted()


def _ordinary_account() -> tuple[list[str], dict[str, object]]:
    """How root runs Python as `nobody`."""
    nobody = pwd.getpwnam("nobody")
    account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", "import trunkline"], check=True, cwd="/", **account)
    except PermissionError:
        # Python itself lies where nobody may not look, below /root say: allow it to look, and nothing else.
        allowed = "-all,+dac_read_search"
        prefix = ["setpriv", "--reuid=nobody", f"--regid={nobody.pw_gid}", "--clear-groups"]
        prefix += [f"--inh-caps={allowed}", f"--ambient-caps={allowed}", f"--bounding-set={allowed}"]
        return [*prefix, sys.executable], {}
    return [sys.executable], account


def sql(url: str | None, statement: str) -> list[tuple[object, ...]]:
    """Run one statement and commit it."""
    assert url is not None
    with psycopg.connect(url, connect_timeout=5) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def answers(urls: EmbeddedUrls) -> bool:
    """Whether both servers take connections now."""
    try:
        sql(urls.database_url, "select 1")
        with redis.Redis.from_url(urls.redis_url) as client:
            client.ping()
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
    return True


def put_key(urls: EmbeddedUrls, key: str, value: str) -> None:
    """Write a key and wait until it is on disk."""
    with redis.Redis.from_url(urls.redis_url, single_connection_client=True) as client:
        client.set(key, value)
        assert client.execute_command("WAITAOF", 1, 0, 5000)[0] == 1


def get_key(urls: EmbeddedUrls, key: str) -> str | None:
    with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        return client.get(key)


def _quick_folder() -> Path | None:
    """Memory, where there is enough of it: a dozen databases are made, each of which syncs all its files."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES else None


def open_house(who: str) -> Iterator[House]:
    """Make a home, hand it out, and see it deserted and removed afterwards."""
    # Root's home is closed to everyone, as /root is; its servers have to run there all the same.
    path = Path(tempfile.mkdtemp(prefix="trunkline-test-", dir=_quick_folder()))
    command, account = [sys.executable], {}
    if AS_ROOT and who == "ordinary user":
        command, account = _ordinary_account()
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    house = House(path / "home", command, account)
    try:
        yield house
    finally:
        try:
            house.close()
        finally:
            shutil.rmtree(path)


EVERYONE = ["root", "ordinary user"] if AS_ROOT else ["ordinary user"]
