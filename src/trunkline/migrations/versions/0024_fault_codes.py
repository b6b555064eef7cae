"""Keep why a row could not be used as a code with its facts too, so that pages say it in their words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("import_faults", sa.Column("code", sa.Text(), nullable=True))
    op.add_column(
        "import_faults",
        sa.Column("facts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
    )
