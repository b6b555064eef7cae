"""SMS by Twilio and by Telnyx over real sockets, with the stand-in of each: one port, one promise."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from simulators.product import FakeHearing, FakeVoice
from telnyx import Telnyx
from trunkline.kit.tls import trusted
from trunkline.providers.ports import (
    Chat,
    ChatAccount,
    ChatEvent,
    ChatRefused,
    ChatUncertain,
    Choice,
    InFile,
    InMessage,
    MessageKind,
    OutMessage,
    Receipt,
    ReceiptState,
    Refusal,
)
from trunkline.providers.sms import TelnyxSms, TwilioSms
from trunkline.providers.sms.errors import TELNYX, TWILIO, judge
from trunkline.simulators.carrier import CarrierOptions
from trunkline.simulators.carrier import serving as serving_twilio
from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.telnyx import TelnyxOptions
from trunkline.simulators.telnyx import serving as serving_telnyx
from trunkline.simulators.telnyx.server import Fault

SID, TOKEN, API_KEY, PROFILE = "AC" + "b" * 32, "e" * 32, "KEY0199", "profile-1"
OURS, PERSON = "+12025550188", "+972501234567"


@dataclass(slots=True)
class House:
    """A provider, its stand-in, and the product's door."""

    chat: Chat
    account: ChatAccount
    write: Callable[[str], Awaitable[Any]]
    """Has the person write."""
    refuse: Callable[[str], Awaitable[Any]]
    """Has the next message refused for this code."""
    fail: Callable[[str], Awaitable[Any]]
    """Has the next message taken and then fail for this code."""
    lose: Callable[[], Awaitable[Any]]
    """Has the next message taken, and the reply be a 500."""
    taken: Callable[[], Awaitable[list[dict[str, Any]]]]
    url: str = ""
    events: list[ChatEvent] = field(default_factory=list)
    turned_away: int = 0

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if not self.chat.is_signed(self.account, body, request.headers, url=self.url):
            self.turned_away += 1
            return PlainTextResponse("no", 401)
        self.events.extend(self.chat.read(body))
        return PlainTextResponse("")

    async def send(self, words: str = "Hello", **more: Any) -> str:
        message = OutMessage(
            to=PERSON, kind=MessageKind.TEXT, reference="ref-1", text=words, status_url=self.url
        )
        return await asyncio.to_thread(self.chat.send, self.account, replace(message, **more))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.events) < count:
                await asyncio.sleep(0.01)


