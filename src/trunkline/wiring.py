"""Floor 5: puts a process together: settings, role, servers, database, bell, providers, domains.

Every process of Trunkline opens one runtime and closes it at its end. What a process may not do is
refused here, before it touches anything.
"""

from __future__ import annotations

import enum
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from trunkline import brains, schedule, schema
from trunkline.carriers import register_carriers
from trunkline.chats import register_chats, register_inbox
from trunkline.core import registry, vault
from trunkline.core.carrier_settings import can_reach
from trunkline.core.db import Database, install_database
from trunkline.core.errors import StartRefused
from trunkline.core.jobs.bell import Bell, install_bell
from trunkline.core.runs.sweeper import register_step
from trunkline.core.settings import ServiceRole, Settings
from trunkline.core.storage import Storage, install_storage
from trunkline.core.telemetry import configure_logging
from trunkline.core.tenancy import APP_ROLE, RELAY_ROLE, check_role
from trunkline.domain.agents import finding as finding_of_agents
from trunkline.domain.agents import jobs as _agent_jobs
from trunkline.domain.agents import tools as _agent_tools
from trunkline.domain.appointments import channels
from trunkline.domain.appointments import finding as finding_of_appointments
from trunkline.domain.appointments import jobs as _appointment_jobs
from trunkline.domain.appointments import links as appointment_links
from trunkline.domain.appointments import reminding as reminding_of_appointments
from trunkline.domain.appointments import sending as appointment_sending
from trunkline.domain.appointments import service as appointments
from trunkline.domain.appointments import telling as telling_of_appointments
from trunkline.domain.appointments import tools as _appointment_tools
from trunkline.domain.broadcasts import jobs as _broadcast_jobs
from trunkline.domain.calls import endings
from trunkline.domain.calls import finding as finding_of_calls
from trunkline.domain.calls import jobs as _call_jobs
from trunkline.domain.calls import telling as telling_of_calls
from trunkline.domain.control import jobs as _control_jobs
from trunkline.domain.control import tools as _control_tools
from trunkline.domain.control.places import ControlPlaces, install_places
from trunkline.domain.inbox import jobs as _inbox_jobs
from trunkline.domain.inbox import tools as _inbox_tools
from trunkline.domain.leads import automatic, bulk, imports, keepers, merging, movers, owners, webhooks
from trunkline.domain.leads import finding as finding_of_leads
from trunkline.domain.leads import jobs as _lead_jobs
from trunkline.domain.leads import telling as telling_of_leads
from trunkline.domain.leads import tools as _lead_tools
from trunkline.domain.notifications import jobs as _notification_jobs
from trunkline.domain.notifications import telling as trying_devices
from trunkline.domain.outbound import causes, holds
from trunkline.domain.outbound import jobs as _outbound_jobs
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound import telling as telling_of_suppressions
from trunkline.domain.outbound import tools as _outbound_tools
from trunkline.domain.outbound.options import DialLimits, install_limits
from trunkline.domain.people import jobs as _people_jobs
from trunkline.domain.people import leaving
from trunkline.domain.people.links import PeopleLinks, install_links
from trunkline.domain.recordings import jobs as _recording_jobs
from trunkline.domain.reports import jobs as _report_jobs
from trunkline.domain.search import jobs as _search_jobs
from trunkline.domain.tasks import finding as finding_of_tasks
from trunkline.domain.tasks import jobs as _task_jobs
from trunkline.domain.tasks import reminding as reminding_of_tasks
from trunkline.embedded import EmbeddedUnavailable, Hold, default_home, hold_servers
from trunkline.kit.safe_http import SafeHttp
from trunkline.own_voices import register_own_voices
from trunkline.providers import browser
from trunkline.providers.scripted import ScriptedBrain
from trunkline.providers.smtp import SmtpMailer
from trunkline.providers.web_push import WebPush
from trunkline.writers import register_writers

DOORS = (
    _agent_jobs, _agent_tools, _appointment_jobs, _appointment_tools, _broadcast_jobs, _call_jobs,
    _control_jobs, _control_tools, _inbox_jobs, _inbox_tools, _lead_jobs, _lead_tools, _notification_jobs,
    _outbound_jobs, _outbound_tools, _people_jobs, _recording_jobs, _report_jobs, _search_jobs, _task_jobs,
)  # fmt: skip
"""Importing these is what registers the jobs and the agent's tools."""


