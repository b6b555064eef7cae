"""Claims: how fast one thing to do is taken, by us and by the queues that one might dial from instead.

A pass is some bursts: every claimer takes so many, all beginning at the same instant, and then what was
taken is ended, untimed. Claimers are processes. Systems take turns, with an empty past and with a full one.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.contestants import PEERS_PYTHON
from harness.passes import wait_for_calm
from harness.processes import Failed, SideProcess, cpu_s, family, machine_busy_s
from harness.servers import Servers
from harness.turns import turns

OURS = "ours"
CLAIMERS = (1, 2)
_APART = 20
"""How many businesses our second claimer begins behind the first."""
_READY_S = 0.02
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Claimant:
    """One system in one configuration, and what a fetch of it is."""

    name: str
    module: str
    argument: str
    does: str


_CLAIM = (
    "choose the run; count what is live of run, business, account and system; wait for the business's and the"
    " account's turn; read consent, suppression, earlier dials, holidays and hours; write the attempt behind"
    " its fence, the item, the run, an event"
)
_FETCH = "one function: pick the first job of a queue whose lock is free, mark it, and by trigger an event"
_DEQUEUE = "one statement: pick the first job of the entrypoint, mark it, and a row of the log"
_LIMITED = "the same, with a limit of jobs at a time for each of 40 entrypoints, counted in the statement"

CLAIMANTS = (
    Claimant(OURS, "claims_ours", "{history}", _CLAIM),
    Claimant("procrastinate", "claims_procrastinate", "{history}", _FETCH),
    Claimant("pgqueuer", "claims_pgqueuer", "plain,{history}", _DEQUEUE),
    Claimant("pgqueuer-limited", "claims_pgqueuer", "limited,{history}", _LIMITED),
)


@dataclass(slots=True)
class _Pass:
    """What came of one pass."""

    us: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Of PostgreSQL and the claimers, while they claimed."""
    others: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.us) / self.seconds

    def cut(self, percent: int) -> float:
        return statistics.quantiles(self.us, n=100)[percent - 1]


class Team:
    """The claimers of one system on a database of its own: as many processes as ever claim at once."""

    def __init__(self, servers: Servers, claimant: Claimant, history: int, *, at_once: int) -> None:
        self.name, self.history, self.at_once = claimant.name, history, at_once
        database = f"claims_{claimant.name}_{history}".replace("-", "_")
        environment = {"LOG_LEVEL": "WARNING", "BENCH_ADMIN": servers.admin_url(database)}
        is_ours = claimant.name == OURS
        if is_ours:
            environment |= {**servers.own_database(database), "TRUNKLINE_HOME": str(servers.home)}
        else:
            environment["BENCH_DATABASE_URL"] = servers.peer_database(database)
        python = sys.executable if is_ours else str(PEERS_PYTHON)
        command = [python, "-m", "peers", claimant.module, claimant.argument.format(history=history)]
        log = servers.home / f"{database}.log"
        self.sides = [SideProcess(command, environment, log) for _ in range(max(CLAIMERS))]

    def burst(self, claimers: int) -> tuple[list[float], float]:
        """Let so many claim at once. Returns microseconds of each claim, and how many seconds it took."""
        at = time.monotonic() + _READY_S
        for number, side in enumerate(self.sides[:claimers]):
            if self.name == OURS:
                side.tell("claim_from", count=self.at_once, at=at, first=number * _APART)
            else:
                side.tell("claim", count=self.at_once, at=at)
        answers = [side.hear() for side in self.sides[:claimers]]
        return [us for answer in answers for us in answer["us"]], max(a["ended"] for a in answers) - at

    def settle(self, claimers: int) -> None:
        """End what was claimed in a burst. Raises Failed, if that is not what each claimer took."""
        ended = self.sides[0].ask("settle")
        if ended != claimers * self.at_once:
            raise Failed(f"{self.name}: {claimers * self.at_once} were claimed, but {ended} ended")

    def close(self) -> None:
        """End its processes."""
        for side in self.sides:
            side.close()


