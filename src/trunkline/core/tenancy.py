"""Tenancy: the checks that make row-level security worth something, made before a process serves.

A superuser, a BYPASSRLS role or a table's owner with the wrong grants would see every tenant's
rows; a process that finds itself in such a role refuses to start. The look-ups that must cross
tenants before a tenant is known call narrow SQL functions, all of them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from trunkline.core.errors import StartRefused

APP_ROLE = "trunkline_app"
RELAY_ROLE = "trunkline_relay"
LOOKUP_ROLE = "trunkline_lookup"

_ROLE_FACTS = text(
    """
    select current_user as name,
           r.rolsuper,
           r.rolbypassrls,
           exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                   where n.nspname = 'public' and c.relkind in ('r', 'p')
                   and pg_has_role(current_user, c.relowner, 'member')) as owns_tables,
           exists (select from pg_roles o where (o.rolsuper or o.rolbypassrls)
                   and pg_has_role(current_user, o.oid, 'member')) as can_escape,
           to_regrole(:wanted) is not null and pg_has_role(current_user, to_regrole(:wanted), 'usage')
               as has_role,
           exists (select from unnest(cast(:others as text[])) other
                   where to_regrole(other) is not null
                   and pg_has_role(current_user, to_regrole(other), 'member')) as has_other
    from pg_roles r where r.rolname = current_user
    """
)

_LINE_USE = text(
    """
    select d.dials, d.dials_in_all, w.business_id, w.waiting_since
    from (select coalesce(sum(dials) filter (where account = :account), 0)::int as dials,
                 coalesce(sum(dials), 0)::int as dials_in_all
          from live_dials(:live_since)) d
    left join longest_waiting(:account, :seen_since) w on true
    """
)


def check_role(engine: Engine, *, wanted: str, variable: str) -> None:
    """Refuse to go on as a role that row-level security does not bind.

    `variable` is the setting that named the connection, for the sentence. Raises StartRefused.
    """
    others = sorted({APP_ROLE, RELAY_ROLE, LOOKUP_ROLE} - {wanted})
    with engine.connect() as connection:
        facts = connection.execute(_ROLE_FACTS, {"wanted": wanted, "others": others}).one()
    fault = None
    if facts.rolsuper:
        fault = "is a superuser, whom row-level security does not bind"
    elif facts.rolbypassrls:
        fault = "has BYPASSRLS, so it would see every business's rows"
    elif facts.can_escape:
        fault = "is a member of a role that row-level security does not bind"
    elif facts.owns_tables:
        fault = "owns tables; the owner's address belongs in DATABASE_OWNER_URL"
    elif not facts.has_role:
        fault = f"is not (a member of) the role {wanted}"
    elif facts.has_other:
        fault = "is a member of a role that it must be kept apart from"
    if fault:
        raise StartRefused(
            f"{variable} connects as {facts.name}, which {fault}. "
            "`trunkline doctor` prints the SQL that makes the roles."
        )


def business_of_login(session: Session, email: str) -> tuple[bool, UUID | None]:
    """Return (whether the e-mail address is known, its business; None for a system admin)."""
    row = session.execute(text("select * from lookup_login(:email)"), {"email": email}).one_or_none()
    return (False, None) if row is None else (True, row.business_id)


def business_of_sign_in(session: Session, token_hash: str) -> tuple[bool, UUID | None]:
    """Return (whether the session exists, its business; None for a system admin's)."""
    row = session.execute(text("select * from lookup_sign_in(:hash)"), {"hash": token_hash}).one_or_none()
    return (False, None) if row is None else (True, row.business_id)


def business_of_invitation(session: Session, token_hash: str) -> UUID | None:
    """Return the business that an invitation's link is for, or None: there is no such link."""
    business_id: UUID | None = session.execute(
        text("select lookup_invitation(:hash)"), {"hash": token_hash}
    ).scalar_one()
    return business_id


def business_of_password_reset(session: Session, token_hash: str) -> tuple[bool, UUID | None]:
    """Return (whether the link exists, its business; None for a system admin's)."""
    row = session.execute(
        text("select * from lookup_password_reset(:hash)"), {"hash": token_hash}
    ).one_or_none()
    return (False, None) if row is None else (True, row.business_id)


def business_of_appointment_link(session: Session, token_hash: str) -> UUID | None:
    """Return the business of an appointment that a link is for, or None: there is no such link."""
    business_id: UUID | None = session.execute(
        text("select lookup_appointment_link(:hash)"), {"hash": token_hash}
    ).scalar_one()
    return business_id


def business_of_calendar_feed(session: Session, token_hash: str) -> UUID | None:
    """Return the business of a calendar that is read at an address, or None: it leads nowhere."""
    business_id: UUID | None = session.execute(
        text("select lookup_calendar_feed(:hash)"), {"hash": token_hash}
    ).scalar_one()
    return business_id


def business_of_lead_webhook(session: Session, webhook_id: UUID) -> UUID | None:
    """Return the business that a lead webhook belongs to, or None: there is no such webhook."""
    business_id: UUID | None = session.execute(
        text("select lookup_lead_webhook(:webhook)"), {"webhook": webhook_id}
    ).scalar_one()
    return business_id


def business_of_number(session: Session, e164: str) -> UUID | None:
    """Return the business that a dialled number belongs to, or None: such a call is rejected."""
    business_id: UUID | None = session.execute(
        text("select lookup_number(:number)"), {"number": e164}
    ).scalar_one()
    return business_id


def business_of_chat_account(session: Session, hook_key: str) -> UUID | None:
    """Return the business whose number's events come to this address, or None: there is no such address."""
    business_id: UUID | None = session.execute(
        text("select lookup_chat_account(:hook)"), {"hook": hook_key}
    ).scalar_one()
    return business_id


def businesses_with_chats_to_close(session: Session, *, until: datetime) -> list[UUID]:
    """Return the businesses in which a written conversation has rested by then for as long as it may."""
    found = session.scalars(text("select * from businesses_with_chats_to_close(:until)"), {"until": until})
    return list(found)


def businesses_with_messages_due(session: Session, *, until: datetime) -> list[UUID]:
    """Return the businesses in which a message was due by then and is not settled."""
    found = session.scalars(text("select * from businesses_with_messages_due(:until)"), {"until": until})
    return list(found)


def businesses_to_remind(session: Session, *, since: datetime, until: datetime) -> list[UUID]:
    """Return the businesses in which a task or an appointment comes between two instants."""
    found = session.scalars(
        text("select * from businesses_to_remind(:since, :until)"), {"since": since, "until": until}
    )
    return list(found)


@dataclass(frozen=True, slots=True)
class LineUse:
    """What of a carrier account's lines is in use, and who waits for one."""

    dials: int
    """Dials of all businesses through the account that may be ringing or talking now."""
    dials_in_all: int
    """The same through any account."""
    first_waiting: tuple[UUID, datetime] | None
    """The business that has waited longest for a line of the account, and since when."""


def line_use(session: Session, account: str, *, live_since: datetime, seen_since: datetime) -> LineUse:
    """Return how busy a carrier account is.

    `live_since` is the instant before which an unknown attempt can no longer be live. Who has not asked
    for a line since `seen_since` has given up.
    """
    row = session.execute(
        _LINE_USE, {"account": account, "live_since": live_since, "seen_since": seen_since}
    ).one()
    first = None if row.business_id is None else (row.business_id, row.waiting_since)
    return LineUse(row.dials, row.dials_in_all, first)
