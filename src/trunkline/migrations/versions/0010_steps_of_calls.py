"""Steps of a call: what a carrier tells late, or twice, is known by the step that it belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("calls", sa.Column("steps", sa.Integer(), server_default="0", nullable=False))
