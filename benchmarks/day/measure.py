"""Measures the simulated day, and holds what is in the database at its end against the model."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from harness.servers import Servers

from day.course import Day
from day.people import LINES, callers, settle
from trunkline import wiring
from trunkline.core.db import Database, install_database
from trunkline.core.settings import Settings
from trunkline.domain.outbound.options import DialLimits
from trunkline.kit import clock

BEGINS = datetime(2026, 11, 23, 14, 50, tzinfo=UTC)
"""A Monday: afternoon in Europe, morning in America."""
SHORTLY_BEFORE_AN_EDGE = datetime(2026, 11, 23, 15, 13, tzinfo=UTC)
"""For who has little time, and is to see a window close and another one open all the same."""

_SETTLES_S = 60.0
_PACE = 10.0
_LINES_OF_600 = 240
"""Lines of the account, where all businesses together would use six hundred."""


def measure(
    servers: Servers, *, businesses: int, leads: int, lines: int | None, begins: datetime, minutes: float,
    wall_s: float, seed: int, say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Return what came of the day, or of as much of it as there was time for."""
    urls = servers.own_database("bench_day")
    database = Database(urls["DATABASE_URL"])
    install_database(database)
    wiring.register_doors(Settings(), b"a key for benchmarks")
    limits = DialLimits(
        account="day", per_second=_PACE, account_lines=lines or max(2, _LINES_OF_600 * businesses // 200),
        system=LINES * businesses, starts_per_minute=1_000, ring_limit=timedelta(seconds=45),
        call_limit=timedelta(seconds=1_800), fence=timedelta(hours=24), public_url="http://day.example",
        token_key=b"day",
    )  # fmt: skip
    chance = random.Random(seed)
    try:
        with psycopg.connect(urls["BENCH_ADMIN"], autocommit=True) as admin:
            say("writing the leads")
            with clock.frozen_at(begins):
                everybody = callers(businesses=businesses, leads=leads, chance=chance)
                settle(admin, everybody, begins=begins)
            leads = sum(caller.size for caller in everybody)
            day = Day(
                everybody, limits, admin, begins=begins, settles_s=_SETTLES_S, chance=chance, say=say,
                seconds=minutes * 60, wall_s=wall_s,
            )  # fmt: skip
            begun = time.monotonic()
            lasted = day.run()
            wall = time.monotonic() - begun
            book = day.book
            faults = dict(book.faults) | _differences(admin, day, leads=leads)
    finally:
        database.dispose()
    tenths, fairness = book.by_tenths(), book.fairness()
    return {
        "businesses": businesses, "leads": leads, "account_lines": limits.account_lines, "pace": _PACE,
        "virtual_hours": round(lasted / 3600, 2), "wall_s": round(wall, 1), "dials": len(book.claims_ms),
        "slot_use": round(book.use, 4), "most_live": book.most_live,
        "fairness": fairness,
        "jain": min((row["jain_lines"] for row in fairness), default=None),
        "most_by_least": max((row["most_by_least_lines"] for row in fairness), default=None),
        "claim_ms": {
            "p50": round(statistics.median(book.claims_ms), 2),
            "p99": round(statistics.quantiles(book.claims_ms, n=100)[98], 2),
            "denied": {
                reason: {
                    "p50": round(statistics.median(times), 2),
                    "in_all_s": round(sum(times) / 1e3, 1),
                    "times": len(times),
                }
                for reason, times in sorted(book.denied_ms.items(), key=lambda item: -len(item[1]))
            },
        },
        "tenths_ms": tenths, "last_by_first": round(tenths[-1] / tenths[0], 3),
        "faults": faults,
    }  # fmt: skip


def _differences(admin: psycopg.Connection, day: Day, *, leads: int) -> dict[str, int]:
    """Return where the database says something else than the model, or than the law."""
    live, ended, twice = admin.execute(
        "select count(*) filter (where state in ('submitting', 'placed', 'ringing', 'answered')),"
        " count(*) filter (where state = 'ended'),"
        " (select count(*) from (select from outbound_attempts group by business_id, phone"
        "  having count(*) > 2) as much) from outbound_attempts"
    ).fetchone()
    items, begun = admin.execute(
        "select count(*), count(*) filter (where state in ('dialling', 'in_call')) from outbound_items"
    ).fetchone()
    found = {
        "live attempts": live - day.book.live_in_all,
        "dials": live + ended - len(day.book.claims_ms),
        "numbers dialled too often": twice,
        "items": items - leads,
        "items under way": begun - live,
    }
    return {f"database: {what}": count for what, count in found.items() if count}
