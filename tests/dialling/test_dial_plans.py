"""How PostgreSQL goes about the dialler's statements: by index, whatever lies in the tables.

A business has called for long, many of its people wait for later, and every statement of a claim and
of whoever hears of calls is run and explained: it may read few rows, and never a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from dialling.history import History, business_with_past
from support.installation import Installation
from support.plans import Plan, nodes, pages
from trunkline.core.db import unit_of_work
from trunkline.core.tenancy import line_use
from trunkline.domain.calls import service as calls
from trunkline.domain.outbound import claim_store, hearing, run_store, store, tending
from trunkline.domain.outbound.claim import Claim, claim_next
from trunkline.domain.outbound.compliance import Ruling
from trunkline.domain.outbound.options import installed_limits
from trunkline.domain.outbound.rules import Turn
from trunkline.kit import clock
from trunkline.kit.ids import new_id

_Ask = Callable[[Session, History], object]
_LARGE = {"outbound_items", "outbound_attempts", "calls"}

_DAY = timedelta(days=1)


def _next(session: Session, of: History, size: int) -> Any:
    return claim_store.next_items(
        session, of.world.business_id, of.run, limit=size, now=clock.now(), gap=timedelta(0)
    )


def _rulings(session: Session, of: History, until: Any) -> list[tuple[Any, Ruling]]:
    return [(item.id, Ruling("calling_hours", until)) for item in _next(session, of, 20)]


def _turn() -> Turn:
    return Turn(clock.now(), clock.now(), clock.now())


def _begin(session: Session, of: History) -> object:
    return claim_store.begin_dial(
        session, of.world.business_id, of.run, "", _next(session, of, 1)[0], turn=_turn(), now=clock.now(),
        from_number=of.world.number, job_id=new_id(), lease_epoch=1,
    )  # fmt: skip


def _claim(session: Session, of: History) -> object:
    claimed = claim_next(
        session, of.world.business_id, limits=installed_limits(), job_id=new_id(), lease_epoch=1
    )
    assert isinstance(claimed, Claim)
    return claimed


def _tend(session: Session, of: History) -> object:
    return tending.tend_run(session, of.world.business_id, of.run, limits=installed_limits())


def _ask(function: Callable[..., object], *names: str, **values: Any) -> _Ask:
    """Ask `function` of the business and of what is named, with values that may be made at the time."""

    def ask(session: Session, of: History) -> object:
        made = {name: value() if callable(value) else value for name, value in values.items()}
        return function(session, of.world.business_id, *(getattr(of, name) for name in names), **made)

    return ask


_long_ago = {"live_since": lambda: clock.now() - _DAY}

CLAIM: dict[str, tuple[_Ask, int]] = {
    # What is asked, and how many pages each of its statements may look at.
    "running runs": (_ask(claim_store.running_runs, now=clock.now, **_long_ago), 60),
    "live by run": (_ask(claim_store.live_by_run, **_long_ago), 20),
    "next item": (lambda s, of: _next(s, of, 1), 40),
    "next items": (lambda s, of: _next(s, of, 500), 11_000),
    "let wait": (
        lambda s, of: claim_store.let_wait(
            s, of.world.business_id, _rulings(s, of, clock.now() + _DAY), now=clock.now()
        ),
        1_500,
    ),
    "refuse": (
        lambda s, of: claim_store.refuse_items(
            s, of.world.business_id, _rulings(s, of, None), now=clock.now()
        ),
        1_500,
    ),
    "account": (_ask(claim_store.lock_account, account=""), 20),
    "line use": (lambda s, of: line_use(s, "", live_since=clock.now() - _DAY, seen_since=clock.now()), 200),
    "begin": (_begin, 250),
    "keep turn": (_ask(claim_store.keep_turn, account="", turn=_turn), 60),
    "wait for line": (_ask(claim_store.wait_for_line, account="", now=clock.now), 40),
    "stop waiting": (_ask(claim_store.stop_waiting, account=""), 20),
}  # fmt: skip

LOCKED: dict[str, tuple[_Ask, int]] = {
    "outcome": (_ask(hearing.hear_outcome, "call"), 20),
    "tend": (_tend, 300),
    "orphans": (_ask(store.orphans, "run"), 60),
    "wrapped up": (_ask(store.wrapped_up, "run"), 60),
    "sids": (_ask(store.live_sids, "run"), 60),
    "silent": (
        _ask(store.silent_attempts, "run", ring_limit=timedelta(minutes=1), call_limit=timedelta(hours=1)),
        60,
    ),
    "answered": (_ask(store.answered_attempts, "run"), 60),
    "open doubts": (_ask(store.open_doubts, "run"), 100),
    "unresolved": (_ask(run_store.unresolved_of_run, "run"), 40),
    "trouble": (
        _ask(run_store.trouble_of, "run", of_last=20, since=lambda: clock.now() - timedelta(minutes=10)), 40,
    ),
}  # fmt: skip

UNLOCKED: dict[str, tuple[_Ask, int]] = {
    "has asked": (_ask(claim_store.has_asked, account="", since=lambda: clock.now() - _DAY), 20),
    "keep waiting": (_ask(claim_store.keep_waiting, account="", now=clock.now), 20),
    "line use, while one waits": (
        lambda s, of: line_use(s, "", live_since=clock.now() - _DAY, seen_since=clock.now()), 200,
    ),
    "inbound": (_ask(calls.open_inbound_calls), 10),
    "tries": (_ask(store.tries_with, "item", disposition="busy"), 10),
    "attempt of call": (_ask(store.attempt_of_call, "call"), 10),
    "run of call": (_ask(store.run_of_call, "call"), 10),
    "bound": (_ask(store.is_bound, "sid"), 10),
    "suppressed": (_ask(store.is_suppressed, "phone"), 10),
    "old unknowns": (_ask(store.release_old_unknowns, fenced_since=clock.now), 100),
    "open items": (_ask(run_store.has_open_items, "run"), 30),
    "open items of a run that is over": (_ask(run_store.has_open_items, "done_run"), 30),
    "begun items of a run that is over": (_ask(run_store.has_begun_items, "done_run"), 30),
    "waiting items of a run that is over": (_ask(run_store.has_waiting_items, "done_run"), 30),
    "next due": (lambda s, of: run_store.next_due(s, of.world.business_id, [of.run, of.done_run]), 40),
}  # fmt: skip


class _Undo(Exception):
    """So that nothing of what was tried stays."""


@pytest.fixture(
    scope="module",
    params=[50_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])],
)
def past(servers: Installation, request: pytest.FixtureRequest) -> Iterator[History]:
    with business_with_past(servers, request.param) as made:
        yield made


@pytest.fixture(scope="module", params=["unanalysed", "analysed"])
def history(servers: Installation, past: History, request: pytest.FixtureRequest) -> History:
    """The business, first as after a night in which nobody looked at its tables, then as ever."""
    if request.param == "analysed":
        with servers.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze"))
    return replace(past, is_analysed=request.param == "analysed")


def _no_lock(session: Session, _business_id: UUID) -> None:
    session.connection()


def plans_of(
    installation: Installation, ask: _Ask, of: History, lock: Callable[[Session, UUID], None] = _no_lock
) -> list[tuple[str, Plan]]:
    """Ask, and return how each statement went that it took, explained on the same rows.

    `lock` is what those who ask so do before.
    """
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        verb = statement.split(maxsplit=1)[0].lower()
        if verb in {"select", "with", "insert", "update", "delete"} and "set_config" not in statement:
            asked.append((statement, parameters))

    plans: list[tuple[str, Plan]] = []
    try:
        with unit_of_work(of.world.scope) as session:
            lock(session, of.world.business_id)
            savepoint = session.begin_nested()
            event.listen(installation.database.engine, "before_cursor_execute", note)
            try:
                ask(session, of)
                session.flush()
            finally:
                event.remove(installation.database.engine, "before_cursor_execute", note)
            savepoint.rollback()
            connection = session.connection()
            for statement, parameters in asked:
                with connection.begin_nested() as nested:
                    explained = "explain (analyze, buffers, format json) " + statement
                    plan = connection.exec_driver_sql(explained, parameters).scalar_one()[0]
                    nested.rollback()
                plans.append((statement, plan))
            raise _Undo
    except _Undo:
        pass
    assert plans
    return plans


def assert_by_index(plans: list[tuple[str, Plan]], *, at_most_pages: int) -> None:
    for statement, plan in plans:
        scanned = {node["Relation Name"] for node in nodes(plan) if node["Node Type"].endswith("Seq Scan")}
        assert scanned & _LARGE == set(), statement
        assert pages(plan) <= at_most_pages, (pages(plan), statement)


@pytest.mark.parametrize("name", CLAIM)
def test_a_claim_reads_no_table_nor_much_of_an_index(
    servers: Installation, history: History, name: str
) -> None:
    ask, most = CLAIM[name]
    assert_by_index(plans_of(servers, ask, history, claim_store.lock_business), at_most_pages=most)


@pytest.mark.parametrize("name", LOCKED)
def test_nor_does_who_hears_of_a_call_or_looks_after_a_run(
    servers: Installation, history: History, name: str
) -> None:
    ask, most = LOCKED[name]
    assert_by_index(plans_of(servers, ask, history, store.lock_business), at_most_pages=most)


@pytest.mark.parametrize("name", UNLOCKED)
def test_nor_does_who_asks_without_holding_the_slots(
    servers: Installation, history: History, name: str
) -> None:
    ask, most = UNLOCKED[name]
    # Nobody has told the planner that few of a run's people wait: it may read all who do, and no others.
    assert_by_index(plans_of(servers, ask, history), at_most_pages=most if history.is_analysed else 2_000)


def test_what_is_due_is_taken_from_its_index_in_order(servers: Installation, history: History) -> None:
    def wake(session: Session, of: History) -> None:
        claim_store.wake_due_items(session, of.world.business_id, [of.run], now=clock.now())

    ((_, plan),) = plans_of(servers, wake, history, claim_store.lock_business)
    read = [
        node["Actual Rows"] * node["Actual Loops"]
        for node in nodes(plan)
        if node.get("Index Name") == "ix_outbound_items_due"
    ]
    assert read == [500]


def test_a_claim_is_of_few_statements(servers: Installation, history: History) -> None:
    with_waking = plans_of(servers, _claim, history, claim_store.lock_business)
    assert len(with_waking) == 10
    for statement, plan in with_waking:
        assert_by_index([(statement, plan)], at_most_pages=40_000 if "due.id" in statement else 1_000)


@pytest.mark.parametrize(
    ("index", "ask"),
    [
        ("ix_outbound_attempts_call", UNLOCKED["attempt of call"]),
        ("ix_outbound_attempts_item", UNLOCKED["tries"]),
        ("ix_outbound_items_next", CLAIM["next item"]),
    ],
)
def test_a_plan_without_its_index_is_found(
    servers: Installation, history: History, index: str, ask: tuple[_Ask, int]
) -> None:
    with servers.owner.begin() as connection:
        definition = connection.execute(
            text("select indexdef from pg_indexes where indexname = :index"), {"index": index}
        ).scalar_one()
        connection.execute(text(f"drop index {index}"))
    try:
        with pytest.raises(AssertionError):
            assert_by_index(plans_of(servers, ask[0], history, store.lock_business), at_most_pages=ask[1])
    finally:
        with servers.owner.begin() as connection:
            connection.execute(text(definition))
