"""Find by its run what an automation calls about: each dial of such a run asks whether it still is so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_index(
        "ix_appointment_sendings_run", "appointment_sendings", ["business_id", "run_id"],
        postgresql_where=sa.text("run_id is not null"),
    )  # fmt: skip
