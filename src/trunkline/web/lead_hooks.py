"""The door of lead webhooks: forms and programs of a business's bring it leads here, without a session.

The address names the webhook, a secret proves the sender. Answers are JSON: 201 for somebody new, 200 for
somebody known, 422 with the field at fault.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from trunkline.core import tenancy
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import InvalidInput, NotFound
from trunkline.domain.leads import intake, webhooks
from trunkline.domain.leads.intake import Sent

router = APIRouter(prefix=webhooks.HOOKS, tags=["leads"], include_in_schema=False)

_LONGEST_KEY = 200


async def what_was_sent(request: Request) -> Sent:
    """Take the raw body, for a signature is over its bytes. Raises InvalidInput for an endless key."""
    key = request.headers.get("idempotency-key") or request.headers.get("webhook-id")
    if key is not None and (len(key) > _LONGEST_KEY or not key.isprintable()):
        raise InvalidInput(f"An Idempotency-Key has {_LONGEST_KEY} characters at most.", reason="key_shape")
    return Sent(
        body=await request.body(),
        content_type=request.headers.get("content-type", ""),
        authorization=request.headers.get("authorization"),
        signature=request.headers.get("x-trunkline-signature"),
        key=key,
    )


@router.post("/{webhook_id}")
def take_lead(webhook_id: UUID, sent: Annotated[Sent, Depends(what_was_sent)]) -> JSONResponse:
    """Take one person. The same `Idempotency-Key` again gets the same answer, and nothing is done."""
    with unit_of_work(SYSTEM) as session:
        business_id = tenancy.business_of_lead_webhook(session, webhook_id)
    if business_id is None:
        raise NotFound("There is no such webhook.")
    with unit_of_work(of_business(business_id)) as session:
        answered = intake.deliver(session, business_id, webhook_id, sent)
    headers = {"Idempotent-Replayed": "true"} if answered.is_again else {}
    return JSONResponse(dict(answered.body), status_code=answered.status, headers=headers)
