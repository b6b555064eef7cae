"""Floor 4: the schema as a whole. Gathers every table and brings a database up to date.

Migrations run once however many processes start: they are made under an advisory lock, and the
loser of the race finds nothing left to do.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from trunkline.core import events as _events
from trunkline.core import shared_secrets as _secrets
from trunkline.core import vault as _vault
from trunkline.core.db import metadata
from trunkline.core.errors import StartRefused
from trunkline.core.jobs import models as _jobs
from trunkline.core.recurring import ticks as _ticks
from trunkline.core.runs import models as _runs
from trunkline.core.telemetry import get_logger
from trunkline.domain.agents import models as _agents
from trunkline.domain.appointments import automation_models as _automations
from trunkline.domain.appointments import models as _appointments
from trunkline.domain.broadcasts import models as _broadcasts
from trunkline.domain.calls import models as _calls
from trunkline.domain.control import models as _control
from trunkline.domain.inbox import account_models as _chat_accounts
from trunkline.domain.inbox import models as _inbox
from trunkline.domain.leads import file_models as _lead_files
from trunkline.domain.leads import flow_models as _lead_flow
from trunkline.domain.leads import import_models as _lead_imports
from trunkline.domain.leads import models as _leads
from trunkline.domain.leads import record_models as _lead_records
from trunkline.domain.leads import webhook_models as _lead_webhooks
from trunkline.domain.notifications import models as _notifications
from trunkline.domain.outbound import models as _outbound
from trunkline.domain.people import models as _people
from trunkline.domain.recordings import models as _recordings
from trunkline.domain.reports import models as _reports
from trunkline.domain.search import models as _search
from trunkline.domain.tasks import models as _tasks
from trunkline.domain.tenants import models as _tenants

__all__ = ["at_head", "metadata", "migrate", "wait_for_schema"]

TABLE_MODULES = (
    _events, _vault, _secrets, _jobs, _runs, _ticks, _tenants, _people, _agents, _leads, _lead_records,
    _lead_flow, _lead_files, _lead_imports, _lead_webhooks, _calls, _control, _outbound, _appointments,
    _automations, _recordings, _reports, _search, _notifications, _tasks, _chat_accounts,
    _inbox, _broadcasts,
)  # fmt: skip
"""Importing these is what fills `metadata`."""

_LOCK = 7_205_117
"""Key of the advisory lock under which migrations run; any number, the same everywhere."""

log = get_logger(__name__)


def migrate(owner: Engine) -> bool:
    """Bring the schema to head. Returns whether anything was done."""
    if at_head(owner):
        return False
    config = _config()
    with owner.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        try:
            if at_head(owner):
                return False
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()
    log.info("schema_migrated", revision=head())
    return True


def at_head(engine: Engine) -> bool:
    """Return whether the database has exactly the schema that this code wants."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head()


@cache
def head() -> str:
    """Return the revision that this code wants. The files are asked once: probes ask often."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # the folder holds at least one migration
    return revision


def wait_for_schema(engine: Engine, *, timeout_s: float) -> None:
    """Wait until someone has migrated the database. Raises StartRefused after `timeout_s` seconds."""
    ends = time.monotonic() + timeout_s
    while not at_head(engine):
        if time.monotonic() > ends:
            raise StartRefused(
                "The database's schema is not this version's, and DATABASE_OWNER_URL is not set: "
                "run `trunkline migrate` with it."
            )
        time.sleep(0.25)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
