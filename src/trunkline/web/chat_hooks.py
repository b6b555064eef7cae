"""The door of chat providers: they tell what happened, and prove who they are by a signature over raw bytes.

The address names a number and proves nothing. Without the right signature nothing is read and nothing kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse, Response

from trunkline.core import registry, tenancy
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.core.errors import Forbidden, InvalidInput, NotFound
from trunkline.core.telemetry import get_logger
from trunkline.domain.inbox import accounts, intake
from trunkline.providers.ports import ChatEvent, Receipt

router = APIRouter(prefix=accounts.HOOKS, tags=["inbox"], include_in_schema=False)

log = get_logger(__name__)


async def raw_body(request: Request) -> bytes:
    """Take the raw body, for a signature is over its bytes."""
    return await request.body()


@router.get("/{hook_key}")
def prove(hook_key: str, request: Request) -> PlainTextResponse:
    """Prove to a provider that the address is ours."""
    business_id = _business_of(hook_key)
    with unit_of_work(of_business(business_id)) as session:
        account = accounts.account_of_hook(session, business_id, hook_key)
        provider, verify_token = account.provider, account.verify_token
    proof = registry.chat(provider).handshake(dict(request.query_params), verify_token=verify_token)
    if proof is None:
        raise Forbidden("This is not the token of this number.", reason="verify_token")
    return PlainTextResponse(proof)


@router.post("/{hook_key}")
def take_events(hook_key: str, request: Request, body: Annotated[bytes, Depends(raw_body)]) -> Response:
    """Take what has happened, all of it or nothing; told again it changes nothing."""
    business_id = _business_of(hook_key)
    with unit_of_work(of_business(business_id)) as session:
        account = accounts.account_of_hook(session, business_id, hook_key)
        chat, known = registry.chat(account.provider), accounts.opened(account)
        # As the provider knows the address: its signature may be over that too.
        query = request.url.query
        url = accounts.events_url(account) + (f"?{query}" if query else "")
        if not chat.is_signed(known, body, request.headers, url=url):
            log.warning("chat_signature_wrong", account_id=str(account.id))
            raise Forbidden("The signature is missing or wrong.", reason="signature")
        try:
            events = _referring(chat.read(body), request.query_params.get(accounts.MESSAGE))
        except ValueError as error:
            raise InvalidInput("These are no events of this provider's.", reason="unreadable") from error
        intake.take(session, account, events)
    return Response(status_code=200)


def _referring(events: Sequence[ChatEvent], message: str | None) -> Sequence[ChatEvent]:
    """Return events whose receipts bear what their address names, where they bear nothing of ours."""
    return [
        replace(event, reference=event.reference or message) if isinstance(event, Receipt) else event
        for event in events
    ]


def _business_of(hook_key: str) -> UUID:
    with unit_of_work(SYSTEM) as session:
        business_id = tenancy.business_of_chat_account(session, hook_key)
    if business_id is None:
        raise NotFound("Nobody's events come to this address.")
    return business_id
