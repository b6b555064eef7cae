"""A running installation for live calls: API and worker as processes, on the session's servers.

Owns starting, stopping, asking and looking at what a process holds. What ought to come of calls is the
tests' to say.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from support.installation import TOKEN_KEY, Installation
from support.own_redis import OwnRedis
from support.processes import children_of, eventually, free_port, memory_mb
from trunkline.core.settings import Settings
from trunkline.kit.processes import die_with_parent

ACCOUNT, TOKEN = "AC" + "7" * 32, "a token for live calls"
METRICS = "scrape me"
_TESTS = Path(__file__).parents[1]


@dataclass(slots=True)
class Holdings:
    """What a process holds just now."""

    fds: int
    threads: list[str]
    tasks: dict[str, int]
    calls: int
    rss_mb: float


@dataclass(slots=True)
class LiveHouse:
    """API and worker of one installation, whose servers a test may stop."""

    installation: Installation
    folder: Path
    redis: OwnRedis
    module: str
    more: Mapping[str, str]
    port: int = field(default_factory=free_port)
    carrier_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> int:
        """The API's process id."""
        return self.processes[0].pid

    @property
    def environment(self) -> dict[str, str]:
        urls = self.installation.urls
        assert urls.database_url
        assert urls.database_relay_url
        unset = {"SERVICE_ROLE", "ENABLE_SCHEDULERS", "DATABASE_OWNER_URL"}
        return {name: value for name, value in os.environ.items() if name not in unset} | {
            "PYTHONPATH": os.pathsep.join([str(_TESTS), *(entry for entry in sys.path if entry)]),
            "TRUNKLINE_HOME": str(self.folder / "home"),
            "DATABASE_URL": urls.database_url,
            "DATABASE_RELAY_URL": urls.database_relay_url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": TOKEN_KEY.decode(),
            "PUBLIC_URL": self.url,
            "PORT": str(self.port),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_BASE_URL": f"http://127.0.0.1:{self.carrier_port}",
            "CARRIER_CALLS_PER_SECOND": "100",
            "RUN_STARTS_PER_MINUTE": "1000",
            "MAX_ACTIVE_CALLS": "200",
            "METRICS_TOKEN": METRICS,
            "COLUMNS": "160",
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        """The settings with which a simulation in this process talks to the installation."""
        return Settings.model_validate(
            {
                name.lower(): value
                for name, value in self.environment.items()
                if name.lower() in Settings.model_fields
            }
        )

    def start(self) -> None:
        self._run("api", *(["-m", self.module] if self.module else ["-m", "trunkline", "api"]))
        self._run("worker", "-m", "trunkline", "worker", ENABLE_SCHEDULERS="true", WORKER_CONCURRENCY="1")
        eventually(self._is_ready, f"the API is ready; see {self.folder / 'api.log'}", within_s=150)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            process.wait(40)
        self.redis.close()

    def command(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Trunkline's beside the installation, with further settings of its own."""
        return subprocess.run(
            [sys.executable, "-m", "trunkline", *arguments],
            env={**self.environment, **more}, capture_output=True, text=True, timeout=170, check=False,
        )  # fmt: skip

    def holdings(self) -> Holdings:
        """Look at the API, from outside and by its own word."""
        health = self.health()
        return Holdings(
            fds=sum(1 for _ in Path(f"/proc/{self.api}/fd").iterdir()),
            threads=health["threads"],
            tasks={name: count for name, count in health["tasks"].items() if name != "request"},
            calls=health["calls"]["live"],
            rss_mb=memory_mb(self.api, "VmRSS"),
        )

    def health(self) -> dict[str, Any]:
        health: dict[str, Any] = httpx.get(f"{self.url}/health", trust_env=False, timeout=20).json()
        return health

    @contextmanager
    def servers_stopped(self) -> Iterator[None]:
        """Keep PostgreSQL and Redis from doing anything while the block runs; connections stay open."""
        (file,) = self.installation.home.glob("embedded/pgdata*/postmaster.pid")
        postmaster = int(file.read_text().split("\n", 1)[0])
        stopped = [postmaster, *children_of(postmaster)]
        # The first process starts others for those who connect, so it stops first.
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        self.redis.hang()
        try:
            yield
        finally:
            self.redis.mend()
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)

    def _is_ready(self) -> bool:
        assert self.processes[0].poll() is None, f"the API has ended; see {self.folder / 'api.log'}"
        try:
            return httpx.get(f"{self.url}/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _run(self, name: str, *arguments: str, **variables: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments], env={**self.environment, **variables},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of a test starts processes
                )
            )  # fmt: skip


@contextmanager
def open_house(
    installation: Installation, folder: Path, *, module: str = "", **more: str
) -> Iterator[LiveHouse]:
    """Start API and worker; `module` is run in the API's place, `more` are further settings."""
    house = LiveHouse(installation, folder, OwnRedis(folder / "redis"), module, more)
    try:
        house.redis.start()
        house.start()
        yield house
    finally:
        house.close()
