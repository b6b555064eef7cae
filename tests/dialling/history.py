"""A business with a past: finished calls without number, people who wait, and a few dials under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from support.installation import Installation
from support.world import World, make_world
from trunkline.core.db import unit_of_work
from trunkline.domain.outbound import service
from trunkline.domain.outbound.options import installed_limits

LIVE = 3
"""Attempts under way: one of each state that a sweep looks for, and a line is free."""

WAITING = 20_000
DUE = 3_000
QUEUED = 1_500

_TABLES = ("outbound_items", "outbound_attempts", "calls")

_CALLS = """
    insert into calls (id, business_id, carrier_sid, direction, ours, theirs, state, disposition,
                       created_at, ended_at, finalized_at)
    select gen_random_uuid(), :business_id, 'CAdone' || n,
           case n % 4 when 0 then 'inbound' else 'outbound' end, '+12125550190',
           '+1213' || lpad(n::text, 7, '0'), 'ended', 'declined',
           now() - interval '90 days' + n * interval '1 s', now(), now()
    from generate_series(1, :rows) n
"""

_ITEMS = """
    insert into outbound_items (id, business_id, run_id, phone, position, state, attempts_used, disposition,
                                not_before, waits_for)
    select gen_random_uuid(), :business_id, :run_id, :prefix || lpad(n::text, 7, '0'), n,
           cast(:state as text), case when cast(:wait as text) is null then 1 else 0 end,
           case cast(:state as text) when 'completed' then 'declined' end,
           now() + cast(:wait as interval) + n * interval '1 ms',
           case cast(:state as text) when 'retry_wait' then 'retry' end
    from generate_series(cast(:first as int), cast(:last as int)) n
"""

_ATTEMPTS = """
    insert into outbound_attempts (id, business_id, run_id, item_id, phone, from_number, state, disposition,
                                   job_id, lease_epoch, carrier_sid, call_id, created_at, resolved_at)
    select gen_random_uuid(), i.business_id, i.run_id, i.id, i.phone, '+12125550190', 'ended', 'declined',
           gen_random_uuid(), 1, c.carrier_sid, c.id, c.created_at, now()
    from outbound_items i join calls c on c.business_id = i.business_id and c.theirs = i.phone
    where i.business_id = :business_id and i.run_id = any(:run_ids) and i.state = 'completed'
"""

_UNDER_WAY = """
    insert into outbound_attempts (id, business_id, run_id, item_id, phone, from_number, state, job_id,
                                   lease_epoch, carrier_sid, created_at)
    select gen_random_uuid(), business_id, run_id, id, phone, '+12125550190',
           (array['submitting', 'placed', 'unknown'])[1 + position % 3], gen_random_uuid(), 1,
           'CAlive' || position, now() - interval '3 hours'
    from outbound_items where business_id = :business_id and run_id = :run_id and state = 'dialling'
"""


@dataclass(frozen=True, slots=True)
class History:
    """What the statements are asked about."""

    world: World
    done_run: UUID
    """A run that is over."""
    run: UUID
    """One that goes on, half of whose people have been called."""
    item: UUID
    call: UUID
    sid: str
    phone: str
    """Of one of its finished dials."""
    rows: int
    is_analysed: bool = False


@contextmanager
def business_with_past(installation: Installation, rows: int) -> Iterator[History]:
    """Make a business with so many finished items, attempts and calls, of which PostgreSQL knows nothing."""
    installation.wipe(to_the_ground=True)
    _let_analyse(installation, "off")
    try:
        world = make_world("Acme", number="+12125550190", phones=("+12125550101",))
        done_run, run = world.make_run().id, world.make_run().id
        with unit_of_work(world.scope) as session:
            service.start_run(session, world.business_id, run, actor="test")
        # The owner is bound by row-level security like everybody else; only its force is lifted here.
        with installation.owner.begin() as connection:
            for table in _TABLES:
                connection.execute(text(f"alter table {table} no force row level security"))
            made = _fill(connection, world, done_run, run, rows)
            for table in _TABLES:
                connection.execute(text(f"alter table {table} force row level security"))
        yield made
    finally:
        _let_analyse(installation, "on")
        installation.wipe(to_the_ground=True)


_FORGET = text(
    """
    select pg_clear_attribute_stats('public', :table, attname, false) from pg_attribute
    where attrelid = cast(:table as regclass) and attnum > 0 and not attisdropped
    """
)


def _let_analyse(installation: Installation, switch: str) -> None:
    with installation.owner.begin() as connection:
        for table in _TABLES:
            connection.execute(text(f"alter table {table} set (autovacuum_enabled = {switch})"))
            # What was found out of the rows of tests before would be taken for these.
            connection.execute(_FORGET, {"table": table})


def _fill(connection: Connection, world: World, done_run: UUID, run: UUID, rows: int) -> History:
    ours = {"business_id": world.business_id}
    connection.execute(text("delete from outbound_items"))
    # As little is known of the tables as later: a call is not to be sought for each item.
    connection.execute(text("set local enable_nestloop = off"))
    account = installed_limits().account
    connection.execute(text("insert into carrier_accounts (account) values (:account)"), {"account": account})
    connection.execute(text(_CALLS), ours | {"rows": rows})
    for run_id, state, wait, prefix, first, last in (
        (done_run, "completed", None, "+1213", 1, rows // 2),
        (run, "completed", None, "+1213", rows // 2 + 1, rows),
        (run, "dialling", None, "+1214", rows + 1, rows + LIVE),
        (run, "retry_wait", "2 hours", "+1215", 1, WAITING),
        (run, "retry_wait", "-2 hours", "+1216", 1, DUE),
        (run, "queued", None, "+1217", rows + 1, rows + QUEUED),
    ):
        values = {"run_id": run_id, "state": state, "wait": wait, "prefix": prefix}
        connection.execute(text(_ITEMS), ours | values | {"first": first, "last": last})
    connection.execute(text(_ATTEMPTS), ours | {"run_ids": [done_run, run]})
    connection.execute(text(_UNDER_WAY), ours | {"run_id": run})
    one = connection.execute(
        text(
            "select item_id, call_id, carrier_sid, phone from outbound_attempts"
            " where business_id = :business_id and phone = '+1213' || lpad(:last, 7, '0')"
        ),
        ours | {"last": str(rows)},
    ).one()
    return History(world, done_run, run, one.item_id, one.call_id, one.carrier_sid, one.phone, rows)