class Command(enum.StrEnum):
    """What a process was started for."""

    UP = "up"
    API = "api"
    CALLS = "calls"
    WORKER = "worker"
    TOOL = "tool"
    """A command that does one thing and ends, such as migrate or user."""


_ROLES_OF_COMMAND = {
    Command.UP: {ServiceRole.ALL},
    Command.API: {ServiceRole.API, ServiceRole.ALL},
    Command.CALLS: {ServiceRole.CALLS, ServiceRole.API, ServiceRole.ALL},
    Command.WORKER: {ServiceRole.WORKER, ServiceRole.ALL},
}

_WHAT_ROLES_DO = {
    ServiceRole.API: "serves HTTP and live calls and only enqueues background work",
    ServiceRole.CALLS: "serves live calls and carrier hooks alone",
    ServiceRole.WORKER: "executes background work and serves no HTTP",
    ServiceRole.ALL: "does everything",
}


def check_command(command: Command, settings: Settings) -> ServiceRole:
    """Return the role of this process. Raises StartRefused where the role excludes the command."""
    role = settings.service_role
    allowed = _ROLES_OF_COMMAND.get(command)
    if allowed is not None and role is not None and role not in allowed:
        raise StartRefused(
            f"SERVICE_ROLE={role} {_WHAT_ROLES_DO[role]}, so it excludes `trunkline {command}`. "
            f"Unset SERVICE_ROLE or set it to {' or '.join(sorted(allowed))}."
        )
    if settings.enable_schedulers and (command in {Command.API, Command.CALLS}):
        raise StartRefused(
            f"ENABLE_SCHEDULERS=true belongs to a worker, and `trunkline {command}` "
            f"{_WHAT_ROLES_DO[ServiceRole(command)]}. Unset it here and set it for `trunkline worker`."
        )
    if settings.enable_schedulers and role in {ServiceRole.API, ServiceRole.CALLS}:
        raise StartRefused(
            f"ENABLE_SCHEDULERS=true is refused with SERVICE_ROLE={role}, which {_WHAT_ROLES_DO[role]}; "
            "recurring jobs fire on a worker."
        )
    if command is Command.CALLS:
        # A wider role allows the command; it does not widen what the command serves.
        return ServiceRole.CALLS
    return role or {Command.API: ServiceRole.API, Command.WORKER: ServiceRole.WORKER}.get(
        command, ServiceRole.ALL
    )


def check_public_url(command: Command, settings: Settings) -> None:
    """Refuse to take calls at an address that the carrier cannot use. Raises StartRefused."""
    if command not in {Command.UP, Command.API, Command.CALLS}:
        return
    if settings.carrier_faults:
        raise StartRefused(f"{'; '.join(settings.carrier_faults)}.")
    cut_off = [url for url in settings.carriers.values() if not can_reach(url, settings.public_url)]
    if cut_off:
        raise StartRefused(
            f"The carrier at {cut_off[0]} cannot use PUBLIC_URL={settings.public_url}: "
            "set it to the https address at which the world reaches this process."
        )


@dataclass(slots=True)
class Runtime:
    """A process put together."""

    settings: Settings
    role: ServiceRole
    home: Path
    database: Database
    redis_url: str
    token_key: bytes
    hold: Hold | None
    """Keeps the embedded servers running; None where the settings name servers of their own."""

    def upkeep(self) -> None:
        """See to it, every second or so, that the embedded servers have a keeper."""
        if self.hold is not None:
            self.hold.check()