@pytest.fixture(params=["twilio", "telnyx"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    opened = by_twilio() if request.param == "twilio" else by_telnyx()
    async with opened as made:
        door = Starlette(routes=[Route("/hook", made.take, methods=["POST"])])
        async with serving_app(door) as at:
            made.url = f"http://{at}/hook"
            await asyncio.to_thread(made.chat.subscribe, made.account, url=made.url, verify_token="")
            yield made


@asynccontextmanager
async def by_twilio() -> AsyncIterator[House]:
    options = CarrierOptions(SID, TOKEN, seed=7, realtime=False)
    client = httpx.AsyncClient(verify=trusted(), trust_env=False)
    async with serving_twilio(options, tts=FakeVoice(), stt=FakeHearing()) as sim, client:
        with closing(TwilioSms(SID, TOKEN, base_url=sim.base_url, timeout_s=2)) as chat:

            async def post(door: str, **body: Any) -> Any:
                answer = await client.post(f"{sim.base_url}/sim/sms{door}", json=body)
                return answer.raise_for_status().json()

            async def taken() -> list[dict[str, Any]]:
                return (await client.get(f"{sim.base_url}/sim/sms")).json()["accepted"]

            await post("/numbers", number=OURS)
            yield House(
                chat, ChatAccount(OURS, "", "", "", ""),
                write=lambda words: post("", **{"from": PERSON, "to": OURS, "body": words}),
                refuse=lambda code: post("/faults", code=int(code)),
                fail=lambda code: post("/faults", code=int(code), after=True),
                lose=lambda: post("/faults", status=500, after=True), taken=taken,
            )  # fmt: skip


@asynccontextmanager
async def by_telnyx() -> AsyncIterator[House]:
    async with serving_telnyx(TelnyxOptions(api_key=API_KEY, webhook_url="")) as sim:
        sim.messaging.numbers[OURS] = PROFILE
        sim.messaging.profiles[PROFILE] = ""
        made = TelnyxSms(api_key=API_KEY, public_key=sim.public_key, base_url=sim.base_url, timeout_s=2)
        with closing(made) as chat:

            async def do(act: Callable[[], Any]) -> Any:
                return act()

            messaging = sim.messaging
            yield House(
                chat, ChatAccount(OURS, PROFILE, "", "", ""),
                write=lambda words: do(lambda: messaging.text_in(PERSON, OURS, words)),
                refuse=lambda code: do(lambda: messaging.refuse.append(code)),
                fail=lambda code: do(lambda: messaging.fail.append(code)),
                lose=lambda: do(lambda: sim.faults.append(Fault.ERROR_AFTER)),
                taken=lambda: do(lambda: messaging.accepted),
            )  # fmt: skip


def code_of(chat: Chat, *, twilio: str, telnyx: str) -> str:
    return twilio if isinstance(chat, TwilioSms) else telnyx


async def test_words_go_once_and_their_receipts_come(house: House) -> None:
    sent = await house.send("Shalom")
    (entry,) = await house.taken()
    assert {entry.get("Body"), entry.get("text")} == {"Shalom", None}
    await house.until(2)
    first, last = house.events
    assert isinstance(first, Receipt)
    assert isinstance(last, Receipt)
    assert [first.state, last.state] == [ReceiptState.SENT, ReceiptState.DELIVERED]
    assert {(one.id, one.account, one.to) for one in (first, last)} == {(sent, OURS, PERSON)}
    assert (last.reference, house.chat.traits.echoes_reference) == (None, False)


async def test_what_a_person_writes_comes(house: House) -> None:
    await house.write("Hi, my roof leaks \N{UMBRELLA}")
    await house.until(1)
    (event,) = house.events
    assert isinstance(event, InMessage)
    assert (event.account, event.from_, event.kind) == (OURS, PERSON, MessageKind.TEXT)
    assert event.text == "Hi, my roof leaks \N{UMBRELLA}"


async def test_who_wrote_stop_is_opted_out_until_they_start(house: House) -> None:
    await house.write("STOP")
    with pytest.raises(ChatRefused) as refused:
        await house.send()
    code = code_of(house.chat, twilio="21610", telnyx="40300")
    assert (refused.value.refusal, refused.value.code) == (Refusal.OPTED_OUT, code)
    assert await house.taken() == []
    await house.write("start")
    await house.send()
    assert len(await house.taken()) == 1


async def test_a_receipt_of_failure_says_why(house: House) -> None:
    code = code_of(house.chat, twilio="30006", telnyx="40001")
    await house.fail(code)
    await house.send()
    await house.until(2)
    last = house.events[-1]
    assert isinstance(last, Receipt)
    assert (last.state, last.refusal, last.code) == (ReceiptState.FAILED, Refusal.NO_SUCH_PERSON, code)


async def test_a_definite_no_sends_nothing(house: House) -> None:
    table = TWILIO if isinstance(house.chat, TwilioSms) else TELNYX
    for code, refusal in table.items():
        await house.refuse(code)
        with pytest.raises(ChatRefused) as refused:
            await house.send()
        assert (refused.value.refusal, refused.value.code) == (refusal, code)
    await house.refuse("99999")
    with pytest.raises(ChatRefused) as refused:
        await house.send()
    assert refused.value.refusal is Refusal.MESSAGE
    assert await house.taken() == []


async def test_a_5xx_after_taking_is_uncertain_and_not_repeated(house: House) -> None:
    await house.lose()
    with pytest.raises(ChatUncertain):
        await house.send()
    assert len(await house.taken()) == 1


@pytest.mark.parametrize(
    ("status", "code", "refusal"),
    [
        (500, "21610", None), (503, "20503", None), (408, "", None), (401, "", Refusal.ACCOUNT),
        (403, "99999", Refusal.ACCOUNT), (429, "99999", Refusal.RATE), (429, "", Refusal.RATE),
        (400, "99999", Refusal.MESSAGE), (400, "21610", Refusal.OPTED_OUT),
    ],
)  # fmt: skip
def test_what_a_table_does_not_name_is_judged_by_its_status(
    status: int, code: str, refusal: Refusal | None
) -> None:
    found = judge("Twilio", TWILIO, httpx.Response(status), code, "why")
    assert (found and found.refusal) is refusal


async def test_nothing_but_words_goes(house: House) -> None:
    for message in (
        {"kind": MessageKind.IMAGE}, {"kind": MessageKind.BUTTONS, "choices": (Choice("a", "A"),)},
        {"text": " "}, {"text": "x" * 1_601},
    ):  # fmt: skip
        with pytest.raises(ChatRefused) as refused:
            await house.send(**message)
        assert refused.value.refusal is Refusal.MESSAGE
    assert await house.taken() == []
    assert (house.chat.traits.files, house.chat.traits.has_window, house.chat.templates(house.account)) == (
        {},
        False,
        (),
    )
    with pytest.raises(ChatRefused):
        house.chat.download(house.account, InFile("1", "", "", None), None, most_bytes=1)  # type: ignore[arg-type]


async def test_a_long_text_in_another_script_has_fewer_letters(house: House) -> None:
    longest = house.chat.traits.longest_text
    await house.send("\N{HEBREW LETTER SHIN}" * longest)
    with pytest.raises(ChatRefused):
        await house.send("\N{HEBREW LETTER SHIN}" * (longest + 1))


async def test_a_number_of_another_account_is_found_out(house: House) -> None:
    assert OURS in await asyncio.to_thread(house.chat.check, house.account)
    with pytest.raises(ChatRefused) as refused:
        await asyncio.to_thread(house.chat.check, replace(house.account, address="+12025550199"))
    assert refused.value.refusal is Refusal.ACCOUNT


async def test_a_wrong_key_is_the_accounts_fault(house: House) -> None:
    with pytest.raises(ChatRefused) as refused:
        await asyncio.to_thread(
            house.chat.send, replace(house.account, key="wrong"),
            OutMessage(to=PERSON, kind=MessageKind.TEXT, reference="", text="Hi"),
        )  # fmt: skip
    assert refused.value.refusal is Refusal.ACCOUNT


async def test_what_is_not_signed_is_turned_away(house: House) -> None:
    await house.write("Hi")
    async with httpx.AsyncClient(verify=trusted(), trust_env=False) as stranger:
        form = {"MessageSid": "SM1", "SmsStatus": "received", "From": PERSON, "To": OURS, "Body": "Forged"}
        for headers in (
            {},
            {"X-Twilio-Signature": "x", "telnyx-timestamp": "1", "telnyx-signature-ed25519": "x"},
        ):
            answer = await stranger.post(house.url, data=form, headers=headers)
            assert answer.status_code == 401
    await house.until(1)
    assert house.turned_away == 2
    assert [event.text for event in house.events if isinstance(event, InMessage)] == ["Hi"]


async def test_a_number_that_shares_its_profile_gets_one_of_its_own() -> None:
    """Else the messages to another business's number would come to this one's address."""
    other = "+12025550177"
    async with serving_telnyx(TelnyxOptions(api_key=API_KEY, webhook_url="")) as sim:
        sim.messaging.numbers |= {OURS: PROFILE, other: PROFILE}
        sim.messaging.profiles[PROFILE] = "http://127.0.0.1:9/old"
        made = TelnyxSms(api_key=API_KEY, public_key=sim.public_key, base_url=sim.base_url, timeout_s=2)
        with closing(made) as chat:
            for address, url in ((OURS, "http://127.0.0.1:9/ours"), (other, "http://127.0.0.1:9/other")):
                account = ChatAccount(address, "", "", "", "")
                await asyncio.to_thread(chat.subscribe, account, url=url, verify_token="")
                await asyncio.to_thread(chat.subscribe, account, url=f"{url}/2", verify_token="")
        found = {number: sim.messaging.profiles[profile] for number, profile in sim.messaging.numbers.items()}
        assert found == {OURS: "http://127.0.0.1:9/ours/2", other: "http://127.0.0.1:9/other/2"}
        assert len(sim.messaging.profiles) == 2


async def test_telnyx_own_client_sends_to_its_stand_in_and_reads_what_that_tells() -> None:
    told: list[tuple[str, dict[str, str]]] = []

    async def take(request: Request) -> Response:
        told.append(((await request.body()).decode(), dict(request.headers)))
        return PlainTextResponse("")

    async with (
        serving_telnyx(TelnyxOptions(api_key=API_KEY, webhook_url="")) as sim,
        serving_app(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as at,
    ):
        sim.messaging.numbers[OURS] = PROFILE
        sim.messaging.profiles[PROFILE] = f"http://{at}/hook"
        client = Telnyx(api_key=API_KEY, base_url=f"{sim.base_url}/v2", public_key=sim.public_key)
        sent = await asyncio.to_thread(client.messages.send, from_=OURS, to=PERSON, text="Hi", type="SMS")
        profile = await asyncio.to_thread(
            client.messaging_profiles.create, name="Its own", whitelisted_destinations=["*"]
        )
        assert profile.data is not None
        number = await asyncio.to_thread(client.phone_numbers.list, filter={"phone_number": OURS})
        assert [(one.phone_number, one.messaging_profile_id) for one in number.data or ()] == [
            (OURS, PROFILE)
        ]
        sim.messaging.text_in(PERSON, OURS, "Hello")
        async with asyncio.timeout(10):
            while len(told) < 3:
                await asyncio.sleep(0.01)
        read = [client.webhooks.unwrap(body, headers=headers) for body, headers in told]
        client.close()
    assert sent.data is not None
    found = {(one.data.event_type, one.data.payload.id == sent.data.id) for one in read}
    assert found == {("message.sent", True), ("message.finalized", True), ("message.received", False)}


async def test_twilios_own_client_sends_to_its_stand_in() -> None:
    async with by_twilio() as house:
        assert isinstance(house.chat, TwilioSms)
        client = Client(SID, TOKEN)
        client.api.base_url = house.chat._http.base_url
        with closing(client.http_client.session):
            made = await asyncio.to_thread(client.messages.create, to=PERSON, from_=OURS, body="Hi")
            with pytest.raises(TwilioRestException) as refused:
                await asyncio.to_thread(client.messages.create, to="nobody", from_=OURS, body="Hi")
        assert (made.status, refused.value.code) == ("queued", 21211)
        assert [entry["sid"] for entry in await house.taken()] == [made.sid]


@pytest.mark.parametrize("make", ["twilio", "telnyx"])
def test_where_no_connection_was_made_nothing_was_sent(make: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    made: Any = (
        TwilioSms(SID, TOKEN, base_url=base_url)
        if make == "twilio"
        else TelnyxSms(api_key=API_KEY, public_key="", base_url=base_url)
    )
    with closing(made) as chat, pytest.raises(ChatRefused) as refused:
        chat.send(
            ChatAccount(OURS, "", "", "", ""),
            OutMessage(to=PERSON, kind=MessageKind.TEXT, reference="", text="Hi"),
        )
    assert (refused.value.refusal, refused.value.code) == (Refusal.LATER, "unreachable")


def test_no_key_at_all_signs_nothing() -> None:
    account = ChatAccount(OURS, "", "", "", "")
    with closing(TwilioSms("", "")) as twilio, closing(TelnyxSms(api_key="", public_key="")) as telnyx:
        assert not twilio.is_signed(account, b"a=b", {"X-Twilio-Signature": ""}, url="https://x")
        assert not telnyx.is_signed(account, b"{}", {}, url="https://x")


def test_groups_and_files_alone_are_what_they_are() -> None:
    def told(**more: Any) -> bytes:
        payload = {
            "id": "1", "from": {"phone_number": PERSON}, "to": [{"phone_number": OURS}], "text": "",
            "media": [{"url": "https://x"}], "received_at": "2026-11-23T10:00:00.000+00:00", **more,
        }  # fmt: skip
        return json.dumps({"data": {"event_type": "message.received", "payload": payload}}).encode()

    with closing(TelnyxSms(api_key="", public_key="")) as telnyx, closing(TwilioSms("", "")) as twilio:
        (picture,) = telnyx.read(told())
        assert isinstance(picture, InMessage)
        assert picture.kind is MessageKind.UNSUPPORTED
        for group in ({"to": [{"phone_number": OURS}] * 2}, {"cc": [{"phone_number": OURS}]}, {"from": {}}):
            assert telnyx.read(told(**group)) == ()
        form = {
            "MessageSid": "SM1",
            "SmsStatus": "received",
            "From": PERSON,
            "To": OURS,
            "Body": "",
            "NumMedia": "1",
        }
        (picture,) = twilio.read(urlencode(form).encode())
        assert isinstance(picture, InMessage)
        assert picture.kind is MessageKind.UNSUPPORTED
        assert twilio.read(urlencode({**form, "From": "32665"}).encode()) == ()


AT_LEISURE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine draws slowly, which is nothing that is tested."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["id", "from", "to", "cc", "text", "media", "tags", "errors", "received_at", "type"])
FIELDS = st.sampled_from(
    ["MessageSid", "SmsStatus", "MessageStatus", "From", "To", "Body", "NumMedia", "ErrorCode"]
)


@AT_LEISURE
@given(st.dictionaries(KEYS, JSON), st.sampled_from(["message.received", "message.finalized"]), JSON)
def test_nothing_but_a_value_error_comes_of_any_event(payload: dict[str, Any], kind: str, at: Any) -> None:
    told = {"data": {"event_type": kind, "payload": {"id": "1", "from": {"phone_number": PERSON}, **payload}}}
    told["data"]["occurred_at"] = at
    with closing(TelnyxSms(api_key="", public_key="")) as telnyx:
        try:
            telnyx.read(json.dumps(told).encode())
        except ValueError:
            return


@AT_LEISURE
@given(
    st.binary(max_size=80)
    | st.dictionaries(FIELDS, st.text()).map(lambda form: urlencode(form, errors="replace").encode())
)
def test_nothing_but_a_value_error_comes_of_any_form(told: bytes) -> None:
    with closing(TwilioSms("", "")) as twilio:
        try:
            twilio.read(told)
        except ValueError:
            return
