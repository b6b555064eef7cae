"""SMS by the installation's carrier: a number of the business's, without keys of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from inbox.conftest import PERSON
from isolation.doors import carrier_signature
from support.inbox import answer, messages
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.inbox import accounts, sending
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.kit.ids import new_id


@pytest.fixture
def sms(url: str, acme: World) -> UUID:
    """A number that is connected, as `connecting.connect` leaves it once Twilio knew it."""
    row = ChatAccount(
        id=new_id(), business_id=acme.business_id, provider=registry.SMS_TWILIO, name="SMS",
        address=acme.number, account="", hook_key="a-hook-of-sms", verify_token="token", created_by="test",
    )  # fmt: skip
    with unit_of_work(acme.scope) as session:
        session.add(row)
    return row.id


def tell(address: str, form: dict[str, str], *, signed: bool = True) -> httpx.Response:
    headers = carrier_signature(address, form) if signed else {}
    return httpx.post(
        address, content=urlencode(form),
        headers={**headers, "Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip


def test_what_is_written_by_sms_is_taken_and_what_became_of_an_answer_is_known(
    url: str, acme: World, sms: UUID
) -> None:
    hook = f"{url}/hooks/chat/a-hook-of-sms"
    said = {
        "MessageSid": "SM1", "SmsStatus": "received", "From": PERSON, "To": acme.number, "Body": "Hello",
        "NumMedia": "0",
    }  # fmt: skip
    assert tell(hook, said, signed=False).status_code == 403
    for _ in range(2):
        assert tell(hook, said).status_code == 200
    (message,) = messages(acme)
    assert (message.text, message.provider_id) == ("Hello", "SM1")
    # By SMS free words go at any time; the message's own address names it, for Twilio does not.
    its_id = answer(acme, message.conversation_id)
    ready: Any
    with unit_of_work(acme.scope) as session:
        ready = sending.begin(session, acme.business_id, its_id)
        assert ready.account.key == ready.account.account == ""
        account = session.scalars(select(ChatAccount)).one()
        assert ready.message.status_url == accounts.status_url(account, its_id)
    receipt = {"MessageSid": "SM2", "MessageStatus": "delivered", "From": acme.number, "To": PERSON}
    assert tell(ready.message.status_url, receipt).status_code == 200
    # Signed for the address without what names the message.
    other = httpx.post(
        ready.message.status_url, content=urlencode(receipt),
        headers={**carrier_signature(hook, receipt), "Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    assert other.status_code == 403
    delivered = messages(acme)[-1]
    assert (delivered.state, delivered.provider_id) == ("delivered", "SM2")


def test_only_a_number_of_the_business_s_own_writes_by_the_installation_s_carrier(
    url: str, acme: World, umbrella: World
) -> None:
    with httpx.Client(base_url=url, headers={"X-Trunkline": "1"}, timeout=30) as door:
        door.post("/api/sign-in", json={"email": acme.email, "password": "correct horse battery"})
        answer = door.post("/api/chat-accounts", json={"provider": "sms_twilio", "address": umbrella.number})
    assert (answer.status_code, answer.json()["error"]["data"]["reason"]) == (422, "number_not_ours")