def measure(
    servers: Servers, claimants: Sequence[Claimant], *, rounds: int, bursts: int, at_once: int, history: int,
    calm: float, say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Return rates and times by size of the past, number of claimers and system; and what ours asks."""
    pasts = (0, history)
    teams = [Team(servers, claimant, past, at_once=at_once) for claimant in claimants for past in pasts]
    try:
        say(f"writing {history:,} finished ones for each system")
        for team in teams:
            team.sides[0].tell("prepare")
        for team in teams:
            team.sides[0].hear()
        passes: dict[tuple[int, int, str], list[_Pass]] = {}
        for claimers in CLAIMERS:
            for team in turns(teams, rounds):
                done = _calm_pass(servers, team, claimers=claimers, bursts=bursts, calm=calm)
                passes.setdefault((team.history, claimers, team.name), []).append(done)
                say(
                    f"{team.name}, {team.history} finished, {claimers} claimers: {done.per_second:.0f}/s,"
                    f" p99 {done.cut(99) / 1e3:.1f} ms, others {done.others:.0%}"
                )
        profiled = next(team for team in teams if (team.name, team.history) == (OURS, history))
        profiled.sides[0].ask("reset", queued=4 * at_once)
        profile = profiled.sides[0].ask("profile", count=2 * at_once)
    finally:
        for team in teams:
            team.close()
    names = [claimant.name for claimant in claimants]
    return {
        "history": history,
        "by_history": {
            str(past): {
                str(claimers): {name: _figures(passes[past, claimers, name]) for name in names}
                for claimers in CLAIMERS
            }
            for past in pasts
        },
        "drift": {
            str(claimers): {
                name: _drift(passes[0, claimers, name], passes[history, claimers, name]) for name in names
            }
            for claimers in CLAIMERS
        },
        "profile": {
            key: round(value, 1) if isinstance(value, float) else {n: round(us, 1) for n, us in value.items()}
            for key, value in profile.items()
        },
    }


def ratios(figures: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return how many times as long as each peer's our claim takes, by past and claimers, at the median."""
    return {
        f"claim_p50_{past}_{claimers}": {
            name: round(by_name[OURS]["p50_ms"] / row["p50_ms"], 2)
            for name, row in by_name.items()
            if name != OURS
        }
        for past, by_claimers in figures["by_history"].items()
        for claimers, by_name in by_claimers.items()
    }


def _calm_pass(servers: Servers, team: Team, *, claimers: int, bursts: int, calm: float) -> _Pass:
    """Measure a pass while others leave the machine alone, or else the least disturbed of a few."""
    passes: list[_Pass] = []
    while len(passes) < _TRIES:
        wait_for_calm(calm)
        passes.append(_pass(servers, team, claimers=claimers, bursts=bursts))
        if passes[-1].others <= calm:
            break
    return min(passes, key=lambda done: done.others)


def _pass(servers: Servers, team: Team, *, claimers: int, bursts: int) -> _Pass:
    """Measure one pass, after a burst that does not count."""
    # Twice what is taken, as not every business has the same share.
    team.sides[0].ask("reset", queued=2 * (bursts + 1) * claimers * team.at_once)
    team.burst(claimers)
    team.settle(claimers)
    servers.checkpoint()
    done, disturbed = _Pass(), 0.0
    for _ in range(bursts):
        machine, own, self_s = machine_busy_s(), _spent(servers, team), time.process_time()
        us, seconds = team.burst(claimers)
        spent = _spent(servers, team) - own
        disturbed += machine_busy_s() - machine - spent - (time.process_time() - self_s)
        done.us += us
        done.seconds += seconds
        done.cpu_s += spent
        team.settle(claimers)
    done.others = max(0.0, disturbed / (done.seconds * (os.cpu_count() or 1)))
    return done


def _spent(servers: Servers, team: Team) -> float:
    """Return the processor seconds of PostgreSQL and the claimers so far."""
    postmaster, _ = servers.pids()
    return sum(cpu_s(pid) for pid in family(postmaster)) + sum(side.cpu_s() for side in team.sides)


def _figures(passes: Sequence[_Pass]) -> dict[str, float]:
    rates = [done.per_second for done in passes]
    return {
        "per_s": round(statistics.median(rates), 1),
        "least": round(min(rates), 1),
        "most": round(max(rates), 1),
        "p50_ms": round(statistics.median(done.cut(50) for done in passes) / 1e3, 3),
        "p99_ms": round(statistics.median(done.cut(99) for done in passes) / 1e3, 3),
        "cpu_us": round(statistics.median(done.cpu_s * 1e6 / len(done.us) for done in passes)),
        "others": round(statistics.median(done.others for done in passes), 2),
    }


def _drift(empty: Sequence[_Pass], full: Sequence[_Pass]) -> dict[str, float]:
    """Return by how much a full past makes a claim slower: medians of the ratios of neighbouring passes."""
    return {
        f"p{percent}": round(
            statistics.median(
                later.cut(percent) / before.cut(percent) for before, later in zip(empty, full, strict=True)
            ),
            3,
        )
        for percent in (50, 99)
    }
