"""The whole system as real processes: API, workers and the local carrier, on a test session's servers.

Owns starting, stopping, killing and asking. What ought to come of it is the tests' to say. Waits
are polls on a condition with an end; nothing sleeps for its own sake.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from support.api_client import Api
from support.installation import TOKEN_KEY, Installation
from support.local_carrier import Carrier
from support.own_redis import OwnRedis
from support.processes import eventually, free_port, is_alive, kill
from support.world import World, make_world
from support.zygote import Worker, Zygote
from trunkline.core.db import unit_of_work
from trunkline.core.jobs.models import Job, JobState
from trunkline.domain.tenants import service as tenants
from trunkline.kit.processes import die_with_parent

ACCOUNT, TOKEN = "AC" + "5" * 32, "a token for tests"
RING_LIMIT_S, CALL_LIMIT_S, LEASE_S = 2, 3, 1.0
"""Shorter than an operator may set them. After the first two an unknown dial cannot be live."""

FINAL_ITEM_STATES = frozenset({"completed", "failed", "cancelled", "unknown"})
DIAL_BARRIERS = (
    "job.claimed", "dial.committed", "dial.before_post", "dial.posted", "dial.recorded", "job.done",
    "reconcile.asked",
)  # fmt: skip

_numbers = count(1)


def fresh_numbers(how_many: int) -> tuple[str, ...]:
    """Return numbers that no test of this session has used, so that one carrier's book serves all."""
    return tuple(f"+1212{5_560_000 + next(_numbers)}" for _ in range(how_many))


