"""The compliance log: its events are found by business and in order of time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index(
        "ix_events_compliance",
        "events",
        ["business_id", "at", "id"],
        postgresql_where=sa.text(
            "kind in ('dial.allowed', 'dial.refused', 'dial.taken_back', 'number.suppressed', "
            "'number.allowed', 'consent.changed')"
        ),
    )
