"""Find tasks by their words."""

from __future__ import annotations

from alembic import op

from trunkline.migrations import finding, policies

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    finding.keep("tasks", kind="task", words="{row}.title || ' ' || {row}.text")
    with policies.across_tenants("businesses"), policies.across_tenants("search_fills"):
        op.execute(
            "insert into search_fills (business_id, kind, behind)"
            " select id, 'task', '00000000-0000-0000-0000-000000000000' from businesses"
        )