@contextmanager
def open_runtime(
    command: Command, settings: Settings, *, wait_for_schema_s: float | None = 60
) -> Iterator[Runtime]:
    """Put a process together, and take it apart at the end.

    `wait_for_schema_s` None goes on without the schema: an API then answers 503 until it is there.
    Raises StartRefused with one sentence that says what is wrong.
    """
    role = check_command(command, settings)
    check_public_url(command, settings)
    configure_logging(style=settings.log_format, level=settings.log_level)
    home = settings.trunkline_home or default_home()
    with ExitStack() as stack:
        hold = _hold(settings, home, stack)
        urls = _urls(settings, hold)
        if urls.owner is not None:
            _migrate(urls.owner)
        database = Database(urls.app, relay_url=urls.relay)
        stack.callback(database.dispose)
        _check_database(database)
        install_database(database)
        if wait_for_schema_s is not None:
            schema.wait_for_schema(database.engine, timeout_s=wait_for_schema_s)
        bell = Bell(urls.redis)
        stack.callback(bell.close)
        install_bell(bell)
        token_key = _token_key(settings, home)
        register_doors(settings, token_key)
        vault.install_vault(vault.Seals(_vault_keys(settings, home)))
        install_storage(Storage(settings.storage_dir or home / "storage"))
        yield Runtime(settings, role, home, database, urls.redis, token_key, hold)


@dataclass(frozen=True, slots=True)
class _Urls:
    app: str
    relay: str
    owner: str | None
    redis: str


def _hold(settings: Settings, home: Path, stack: ExitStack) -> Hold | None:
    if not settings.is_embedded:
        return None
    try:
        return stack.enter_context(
            hold_servers(home, postgres=settings.database_url is None, redis=settings.redis_url is None)
        )
    except EmbeddedUnavailable as error:
        raise StartRefused(str(error)) from error


def _urls(settings: Settings, hold: Hold | None) -> _Urls:
    """Return exactly the servers that the settings name, and the embedded ones for what they do not."""
    redis = settings.redis_url.get_secret_value() if settings.redis_url else hold and hold.urls.redis_url
    assert redis  # what the settings do not name, the hold has
    if settings.database_url is None:
        assert hold is not None
        urls = hold.urls
        assert urls.database_url
        assert urls.database_relay_url
        return _Urls(urls.database_url, urls.database_relay_url, urls.database_owner_url, redis)
    if settings.database_relay_url is None:
        raise StartRefused(
            "DATABASE_URL is set but DATABASE_RELAY_URL is not: the ledger is worked as the relay role. "
            "`trunkline doctor` prints the SQL that makes the roles."
        )
    owner = settings.database_owner_url
    return _Urls(
        settings.database_url.get_secret_value(),
        settings.database_relay_url.get_secret_value(),
        owner.get_secret_value() if owner else None,
        redis,
    )


def _migrate(owner_url: str) -> None:
    owner = Database(owner_url, pool_size=2)
    try:
        schema.migrate(owner.engine)
    except OperationalError as error:
        raise StartRefused(f"DATABASE_OWNER_URL cannot be reached: {_first_line(error)}") from error
    except DBAPIError as error:
        raise StartRefused(
            f"The schema cannot be made: {_first_line(error)}. "
            "`trunkline doctor --sql` prints the SQL that makes the roles."
        ) from error
    finally:
        owner.dispose()


def _check_database(database: Database) -> None:
    assert database.relay is not None
    try:
        check_role(database.engine, wanted=APP_ROLE, variable="DATABASE_URL")
        check_role(database.relay, wanted=RELAY_ROLE, variable="DATABASE_RELAY_URL")
    except OperationalError as error:
        raise StartRefused(f"The database cannot be reached: {_first_line(error)}") from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0]


def _token_key(settings: Settings, home: Path) -> bytes:
    """Return the key that signs tokens; without a setting, one made once and kept in the home folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    return _kept(home / "secret.key", secrets.token_hex(32)).encode()


def _vault_keys(settings: Settings, home: Path) -> list[bytes]:
    """Return the vault's keys, the one that seals first; kept as the other is."""
    current = settings.vault_key.get_secret_value() if settings.vault_key else ""
    old = [key.get_secret_value() for key in settings.vault_old_keys or ()]
    file = home / "vault.key"
    # What was sealed before VAULT_KEY was set still opens.
    kept = _kept(file, vault.new_key()) if not current or file.exists() else ""
    return [vault.read_key(key) for key in (current, kept, *old) if key]