@dataclass(slots=True)
class System:
    """A running installation whose processes a test may hurt."""

    installation: Installation
    folder: Path
    api_port: int
    redis: OwnRedis
    workers: list[Worker] = field(default_factory=list)
    carriers: dict[bool, Carrier] = field(default_factory=dict)
    toll: Counter[str] = field(default_factory=Counter)
    """How often a worker was killed, or stopped, at each barrier."""
    controls: set[str] = field(default_factory=set)
    """Numbers of negative controls, whose double dials are as they should be."""
    reports: dict[str, Any] = field(default_factory=dict)
    """What storms over this system came to, by name."""
    _api: subprocess.Popen[bytes] | Worker | None = None
    _zygote: Zygote | None = None
    _api_zygote: Zygote | None = None
    _supervisors: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # --- Processes -----------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def carrier(self) -> Carrier:
        """The carrier whose waits without audio are skipped: busy and unanswered calls end at once."""
        return self._carrier(realtime=False)

    @property
    def slow_carrier(self) -> Carrier:
        """The carrier where unanswered calls ring for as long as they may."""
        return self._carrier(realtime=True)

    def start_api(self) -> None:
        """Start the API and wait until it serves."""
        assert self._api is None
        self._api = self._command(
            self.folder / "api.log", "-m", "trunkline", "api", environment={"SERVICE_ROLE": "api"}
        )
        eventually(self._api_serves, f"the API serves; see {self.folder / 'api.log'}", within_s=60)

    def start_mortal_api(self, *, barrier: str = "", nth: int = 1) -> Worker:
        """Start the API from a warm process; the n-th time that it is at `barrier` it kills itself."""
        assert self._api is None
        log, mark = self.folder / "api.log", self.folder / f"mark-{secrets.token_hex(6)}"
        if self._api_zygote is None:
            self._api_zygote = Zygote(self._environment({}), log, modules=("trunkline.asgi",))
        order = {
            "role": "api", "environment": self._environment({"SERVICE_ROLE": "api"}),
            "settings": {}, "waits": None, "without": None,
            "barrier": barrier, "nth": nth, "signal": int(signal.SIGKILL), "log": str(log), "mark": str(mark),
        }  # fmt: skip
        self._api = api = Worker(barrier, signal.SIGKILL, self._api_zygote.fork(order), log, mark)
        return api

    def kill_api(self) -> None:
        """Kill the API as a crash would; one that has died already is seen off."""
        match self._api:
            case Worker(pid=pid):
                if is_alive(pid):
                    kill(pid)
            case subprocess.Popen() as process:
                process.kill()
                process.wait()
            case None:
                raise AssertionError("there is no API to kill")
        self._api = None

    def start_worker(
        self,
        *,
        barrier: str = "",
        nth: int = 1,
        number: signal.Signals = signal.SIGKILL,
        carrier: Carrier | None = None,
        without: str | None = None,
        settings: dict[str, Any] | None = None,
        patience_s: float = 1.0,
        role: str = "worker",
    ) -> Worker:
        """Start a worker that at the n-th time at `barrier` sends itself a signal; none lives on.

        With a test's first worker comes the upkeep, which a supervisor would do.
        """
        if role == "worker" and not self.workers:
            self.start_worker(role="upkeep", carrier=carrier)
        mark = self.folder / f"mark-{secrets.token_hex(6)}"
        log = self.folder / "workers.log"
        order = {
            "role": role,
            "environment": self._environment({}, carrier or self.carrier),
            "settings": {
                "ring_timeout_seconds": RING_LIMIT_S, "longest_call_seconds": CALL_LIMIT_S,
                "lease_seconds": LEASE_S, "sweep_seconds": 0.25, **(settings or {}),
            },
            "waits": {"patience_s": patience_s, "reconcile_delays_s": [0.5, 0.5, 1, 2, 4, 30]},
            "barrier": barrier, "nth": nth, "signal": int(number), "without": without,
            "log": str(log), "mark": str(mark),
        }  # fmt: skip
        worker = Worker(barrier, number, self._fork(order), log, mark)
        self.workers.append(worker)
        return worker

    def start_supervisor(self, *, concurrency: int) -> subprocess.Popen[bytes]:
        """Start `trunkline worker` itself, with children of its own."""
        process = self._command(
            self.folder / "workers.log", "-m", "trunkline", "worker",
            environment={"SERVICE_ROLE": "worker", "WORKER_CONCURRENCY": str(concurrency)},
            carrier=self.carrier,
        )  # fmt: skip
        self._supervisors.append(process)
        return process

    def stop_workers(self) -> None:
        """Kill every worker of the test and wait until none is left."""
        while self._supervisors:
            supervisor = self._supervisors.pop()
            supervisor.terminate()
            supervisor.wait(30)
        for worker in self.workers:
            if worker.barrier and worker.has_reached:
                verb = "killed" if worker.number == signal.SIGKILL else "stopped"
                self.toll[f"{verb} at {worker.barrier}"] += 1
            if is_alive(worker.pid):
                kill(worker.pid)
        self.workers.clear()

    def close(self) -> None:
        self.stop_workers()
        if self._api is not None:
            self.kill_api()
        self.redis.close()
        for carrier in self.carriers.values():
            carrier.close()
        for zygote in (self._zygote, self._api_zygote):
            if zygote is not None:
                zygote.close()

    def verdict(self) -> dict[str, Any]:
        """Return what was done to workers and what the carriers' books say of it, controls aside."""
        books = [carrier.book() for carrier in self.carriers.values()]
        rings = {
            number: len(person["rings"])
            for book in books for number, person in book["people"].items() if number not in self.controls
        }  # fmt: skip
        orders = Counter(
            order["form"]["Url"]
            for book in books for order in book["creates"] if order["form"]["To"] not in self.controls
        )  # fmt: skip
        found = [entry for book in books for entry in book["double_dials"]]
        return {
            **dict(sorted(self.toll.items())),
            "dials": self.reports,
            "people": len(rings),
            "rings": sum(rings.values()),
            "dials_ordered_twice": sum(count > 1 for count in orders.values()),
            "double_dials": sum(entry["number"] not in self.controls for entry in found),
            "double_dials_of_controls": sum(entry["number"] in self.controls for entry in found),
        }

    def postmaster_pid(self) -> int:
        """The process id of the embedded PostgreSQL's first process."""
        (file,) = self.installation.home.glob("embedded/pgdata*/postmaster.pid")
        return int(file.read_text().split("\n", 1)[0])

    def postgres_is_new(self, before: int) -> bool:
        """Return whether PostgreSQL answers and is not the process it was."""
        try:
            with self.installation.owner.connect() as connection:
                connection.execute(text("select 1"))
            return self.postmaster_pid() != before
        except (OperationalError, OSError, ValueError):
            return False

    # --- Worlds and rows -----------------------------------------------------------------

    def world(self, persona: str, *, size: int, carrier: Carrier | None = None, lines: int = 3) -> World:
        """Found a business with a list of people of one kind, all of whom the carrier can ring.

        `lines` is how many calls it may make at a time.
        """
        (number,) = fresh_numbers(1)
        phones = fresh_numbers(size)
        (carrier or self.carrier).admit(phones, persona)
        world = make_world(f"B{number[2:]}", number=number, phones=phones)
        with unit_of_work(world.scope) as session:
            business = tenants.get_business(session, world.business_id)
            business.max_outbound_calls = business.max_calls = lines
        return world

    def jobs_at_rest(self, world: World, *, but: str = "") -> bool:
        """Return whether no job of the business is due or running, those called `but` aside."""
        with unit_of_work(world.scope) as session:
            return not session.scalar(
                select(func.count()).where(
                    Job.business_id == world.business_id,
                    Job.state.in_([JobState.QUEUED, JobState.RUNNING]),
                    Job.run_at <= func.clock_timestamp(),
                    Job.name != but,
                )
            )

    def signed_in(self, world: World) -> Api:
        """Return the API as the business's owner sees it; to be entered."""
        return Api(self.api_url, world.email)

    # --- Inside --------------------------------------------------------------------------

    def _carrier(self, *, realtime: bool) -> Carrier:
        if realtime not in self.carriers:
            port = free_port()
            journal = self.folder / f"carrier-{port}.jsonl"
            journal.touch()
            options = ["--port", str(port), "--seed", "7", "--muted", "--book", str(journal)]
            options += [] if realtime else ["--no-waits"]
            process = self._command(
                self.folder / "carrier.log", "-m", "trunkline.simulators.carrier", *options,
                environment={"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN},
            )  # fmt: skip
            carrier = Carrier(process, f"http://127.0.0.1:{port}", journal)
            eventually(carrier.is_up, f"the carrier is up; see {self.folder / 'carrier.log'}", within_s=60)
            self.carriers[realtime] = carrier
        return self.carriers[realtime]

    def _fork(self, order: dict[str, Any]) -> int:
        if self._zygote is None:
            self._zygote = Zygote(self._environment({}), self.folder / "workers.log")
        return self._zygote.fork(order)

    def _api_serves(self) -> bool:
        assert isinstance(self._api, subprocess.Popen)
        assert self._api.poll() is None, f"the API has ended; see {self.folder / 'api.log'}"
        return self.api_answers()

    def api_answers(self) -> bool:
        """Return whether the API, of whatever kind, serves just now."""
        try:
            return httpx.get(f"{self.api_url}/api/me", trust_env=False).status_code == 401
        except httpx.TransportError:
            return False

    def _command(
        self, log: Path, *arguments: str, environment: dict[str, str], carrier: Carrier | None = None
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self._environment(environment, carrier),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - see OwnRedis
            )

    def _environment(self, more: dict[str, str], carrier: Carrier | None = None) -> dict[str, str]:
        urls = self.installation.urls
        assert urls.database_url
        assert urls.database_relay_url
        unset = {"SERVICE_ROLE", "ENABLE_SCHEDULERS", "DATABASE_OWNER_URL"}
        ours = {
            "TRUNKLINE_HOME": str(self.folder / "home"),
            "DATABASE_URL": urls.database_url,
            "DATABASE_RELAY_URL": urls.database_relay_url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": TOKEN_KEY.decode(),
            "PUBLIC_URL": self.api_url,
            "PORT": str(self.api_port),
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_BASE_URL": carrier.base_url if carrier else "http://127.0.0.1:9",
            "CARRIER_CALLS_PER_SECOND": "1000",
            "RUN_STARTS_PER_MINUTE": "1000",
            "CARRIER_TIMEOUT_SECONDS": "1",
            "MAX_ACTIVE_CALLS": "500",
            "RING_TIMEOUT_SECONDS": "5",
            "LONGEST_CALL_SECONDS": "10",
            "LEASE_SECONDS": str(LEASE_S),
            "SWEEP_SECONDS": "0.25",
            "LOG_LEVEL": "DEBUG",
        }
        return {name: value for name, value in os.environ.items() if name not in unset} | ours | more


@contextmanager
def open_system(installation: Installation, folder: Path) -> Iterator[System]:
    """Start a carrier and the API on these servers; workers are each test's own."""
    system = System(installation, folder, free_port(), OwnRedis(folder / "redis"))
    try:
        system.redis.start()
        assert system.carrier.is_up()
        system.start_api()
        yield system
    finally:
        system.close()
