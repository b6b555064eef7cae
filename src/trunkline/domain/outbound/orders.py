"""What the carrier is asked for: one call, with addresses that carry the attempt's signed token."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from trunkline.domain.calls import service as calls
from trunkline.domain.outbound.claim import Claim
from trunkline.domain.outbound.options import installed_limits
from trunkline.kit import tokens
from trunkline.providers.ports import CallOrder

ATTEMPT_TOKEN = "attempt"  # noqa: S105 - the purpose of a token, not one

_CARRIER_QUEUE = timedelta(hours=24)
"""How long a carrier may keep a call in its queue before it rings; its callbacks must still be heard."""


def order_of(
    business_id: UUID, claim: Claim, *, detects_machines: bool, carrier: str = calls.TWILIO
) -> CallOrder:
    """Return what the carrier is asked for: the number, and addresses that carry the attempt's token.

    With `detects_machines` also to tell who has answered.
    """
    limits = installed_limits()
    token = tokens.sign(
        {"business_id": str(business_id), "attempt_id": str(claim.attempt_id)},
        key=limits.token_key, purpose=ATTEMPT_TOKEN,
        lifetime_s=(_CARRIER_QUEUE + limits.longest_life).total_seconds(),
    )  # fmt: skip
    hooks = f"{limits.public_url}/hooks/carrier/outbound"
    return CallOrder(
        to=claim.phone,
        from_=claim.from_number,
        key=str(claim.attempt_id),
        answer_url=f"{hooks}/answer?token={token}",
        status_url=f"{hooks}/status?token={token}",
        machine_url=f"{hooks}/machine?token={token}" if detects_machines else "",
        events_url=f"{limits.public_url}/hooks/{carrier}/events?token={token}",
        ring_timeout_s=int(limits.ring_limit.total_seconds()),
    )
