"""Row-level security for migrations: every tenant table gets its policy here, in one shape.

FORCE binds the owner too, so a data migration that must touch tenants' rows says so with
`across_tenants`, which lifts FORCE for the owner inside the migration's own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

APP = "trunkline_app"
RELAY = "trunkline_relay"
LOOKUP = "trunkline_lookup"

_KEPT_BY_TRIGGERS = {
    "leads": ("lead_addresses", "lead_counts", "outbound_items", "outbound_runs"),
    "outbound_items": ("outbound_runs",),
}
"""What triggers of a table read and write: they run as whoever changes it, and see as little."""

SCOPE = "(select nullif(current_setting('app.business_id', true), ''))::uuid"
SYSTEM = "(select current_setting('app.is_system', true)) = 'on'"


def protect(table: str, *, key: str = "business_id", grants: str = "select, insert, update, delete") -> None:
    """Make `table` a tenant table: enabled, forced, one policy, and the application's grants."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant on {table} to {APP} using ({key} = {SCOPE}) with check ({key} = {SCOPE})"
    )
    op.execute(f"grant {grants} on {table} to {APP}")


def admit_system(table: str, *, rows: str = "business_id is null") -> None:
    """Let the system scope at rows that belong to no business."""
    allowed = f"({SYSTEM} and {rows})"
    op.execute(f"create policy system on {table} to {APP} using {allowed} with check {allowed}")


def admit_relay(table: str, *, grants: str) -> None:
    """Let the relay at every tenant's rows of a ledger or run table."""
    op.execute(f"create policy relay on {table} to {RELAY} using (true) with check (true)")
    op.execute(f"grant {grants} on {table} to {RELAY}")


def admit_lookup(table: str, *, columns: str) -> None:
    """Let the look-up functions read these columns of every tenant's rows."""
    op.execute(f"create policy lookup on {table} for select to {LOOKUP} using (true)")
    op.execute(f"grant select ({columns}) on {table} to {LOOKUP}")


def lookup_function(signature: str, returns: str, body: str) -> None:
    """Make a narrow function that looks across tenants, run as the look-up role."""
    name = signature.split("(", 1)[0]
    op.execute(f"grant create on schema public to {LOOKUP}")
    op.execute(f"set local role {LOOKUP}")
    op.execute(
        f"create function {signature} returns {returns} language sql stable security definer "
        f"set search_path = pg_catalog, public, pg_temp as $$ {body} $$"
    )
    op.execute(f"revoke all on function {name} from public")
    op.execute(f"grant execute on function {name} to {APP}")
    op.execute("reset role")
    op.execute(f"revoke create on schema public from {LOOKUP}")


@contextmanager
def across_tenants(table: str) -> Iterator[None]:
    """Let the owner at every row of `table`, and of what its triggers keep; for data migrations only."""
    opened = [table, *_KEPT_BY_TRIGGERS.get(table, ())]
    for name in opened:
        # Migrations that are older than what is kept do not find it.
        op.execute(f"alter table if exists {name} no force row level security")
    try:
        yield
    finally:
        for name in opened:
            op.execute(f"alter table if exists {name} force row level security")