def _kept(file: Path, fresh_text: str) -> str:
    """Return what a file of the home folder holds; where it is not there yet, this text from now on."""
    home = file.parent
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Linked into place whole, so that of several processes one key wins and none reads half of it.
        with tempfile.NamedTemporaryFile("w", dir=home) as fresh:
            fresh.write(fresh_text)
            fresh.flush()
            with suppress(FileExistsError):
                os.link(fresh.name, file)
    return file.read_text()


def _hear_ending(session: Session, business_id: UUID, ending: endings.Ending) -> None:
    """Let a call that has ended move its lead, where the business has rules for that."""
    if ending.lead_id is not None:
        automatic.hear(session, business_id, automatic.Outcome(**asdict(ending)))


def register_doors(settings: Settings, token_key: bytes) -> None:
    """Tell the registry and the dialler what this installation has and allows."""
    registry.register_brain("scripted", ScriptedBrain)
    brains.register_models(settings)
    brains.register_embedder(settings)
    register_own_voices(settings)
    registry.register_voices(settings.text_to_speech)
    registry.register_hearing(anything=settings.hears_anything)
    register_step(outbound.KIND, queue="high", job_name="sweep_outbound")
    register_step(bulk.UPDATE, queue="maintenance", job_name="bulk_update_leads")
    register_step(bulk.DELETE, queue="maintenance", job_name="bulk_delete_leads")
    register_step(imports.KIND, queue="maintenance", job_name="import_leads")
    imports.install_limit(settings.import_max_mb)
    webhooks.install_address(settings.public_url)
    keepers.register_keeper(
        "outbound",
        keepers.Keeper(held=holds.held_leads, lock=outbound.lock_slots, let_go=holds.cancel_items_of_leads),
    )
    channels.register_channel(channels.EMAIL, channels.Mail())
    channels.register_channel(channels.CALL, channels.Call())
    causes.register_cause(channels.ACTOR, appointment_sending.call_stands)
    keepers.register_keeper("appointments", keepers.Keeper(held=appointments.held_leads))
    endings.register_listener("leads", automatic.has_rules, _hear_ending)
    merging.register()
    movers.register_rows("calls", "appointments", "tasks")
    movers.register_mover(
        "outbound_items",
        movers.Mover(move=holds.move_items, busy=holds.held_leads, lock=outbound.lock_slots),
    )
    leaving.register_listener("leads", owners.give_back)
    for telling in (telling_of_leads, telling_of_calls, telling_of_appointments, telling_of_suppressions):
        telling.register()
    for reminding in (trying_devices, reminding_of_tasks, reminding_of_appointments):
        reminding.register()
    for finding in (
        finding_of_leads, finding_of_calls, finding_of_appointments, finding_of_tasks, finding_of_agents,
    ):  # fmt: skip
        finding.register()
    schedule.install()
    register_carriers(settings)
    register_chats(settings)
    register_inbox(settings)
    register_writers(settings)
    registry.register_carrier(browser.BrowserCarrier, registry.BROWSER, offered=False)
    install_limits(
        DialLimits(
            account=settings.twilio_account_sid or settings.telnyx_connection_id or "none",
            per_second=settings.carrier_calls_per_second,
            account_lines=settings.carrier_lines,
            system=settings.max_active_calls,
            starts_per_minute=settings.run_starts_per_minute,
            ring_limit=timedelta(seconds=settings.ring_timeout_seconds),
            call_limit=timedelta(seconds=settings.longest_call_seconds),
            fence=timedelta(hours=settings.unknown_fence_hours),
            public_url=settings.public_url,
            token_key=token_key,
        )
    )
    install_places(
        ControlPlaces(
            public_url=settings.public_url,
            media_url=settings.media_url,
            token_key=token_key,
            longest_call=timedelta(seconds=settings.longest_call_seconds),
        )
    )
    install_links(PeopleLinks(settings.public_url, token_key))
    appointment_links.install_links(
        appointment_links.AppointmentLinks(settings.public_url, token_key, settings.mail_from)
    )
    if settings.mail_fault:
        raise StartRefused(settings.mail_fault)
    registry.register_mailer(SmtpMailer(*settings.mail) if settings.mail else None)
    registry.register_pusher(
        WebPush(settings.push_contact, SafeHttp(allowed=settings.private_networks_allowed or ()))
    )
