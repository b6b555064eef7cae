"""Schedulers as real processes, each looking when it is told to, at a clock that the test holds.

A scheduler here is a worker's supervisor without its children: it fires what is due on connections of
its own. At a barrier it may wait for a word, kill itself, or stop. Forked from a warm server of
`multiprocessing`, since a start costs a second and tests of deaths need many.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from support.forks import forks
from support.processes import kill
from trunkline import schedule
from trunkline.core.db import Database, install_database
from trunkline.core.events import announce
from trunkline.core.jobs import JobContext, job
from trunkline.core.recurring import service, ticks
from trunkline.core.recurring.rules import Daily, Every, Misfire
from trunkline.core.recurring.service import Recurring, install_recurring
from trunkline.domain.inbox import jobs as _inbox_jobs
from trunkline.domain.outbound import jobs as _outbound_jobs
from trunkline.kit import barriers, clock

QUEUES = ("maintenance", "low")
"""Where the jobs of the tests' own tables go, and are worked."""
DOORS = (_outbound_jobs, _inbox_jobs)
"""Importing these registers the handlers that the product's own table names."""

_ANSWER_WITHIN_S = 30


@job(queue="low", timeout=5)
def strike(ctx: JobContext) -> None:
    """Leave a mark that can be counted."""
    _mark(ctx, "strike")


@job(queue="low", timeout=5)
def chime(ctx: JobContext) -> None:
    """Leave another mark."""
    _mark(ctx, "chime")


@job(queue="low", timeout=5)
def ring_in_the_day(ctx: JobContext) -> None:
    """Leave a third mark."""
    _mark(ctx, "ring_in_the_day")


def _mark(ctx: JobContext, name: str) -> None:
    with ctx.unit_of_work():
        announce("test.tick", subject_id=None, actor="test", name=name)


TABLES = {
    "as it ships": schedule.RECURRING,
    "ten minutes": (
        *(entry for entry in schedule.RECURRING if entry.rule == Every(timedelta(minutes=10))),
        Recurring("strike", "low", Every(timedelta(minutes=10))),
        Recurring("chime", "low", Every(timedelta(minutes=10), timedelta(minutes=3)), Misfire.SKIP),
    ),
    "a day": (
        Recurring("strike", "low", Every(timedelta(days=1), timedelta(hours=3))),
        Recurring("chime", "low", Daily(time(4), "Asia/Jerusalem"), Misfire.SKIP, timedelta(hours=20)),
        Recurring("ring_in_the_day", "low", Daily(time(2, 30), "America/New_York")),
    ),
    "chats": tuple(entry for entry in schedule.RECURRING if entry.job == "close_chat_sessions"),
    "one": (Recurring("strike", "low", Every(timedelta(minutes=10))),),
}
"""Tables by name, so that a process can be told which one is its own."""


@dataclass(slots=True)
class Scheduler:
    """One scheduler process and the line to it."""

    process: BaseProcess
    line: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def look(self, at: datetime, *, barrier: str = "", then: int | None = None) -> None:
        """Tell it to fire what is due at an instant. At `barrier` it waits, or sends itself signal `then`."""
        self.line.send({"at": at, "barrier": barrier, "then": then})

    def answer(self) -> Any:
        """Return what it says: the names fired, or the barrier that it waits at."""
        assert self.line.poll(_ANSWER_WITHIN_S), f"scheduler {self.pid} says nothing"
        return self.line.recv()

    def fire(self, at: datetime) -> list[str]:
        """Let it look and return what it fired."""
        self.look(at)
        fired: list[str] = self.answer()
        return fired

    def go_on(self) -> None:
        """Let it leave the barrier that it waits at."""
        self.line.send("go on")

    def wait_until_dead(self) -> None:
        self.process.join(_ANSWER_WITHIN_S)
        assert self.process.exitcode == -signal.SIGKILL, self.process.exitcode

    def end(self) -> None:
        """End it, whatever it is doing."""
        if self.process.is_alive():
            kill(self.pid)
        self.process.join(_ANSWER_WITHIN_S)
        self.line.close()


def start_scheduler(url: str, table: str, *, without: str | None = None) -> Scheduler:
    """Start a scheduler with one of `TABLES`; `without` takes out a safeguard, for negative controls."""
    ours, theirs = forks().Pipe()
    process = forks().Process(target=_serve, args=(theirs, url, table, without))
    process.start()
    theirs.close()
    return Scheduler(process, ours)


@contextmanager
def schedulers(number: int, url: str, table: str, *, without: str | None = None) -> Iterator[list[Scheduler]]:
    """Start several and end them."""
    started: list[Scheduler] = []
    try:
        for _ in range(number):
            started.append(start_scheduler(url, table, without=without))
        yield started
    finally:
        for scheduler in started:
            scheduler.end()


def _serve(line: Connection, url: str, table: str, without: str | None) -> None:
    database = Database(url, pool_size=1)
    install_database(database)
    install_recurring(TABLES[table], queues=(*QUEUES, "default"))
    if without == "guard":
        ticks._TAKE = text(
            "update schedule_ticks set last_tick = :tick, missed = missed + :missed"
            " where name = :name and cast(:seen as timestamptz) is not null returning name"
        )
    elif without == "transaction":
        ticks.take = partial(_take_at_once, ticks.take)  # type: ignore[assignment]
    else:
        assert without is None, without
    try:
        while True:
            try:
                order = line.recv()
            except EOFError:
                return
            barriers.install(partial(_at_barrier, line, order["barrier"], order["then"]))
            with clock.frozen_at(order["at"]):
                line.send(service.fire_due())
    finally:
        database.dispose()


def _take_at_once(take: Callable[..., bool], session: Session, **tick: Any) -> bool:
    """Take a tick for good, before its job is enqueued."""
    taken = take(session, **tick)
    session.commit()
    return taken


def _at_barrier(line: Connection, wanted: str, then: int | None, reached: str) -> None:
    if reached != wanted:
        return
    if then is not None:
        os.kill(os.getpid(), then)
        return
    line.send(reached)
    line.recv()
