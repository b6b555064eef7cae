"""The client of WhatsApp and the stand-in for Graph, over real sockets: each verb, and each way to fail."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from support.graph import GraphStand, open_graph
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
    OutFile,
    OutMessage,
    Receipt,
    ReceiptState,
    Refusal,
    TemplateNews,
    TemplateUse,
)
from trunkline.providers.whatsapp import WhatsApp
from trunkline.providers.whatsapp.wire import sign
from trunkline.simulators.loop_server import serving_app

PERSON = "+972501234567"
TOKEN = "a verify token"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture(scope="module")
def graph() -> Iterator[GraphStand]:
    with open_graph() as stand:
        yield stand


@contextmanager
def client(base_url: str, *, timeout_s: float = 1) -> Iterator[WhatsApp]:
    with closing(WhatsApp(base_url=base_url, timeout_s=timeout_s)) as made:
        yield made


@pytest.fixture
def chat(graph: GraphStand) -> Iterator[Chat]:
    with client(graph.base_url) as made:
        yield made


@pytest.fixture
def account(graph: GraphStand) -> Iterator[ChatAccount]:
    yield graph.number("+15550783881", name="Acme Roofs", keeps_window=False)
    graph.fault(None)


def text(words: str = "Hello", **more: Any) -> OutMessage:
    return replace(OutMessage(to=PERSON, kind=MessageKind.TEXT, reference="ref-1", text=words), **more)


def taken(graph: GraphStand, account: ChatAccount) -> list[dict[str, Any]]:
    """Return the bodies of what was accepted from this account."""
    return [entry["body"] for entry in graph.accepted() if entry["number"] == account.account]


# --- Sending -----------------------------------------------------------------------------


def test_a_text_goes_once_with_our_reference_and_what_it_answers(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    sent = chat.send(account, text("See https://example.com", reply_to="wamid.THEIRS"))
    assert sent.startswith("wamid.")
    assert taken(graph, account) == [
        {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": PERSON, "type": "text",
            "text": {"body": "See https://example.com", "preview_url": True},
            "biz_opaque_callback_data": "ref-1", "context": {"message_id": "wamid.THEIRS"},
        }
    ]  # fmt: skip


def test_three_choices_are_buttons_and_more_or_described_ones_a_list(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    three = tuple(Choice(f"k{n}", f"Time {n}") for n in range(3))
    asks = text("When?", kind=MessageKind.BUTTONS, choices=three)
    chat.send(account, asks)
    chat.send(account, replace(asks, choices=(*three, Choice("k3", "Later")), menu="Times"))
    chat.send(account, replace(asks, choices=(Choice("a", "Roof", "Repairs"),)))
    buttons, menu, described = (body["interactive"] for body in taken(graph, account))
    assert (buttons["type"], len(buttons["action"]["buttons"])) == ("button", 3)
    assert (menu["type"], menu["action"]["button"]) == ("list", "Times")
    assert described["action"]["sections"][0]["rows"] == [
        {"id": "a", "title": "Roof", "description": "Repairs"}
    ]


@pytest.mark.parametrize(
    "file",
    [
        (MessageKind.IMAGE, "image/png", "Look"),
        (MessageKind.AUDIO, "audio/ogg; codecs=opus", ""),
        (MessageKind.VIDEO, "video/mp4", ""),
        (MessageKind.DOCUMENT, "application/pdf", "The plan"),
        (MessageKind.STICKER, "image/webp", ""),
    ],
)
def test_a_file_is_uploaded_first_and_sent_by_its_id(
    graph: GraphStand, chat: Chat, account: ChatAccount, tmp_path: Path, file: tuple[MessageKind, str, str]
) -> None:
    kind, content_type, caption = file
    path = tmp_path / "a file"
    path.write_bytes(PNG)
    chat.send(account, text(caption, kind=kind, file=OutFile(path, content_type, "plan.pdf")))
    (body,) = taken(graph, account)
    part = body[kind.value]
    assert part.get("caption", "") == caption
    assert part.get("filename") == ("plan.pdf" if kind is MessageKind.DOCUMENT else None)
    kept = tmp_path / "back"
    assert (
        chat.download(account, InFile(part["id"], "", "", None), kept, most_bytes=300)
        == content_type.split(";", maxsplit=1)[0]
    )
    assert kept.read_bytes() == PNG


def test_a_template_is_filled_in_with_header_names_and_buttons(
    graph: GraphStand, chat: Chat, account: ChatAccount, tmp_path: Path
) -> None:
    components = [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "Hi {{name}}, see you {{day}}"},
        {"type": "FOOTER", "text": "Acme"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "OK"},
                {"type": "URL", "text": "Map", "url": "https://x/{{1}}"},
            ],
        },
    ]
    graph.template(account, "visit", "", components=components, parameter_format="NAMED", language="he")
    (template,) = chat.templates(account)
    assert (template.header, template.body, template.footer) == ("[image]", "Hi {{1}}, see you {{2}}", "Acme")
    assert (template.status, template.names, template.variable_buttons) == ("approved", ("name", "day"), (1,))
    assert template.parameters == {"header": 0, "body": 2, "buttons": 1}
    picture = tmp_path / "roof.png"
    picture.write_bytes(PNG)
    use = TemplateUse(
        "visit", "he", body=("Dana", "Monday"), header_file=OutFile(picture, "image/png", "roof.png"),
        buttons=("", "42"), names=template.names,
    )  # fmt: skip
    chat.send(account, text("", kind=MessageKind.TEMPLATE, template=use))
    (body,) = taken(graph, account)
    header, words, button = body["template"]["components"]
    assert header["parameters"][0]["type"] == "image"
    assert words["parameters"][1] == {"type": "text", "text": "Monday", "parameter_name": "day"}
    assert (button["sub_type"], button["index"], button["parameters"][0]["text"]) == ("url", "1", "42")


def test_what_a_lead_s_field_holds_fits_into_a_line(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    graph.template(account, "where", "At {{1}}")
    use = TemplateUse("where", "en", body=("1 Main St\r\n\t Springfield      USA ",))
    chat.send(account, text("", kind=MessageKind.TEMPLATE, template=use))
    (body,) = taken(graph, account)
    (parameter,) = body["template"]["components"][0]["parameters"]
    assert parameter["text"] == "1 Main St Springfield    USA"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (text(""), "empty"),
        (text("x" * 4_097), "too_long"),
        (text("Hi", reference="x" * 513), "reference"),
        (text("When?", kind=MessageKind.BUTTONS), "choices"),
        (text("When?", kind=MessageKind.BUTTONS, choices=(Choice("a", "A"), Choice("a", "B"))), "choices"),
        (text("When?", kind=MessageKind.BUTTONS, choices=(Choice("a", "x" * 21),)), "too_long"),
        (text("", kind=MessageKind.IMAGE), "file_missing"),
        (text("", kind=MessageKind.TEMPLATE), "template_missing"),
        (text("", kind=MessageKind.TEMPLATE, template=TemplateUse("t", "en", body=("",))), "template_value"),
        (text("", kind=MessageKind.LOCATION), "kind"),
        (text("\N{THUMBS UP SIGN}", kind=MessageKind.REACTION), "reply_missing"),
    ],
)
def test_what_graph_would_not_take_is_refused_here(
    graph: GraphStand, chat: Chat, account: ChatAccount, message: OutMessage, code: str
) -> None:
    with pytest.raises(ChatRefused) as refused:
        chat.send(account, message)
    assert (refused.value.refusal, refused.value.code) == (Refusal.MESSAGE, code)
    assert taken(graph, account) == []


@pytest.mark.parametrize(
    "file",
    [
        (MessageKind.IMAGE, "image/png", 5 * 1_048_576 + 1),
        (MessageKind.STICKER, "image/webp", 100 * 1_024 + 1),
        (MessageKind.IMAGE, "image/gif", 10),
        (MessageKind.AUDIO, "audio/ogg", 0),
    ],
)
def test_files_that_are_not_taken_are_not_uploaded(
    chat: Chat, account: ChatAccount, tmp_path: Path, file: tuple[MessageKind, str, int]
) -> None:
    kind, content_type, size = file
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    with pytest.raises(ChatRefused) as refused:
        chat.send(account, text("", kind=kind, file=OutFile(path, content_type, "file")))
    assert refused.value.refusal is Refusal.MESSAGE


def test_a_moving_sticker_may_be_larger(chat: Chat, account: ChatAccount, tmp_path: Path) -> None:
    path = tmp_path / "moves.webp"
    path.write_bytes(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02" + bytes(200 * 1_024))
    assert chat.send(
        account, text("", kind=MessageKind.STICKER, file=OutFile(path, "image/webp", "moves.webp"))
    )


# --- Failing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ({"fault": "rate"}, (Refusal.RATE, "130429")),
        ({"fault": "bare_rate", "seconds": 3}, (Refusal.RATE, "http_429")),
        ({"fault": "code", "code": 131056}, (Refusal.RATE, "131056")),
        ({"fault": "code", "code": 131016}, (Refusal.LATER, "131016")),
        ({"fault": "code", "code": 131047}, (Refusal.WINDOW, "131047")),
        ({"fault": "code", "code": 131050}, (Refusal.OPTED_OUT, "131050")),
        ({"fault": "code", "code": 131026}, (Refusal.NO_SUCH_PERSON, "131026")),
        ({"fault": "code", "code": 132015}, (Refusal.MESSAGE, "132015")),
        ({"fault": "code", "code": 131031}, (Refusal.ACCOUNT, "131031")),
    ],
)
def test_a_definite_no_says_what_to_do_and_sends_nothing(
    graph: GraphStand, chat: Chat, account: ChatAccount, fault: dict[str, Any], answer: tuple[Refusal, str]
) -> None:
    graph.fault(**fault)
    with pytest.raises(ChatRefused) as refused:
        chat.send(account, text())
    assert (refused.value.refusal, refused.value.code) == answer
    assert taken(graph, account) == []
    if fault["fault"] == "bare_rate":
        assert refused.value.retry_after_s == 3
    chat.send(account, text())
    assert len(taken(graph, account)) == 1


@pytest.mark.parametrize(
    ("fault", "was_taken"),
    [
        ("error_before", 0), ("drop_before", 0), ("lose_reply", 1), ("error_after", 1), ("drop_after", 1),
        ("unreadable", 1),
    ],
)  # fmt: skip
def test_what_says_neither_yes_nor_no_is_uncertain_and_not_repeated(
    graph: GraphStand, chat: Chat, account: ChatAccount, fault: str, was_taken: int
) -> None:
    graph.fault(fault, times=5)
    with pytest.raises(ChatUncertain):
        chat.send(account, text())
    assert len(taken(graph, account)) == was_taken


def test_an_unknown_error_of_graphs_own_is_uncertain(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    graph.fault("code", code=131000)
    with pytest.raises(ChatUncertain):
        chat.send(account, text())


@pytest.mark.parametrize("where", ["a closed port", "no such name", "no TLS"])
def test_where_no_connection_was_made_nothing_was_sent(account: ChatAccount, where: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if where == "no TLS":
            listener.settimeout(0.01)
            base_url = f"https://127.0.0.1:{port}/v23.0"
        else:
            listener.close()
            base_url = (
                f"http://127.0.0.1:{port}/v23.0"
                if where == "a closed port"
                else "http://nobody.invalid/v23.0"
            )
        with client(base_url, timeout_s=0.3) as chat, pytest.raises(ChatRefused) as refused:
            chat.send(account, text())
    assert (refused.value.refusal, refused.value.code) == (Refusal.LATER, "unreachable")


def test_an_upload_that_fails_has_sent_nothing(account: ChatAccount, tmp_path: Path) -> None:
    path = tmp_path / "roof.png"
    path.write_bytes(PNG)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/v23.0"
        with client(base_url, timeout_s=0.2) as chat:
            picture = OutFile(path, "image/png", "roof.png")
            with pytest.raises(ChatRefused) as refused:
                chat.send(account, text("", kind=MessageKind.IMAGE, file=picture))
            assert (refused.value.refusal, refused.value.code) == (Refusal.LATER, "no_answer")
            with pytest.raises(ChatUncertain):
                chat.send(account, text())


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": "EAAGwrong" + "x" * 60}, "190"),
        ({"secret": "another"}, "100"),
        ({"address": "+15550000000"}, "other_number"),
    ],
)
def test_a_key_a_secret_or_a_number_that_do_not_fit_are_found_out(
    chat: Chat, account: ChatAccount, wrong: dict[str, str], code: str
) -> None:
    assert chat.check(account) == "Acme Roofs"
    with pytest.raises(ChatRefused) as refused:
        chat.check(replace(account, **wrong))
    assert (refused.value.refusal, refused.value.code) == (Refusal.ACCOUNT, code)
    assert "x" * 60 not in str(refused.value)


def test_another_business_number_is_not_to_be_used(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    other = graph.number("+15550009999")
    with pytest.raises(ChatRefused) as refused:
        chat.send(replace(account, account=other.account), text())
    assert (refused.value.refusal, refused.value.code) == (Refusal.ACCOUNT, "100")
    with pytest.raises(ChatRefused):
        chat.templates(replace(account, owner=other.owner))
    assert taken(graph, other) == []


def test_many_templates_come_by_pages(graph: GraphStand, chat: Chat, account: ChatAccount) -> None:
    for number in range(103):
        graph.template(account, f"t{number}", "Hello {{1}}", status="PENDING" if number else "APPROVED")
    found = chat.templates(account)
    assert [template.name for template in found] == [f"t{number}" for number in range(103)]
    assert [template.status for template in found[:2]] == ["approved", "pending"]


def test_read_is_told(graph: GraphStand, chat: Chat, account: ChatAccount) -> None:
    chat.mark_read(account, "wamid.THEIRS")
    assert {"number": account.account, "id": "wamid.THEIRS"} in graph.book()["read"]


# --- Files from people ------------------------------------------------------------------


def test_a_file_comes_whole_or_not_at_all(
    graph: GraphStand, chat: Chat, account: ChatAccount, tmp_path: Path
) -> None:
    graph.send_in(account, PERSON, {"type": "image"}, file=PNG, content_type="image/png")
    told = graph.book()["webhooks"][-1]["body"]["entry"][0]["changes"][0]["value"]["messages"][0]["image"]
    file = InFile(told["id"], told["mime_type"], "", hashlib.sha256(PNG).hexdigest())
    into = tmp_path / "in"
    for most_bytes, digest, refusal in [
        (len(PNG) - 1, file.sha256, Refusal.MESSAGE),
        (999, "0" * 64, Refusal.LATER),
    ]:
        with pytest.raises(ChatRefused) as refused:
            chat.download(account, replace(file, sha256=digest), into, most_bytes=most_bytes)
        assert refused.value.refusal is refusal
        assert not into.exists()
    assert chat.download(account, file, into, most_bytes=len(PNG)) == "image/png"
    assert into.read_bytes() == PNG


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest", "https://evil.example/x", "http://lookaside.fbsbx.com/x", "file:///etc/passwd",
        "https://fbsbx.com.evil.example/x", "https://user:pass@lookaside.fbsbx.com/x", "https://lookaside.fbsbx.com:8443/",
        "https://[", "",
    ],
)  # fmt: skip
async def test_the_token_goes_to_meta_alone(account: ChatAccount, tmp_path: Path, url: str) -> None:
    async def node(_: Request) -> Response:
        return Response(f'{{"url": "{url}", "mime_type": "image/png"}}', media_type="application/json")

    async with serving_app(Starlette(routes=[Route("/v23.0/{id}", node)])) as at:
        with client(f"http://{at}/v23.0") as chat, pytest.raises(ChatRefused) as refused:
            await asyncio.to_thread(
                chat.download, account, InFile("1", "", "", None), tmp_path / "in", most_bytes=10
            )
    assert refused.value.code == "media_address"


# --- What is told -------------------------------------------------------------------------


@dataclass(slots=True)
class Listener:
    """The product's door: it proves itself, checks signatures, and reads what is told."""

    chat: Chat
    account: ChatAccount
    url: str = ""
    events: list[ChatEvent] = field(default_factory=list)
    turned_away: int = 0

    async def handshake(self, request: Request) -> Response:
        proof = self.chat.handshake(request.query_params, verify_token=TOKEN)
        return PlainTextResponse(proof) if proof is not None else PlainTextResponse("no", 403)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if not self.chat.is_signed(self.account, body, request.headers, url=self.url):
            self.turned_away += 1
            return PlainTextResponse("no", 401)
        self.events.extend(self.chat.read(body))
        return PlainTextResponse("")

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what is told."""
        async with asyncio.timeout(10):
            while not is_so():
                await asyncio.sleep(0.01)

    def receipts(self) -> list[ReceiptState]:
        return [event.state for event in self.events if isinstance(event, Receipt)]

    def texts(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, InMessage)]


@asynccontextmanager
async def listening(chat: Chat, account: ChatAccount) -> AsyncIterator[Listener]:
    listener = Listener(chat, account)
    routes = [
        Route("/hook", listener.handshake, methods=["GET"]), Route("/hook", listener.take, methods=["POST"]),
    ]  # fmt: skip
    async with serving_app(Starlette(routes=routes)) as at:
        listener.url = f"http://{at}/hook"
        await asyncio.to_thread(chat.subscribe, account, url=listener.url, verify_token=TOKEN)
        yield listener


async def test_receipts_come_with_our_reference_in_order(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    async with listening(chat, account) as told:
        sent = await asyncio.to_thread(chat.send, account, text(reference="ours"))
        await told.until(lambda: len(told.receipts()) == 3)
        assert told.receipts() == [ReceiptState.SENT, ReceiptState.DELIVERED, ReceiptState.READ]
        assert {
            (event.id, event.reference, event.to) for event in told.events if isinstance(event, Receipt)
        } == {(sent, "ours", PERSON)}


async def test_a_lost_reply_is_made_good_by_its_receipt(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    async with listening(chat, account) as told:
        graph.fault("lose_reply")
        with pytest.raises(ChatUncertain):
            await asyncio.to_thread(chat.send, account, text(reference="lost"))
        await told.until(lambda: len(told.receipts()) == 3)
        (entry,) = [entry for entry in graph.accepted() if entry["reference"] == "lost"]
        assert {event.id for event in told.events if isinstance(event, Receipt)} == {entry["id"]}


async def test_doubles_disorder_replays_and_wrong_signatures(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    async with listening(chat, account) as told:
        graph.fault("duplicates")
        answer = await asyncio.to_thread(graph.write, account, PERSON, "Twice")
        assert answer["statuses"] == [200]
        assert told.texts() == ["Twice", "Twice"]
        assert len({event.id for event in told.events if isinstance(event, InMessage)}) == 1
        graph.fault("disorder")
        await asyncio.to_thread(chat.send, account, text())
        await told.until(lambda: len(told.receipts()) == 3)
        assert told.receipts()[0] is ReceiptState.READ
        before = len(told.events)
        again = await asyncio.to_thread(graph.post, "replay", owner=account.owner)
        assert set(again["statuses"]) == {200}
        assert len(told.events) == 2 * before
        graph.fault("wrong_signature")
        answer = await asyncio.to_thread(graph.write, account, PERSON, "Forged")
        assert answer["statuses"] == [401]
        assert (told.turned_away, "Forged" in told.texts()) == (1, False)


async def test_the_window_and_the_unreachable_fail_after_they_were_taken(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    await asyncio.to_thread(graph.number, account.address, id=account.account, keeps_window=True)
    await asyncio.to_thread(graph.post, "people", phone="+972500000000", is_there=False)
    async with listening(chat, account) as told:
        await asyncio.to_thread(chat.send, account, text())
        await told.until(lambda: len(told.events) == 1)
        await asyncio.to_thread(chat.send, account, text(to="+972500000000"))
        await told.until(lambda: len(told.events) == 2)
        await asyncio.to_thread(graph.write, account, PERSON, "Hi")
        await asyncio.to_thread(chat.send, account, text())
        await told.until(lambda: len(told.events) == 6)
    found = [(event.state, event.refusal) for event in told.events if isinstance(event, Receipt)]
    assert found[:2] == [(ReceiptState.FAILED, Refusal.WINDOW), (ReceiptState.FAILED, Refusal.NO_SUCH_PERSON)]
    assert (ReceiptState.READ, None) in found


async def test_news_of_templates_name_the_account(
    graph: GraphStand, chat: Chat, account: ChatAccount
) -> None:
    async with listening(chat, account) as told:
        await asyncio.to_thread(graph.template, account, "fresh", "Hello")
        assert told.events == [TemplateNews(account.owner)]


async def test_a_customer_answers_taps_and_sends_a_picture(
    graph: GraphStand, chat: Chat, account: ChatAccount, tmp_path: Path
) -> None:
    dana = "+972507654321"
    async with listening(chat, account) as told:
        await asyncio.to_thread(
            graph.customer, account, dana, name="Dana", opens="Hi, my roof leaks",
            replies=[
                {"when": "which time", "chooses": "2"},
                {"when": "photo", "sends_image": "Here", "after_s": 0.05},
                {"when": "name", "says": ["Dana", "I said Dana"]},
            ],
        )  # fmt: skip
        await told.until(lambda: told.texts() == ["Hi, my roof leaks"])
        times = (Choice("mon", "Monday"), Choice("tue", "Tuesday"))
        for asked in (
            text("Which time?", to=dana, kind=MessageKind.BUTTONS, choices=times),
            text("A photo, please", to=dana), text("Your name?", to=dana), text("Your name?", to=dana),
        ):  # fmt: skip
            heard = len(told.texts())
            await asyncio.to_thread(chat.send, account, asked)
            await told.until(lambda heard=heard: len(told.texts()) == heard + 1)
        assert told.texts()[1:] == ["Tuesday", "Here", "Dana", "I said Dana"]
        chosen, picture = (
            event
            for event in told.events
            if isinstance(event, InMessage) and event.text in {"Tuesday", "Here"}
        )
        assert (chosen.choice, chosen.from_, chosen.name) == ("tue", dana, "Dana")
        assert picture.file is not None
        into = tmp_path / "roof.png"
        await asyncio.to_thread(chat.download, account, picture.file, into, most_bytes=100_000)
        assert into.read_bytes().startswith(PNG[:8])
        assert [line["by"] for line in graph.said(dana)] == ["them", *["us", "them"] * 4]


def test_pace_is_kept_a_second_and_a_pair(graph: GraphStand, chat: Chat) -> None:
    slow = graph.number("+15550001111", per_second=2, keeps_window=False)
    chat.send(slow, text())
    chat.send(slow, text())
    with pytest.raises(ChatRefused) as refused:
        chat.send(slow, text())
    assert refused.value.code == "130429"
    pair = graph.number("+15550002222", pair_burst=1, keeps_window=False)
    chat.send(pair, text())
    with pytest.raises(ChatRefused) as refused:
        chat.send(pair, text())
    assert (refused.value.code, refused.value.retry_after_s) == ("131056", 6)
    chat.send(pair, text(to="+972501111111"))


# --- Proof ----------------------------------------------------------------------------------


def test_the_handshake_is_for_whom_knows_the_token(chat: Chat) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}
    assert chat.handshake(asked, verify_token=TOKEN) == "1158201444"
    for wrong in (
        {"hub.mode": "unsubscribe"}, {"hub.verify_token": "another"}, {"hub.verify_token": "\u05d0\ud800"},
        {"hub.challenge": ""}, {"hub.challenge": "1" * 999},
    ):  # fmt: skip
        assert chat.handshake({**asked, **wrong}, verify_token=TOKEN) is None
    assert chat.handshake({**asked, "hub.verify_token": ""}, verify_token="") is None


async def test_nobody_is_subscribed_at_an_address_that_does_not_prove_itself(
    chat: Chat, account: ChatAccount
) -> None:
    async def take(_: Request) -> Response:
        return PlainTextResponse("hello")

    async with serving_app(Starlette(routes=[Route("/hook", take)])) as at:
        with pytest.raises(ChatRefused, match="Callback verification failed"):
            await asyncio.to_thread(chat.subscribe, account, url=f"http://{at}/hook", verify_token=TOKEN)


def test_signatures_are_of_the_raw_bytes_and_an_empty_secret_signs_nothing(
    chat: Chat, account: ChatAccount
) -> None:
    body = b'{"object": "whatsapp_business_account"}'
    signed = sign(account.secret, body)
    assert chat.is_signed(account, body, {"X-Hub-Signature-256": signed}, url="")
    assert chat.is_signed(account, body, {"x-hub-signature-256": signed}, url="")
    for headers, told, of in (
        ({"x-hub-signature-256": signed}, body + b" ", account),
        ({"x-hub-signature-256": signed[7:]}, body, account),
        ({"x-hub-signature-256": "sha256=\u05d0"}, body, account),
        ({}, body, account),
        ({"x-hub-signature-256": sign("", body)}, body, replace(account, secret="")),
    ):
        assert not chat.is_signed(of, told, headers, url="")


def test_a_client_of_many_accounts_keeps_no_cookies(account: ChatAccount) -> None:
    asked: list[str] = []

    async def serve() -> None:
        async def node(request: Request) -> Response:
            asked.append(request.headers.get("cookie", ""))
            shown = f'{{"display_phone_number": "{account.address}", "verified_name": "A"}}'
            return Response(shown, media_type="application/json", headers={"set-cookie": "who=acme"})

        async with serving_app(Starlette(routes=[Route("/v23.0/{id}", node)])) as at:
            with client(f"http://{at}/v23.0") as chat:
                for _ in range(2):
                    await asyncio.to_thread(chat.check, account)

    asyncio.run(serve())
    assert asked == ["", ""]
