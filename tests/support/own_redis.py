"""A Valkey that a test may kill, hang and empty, with nobody to start it again."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import redis

from support.installation import TOKEN_KEY
from support.processes import eventually, free_port
from trunkline.embedded.binaries import find_programs, make_runnable, server_identity
from trunkline.kit.processes import die_with_parent


class OwnRedis:
    """A Valkey of the system's own, with nobody to start it again but the test."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:{TOKEN_KEY.hex()}@127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._client = redis.Redis.from_url(self.url, socket_timeout=5)

    def start(self) -> None:
        self._folder.mkdir(exist_ok=True)
        program = make_runnable(find_programs("redis"), server_identity()).path
        with (self._folder.parent / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder),
                    "--requirepass", TOKEN_KEY.hex(), "--save", "", "--appendonly", "yes",
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of a test starts processes
            )  # fmt: skip
        eventually(self.is_up, "Redis is up")

    def is_up(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Kill it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Let it keep its connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def listeners(self) -> int:
        """Return how many workers wait for a wake-up now."""
        return sum(client["cmd"] in {"blpop", "blmove", "brpop"} for client in self._client.client_list())

    def empty(self) -> None:
        """Delete all that a killed one has written."""
        shutil.rmtree(self._folder)

    def flush(self) -> None:
        """Delete everything in one that goes on."""
        self._client.flushall()

    def wake_ups(self) -> int:
        """Return how many wake-ups wait to be heard."""
        return int(sum(self._client.llen(f"rq:queue:{name}") for name in ("high", "default")))

    def mend(self) -> None:
        """Bring it back, whatever was done to it."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            eventually(self.is_up, "Redis answers again")
        else:
            self.start()

    def close(self) -> None:
        self._client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
