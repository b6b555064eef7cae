"""Safeguards taken out, one at a time, so that a negative control sees the harm each prevents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from trunkline.core.jobs import handlers, relay
from trunkline.core.jobs.ledger import NOW
from trunkline.domain.outbound import claim_store, dialling, service, tending
from trunkline.providers.ports import (
    CallOrder,
    CarrierUncertain,
    ChatAccount,
    ChatUncertain,
    OutMessage,
)
from trunkline.providers.twilio import TwilioCarrier
from trunkline.providers.whatsapp import WhatsApp


def take_out(what: str | None) -> None:
    """Take a safeguard out of this process; None leaves all in place."""
    if what is not None:
        _WAYS[what]()


def _one_post() -> None:
    TwilioCarrier.place_call = _post_until_answered(TwilioCarrier.place_call)  # type: ignore[method-assign]


def _commit_before_post() -> None:
    dialling.leave_unknown = _forget_the_attempt  # type: ignore[assignment]
    service.leave_unknown = _forget_the_attempt  # type: ignore[assignment]


def _fence() -> None:
    """Let the claim look past a dial under way to the number; the index that forbids a second stays."""
    fenced = "'answered', 'unknown')) as fenced"
    statement = str(claim_store._NEXT)
    assert fenced in statement
    claim_store._NEXT = text(statement.replace(fenced, "'answered', 'unknown') and false) as fenced"))


def _sweeper() -> None:
    """Let nobody look after a run."""
    tending.tend_run = lambda *_args, **_named: None


def _post_until_answered(once: Callable[..., str]) -> Callable[..., str]:
    """A client that retries what it got no answer to, as clients do by default."""

    def place_call(self: TwilioCarrier, order: CallOrder) -> str:
        try:
            return once(self, order)
        except CarrierUncertain:
            return once(self, order)

    return place_call


def _forget_the_attempt(session: Any, business_id: Any, attempt_id: Any, *, error: str) -> None:
    """What a dialler does that has no row from before its POST: it dials the item again."""
    session.execute(
        text(
            "update outbound_items set state = 'queued' where state = 'dialling' and id ="
            " (select item_id from outbound_attempts where id = :id and state = 'submitting')"
        ),
        {"id": attempt_id},
    )
    session.execute(
        text(
            "update outbound_attempts set state = 'rejected', error = :error, resolved_at = now()"
            " where id = :id and state = 'submitting'"
        ),
        {"id": attempt_id, "error": error},
    )


def _one_send() -> None:
    """Send a message again of which nobody knows whether it went, as clients do by default."""
    once = WhatsApp.send

    def send(self: WhatsApp, account: ChatAccount, message: OutMessage) -> str:
        try:
            return once(self, account, message)
        except ChatUncertain:
            return once(self, account, message)

    WhatsApp.send = send  # type: ignore[method-assign]


def _lease_fence() -> None:
    """Let a transaction of a job commit whoever has the row."""
    handlers._HOLD = text("select id from jobs where id = :id and :epoch > 0 and :owner <> ''")


def _settle_fence() -> None:
    """Let a worker write what came of a row whoever has it, and whatever has come of it."""
    fenced = (
        "on j.id = o.id and j.lease_epoch = o.epoch\n"
        "        where j.state = 'running' and j.lease_owner = :owner"
    )
    again = "where j.id = o.id and j.lease_epoch = o.epoch and j.id in"
    statement = str(relay._SETTLE)
    assert fenced in statement
    assert again in statement
    statement = statement.replace(fenced, "on j.id = o.id where :owner <> ''")
    relay._SETTLE = text(statement.replace(again, "where j.id = o.id and j.id in"))


def _fair_claim() -> None:
    """Claim in the order of enqueuing, whoever's it is."""
    relay._CLAIM = text(
        f"""
        with oldest as (
            select id, run_at from jobs
            where queue = any(cast(:queues as text[])) and state = 'queued' and run_at <= {NOW}
            order by run_at, id limit :size for update skip locked
        ), hand as (select id, row_number() over (order by run_at, id) as place from oldest)
        update jobs set
            state = 'running', attempt = attempt + 1, lease_owner = :owner, lease_epoch = lease_epoch + 1,
            lease_expires_at = {NOW} + :lease, started_at = {NOW}, error = null
        from hand where jobs.id = hand.id
        returning hand.place, jobs.id, business_id, tenant_key, run_id, name, queue, args, attempt,
                  max_attempts, timeout_s, backoff_s, lease_owner, lease_epoch, trace_id
        """
    )


_WAYS: dict[str, Callable[[], None]] = {
    "one_post": _one_post, "commit_before_post": _commit_before_post, "fence": _fence, "sweeper": _sweeper,
    "one_send": _one_send, "lease_fence": _lease_fence, "settle_fence": _settle_fence,
    "fair_claim": _fair_claim,
}  # fmt: skip
