"""A business's SMS number from end to end: connected, written to, answered, told of, and told to stop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.doorway import HEADERS, TestClient, sign_in
from support.installation import Installation
from support.local_carrier import Carrier
from support.processes import eventually, free_port
from support.world import World
from trunkline.core import registry
from trunkline.providers.sms import TwilioSms
from trunkline.providers.twilio.wire import SIGNATURE_HEADER, sign

ACCOUNT, TOKEN, PERSON = "AC" + "6" * 32, "a token for messages", "+972501234567"


@pytest.fixture(scope="module")
def local_carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The local carrier, in a process of its own. Its address."""
    port = free_port()
    command = [
        sys.executable, "-m", "trunkline.simulators.carrier", "--port", str(port), "--muted",
        "--account-sid", ACCOUNT, "--auth-token", TOKEN,
    ]  # fmt: skip
    journal = tmp_path_factory.mktemp("carrier") / "none"
    with closing(Carrier(subprocess.Popen(command), f"http://127.0.0.1:{port}", journal)) as process:
        eventually(process.is_up, "the carrier is up", within_s=60)
        yield process.base_url


@pytest.fixture
def carrier(local_carrier: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The local carrier, by which this process's SMS goes."""
    with closing(TwilioSms(ACCOUNT, TOKEN, base_url=local_carrier)) as sms:
        monkeypatch.setitem(registry._chats, registry.SMS_TWILIO, lambda: sms)
        yield local_carrier


def told(visitor: TestClient, hook: str, *, token: str = TOKEN, **form: str) -> int:
    """Tell a number's hook something as Twilio does, and return how it answers."""
    headers = {SIGNATURE_HEADER: sign(token, hook, form)}
    parts = urlsplit(hook)
    return visitor.post(f"{parts.path}?{parts.query}", data=form, headers=headers).status_code


def test_words_go_and_come_by_sms(
    visitor: TestClient, acme: World, installation: Installation, carrier: str
) -> None:
    httpx.post(f"{carrier}/sim/sms/numbers", json={"number": acme.number}).raise_for_status()
    sign_in(visitor, acme.email)
    visitor.headers.update(HEADERS)
    wish = {"provider": registry.SMS_TWILIO, "address": acme.number, "name": "By SMS"}
    connected = visitor.post("/api/chat-accounts", json=wish)
    assert connected.status_code == 201, connected.text
    hook = visitor.get(f"/api/chat-accounts/{connected.json()['id']}/hook").json()["url"]

    ours = {"MessageSid": "SM" + "1" * 32, "From": PERSON, "To": acme.number, "SmsStatus": "received"}
    assert told(visitor, hook, Body="My roof leaks", NumMedia="0", **ours) == 200
    assert told(visitor, hook, Body="My roof leaks", NumMedia="0", **ours) == 200
    assert told(visitor, hook, Body="Forged", token="another", **ours) == 403
    (conversation,) = visitor.get("/api/conversations").json()["conversations"]

    def messages() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = visitor.get(f"{at}/messages").json()["messages"]
        return found

    at = f"/api/conversations/{conversation['id']}"
    assert [one["text"] for one in messages()] == ["My roof leaks"]

    assert visitor.post(f"{at}/messages", json={"key": "first-answer", "text": "We come"}).status_code == 201
    installation.run_jobs("high", "default")
    (sent,) = httpx.get(f"{carrier}/sim/sms").json()["accepted"]
    assert (sent["To"], sent["From"], sent["Body"]) == (PERSON, acme.number, "We come")
    assert sent["StatusCallback"] == f"{hook}?message={messages()[0]['id']}"
    about = {"MessageSid": sent["sid"], "To": PERSON, "From": acme.number}
    for status, state in (("delivered", "delivered"), ("sent", "delivered")):
        assert told(visitor, sent["StatusCallback"], MessageStatus=status, **about) == 200
        installation.run_jobs("high", "default")
        assert messages()[0]["state"] == state

    stop = {**ours, "MessageSid": "SM" + "2" * 32}
    assert told(visitor, hook, Body="STOP", NumMedia="0", **stop) == 200
    listed = visitor.get("/api/suppressions").json()["suppressions"]
    assert [one["phone"] for one in listed] == [PERSON]


def test_a_number_that_is_not_the_business_s_is_not_connected(
    visitor: TestClient, acme: World, umbrella: World, carrier: str
) -> None:
    """The carrier's keys are the installation's: by them, any business's number would do."""
    httpx.post(f"{carrier}/sim/sms/numbers", json={"number": umbrella.number}).raise_for_status()
    sign_in(visitor, acme.email)
    visitor.headers.update(HEADERS)
    wish = {"provider": registry.SMS_TWILIO, "address": umbrella.number, "name": "Theirs"}
    assert visitor.post("/api/chat-accounts", json=wish).status_code == 422
