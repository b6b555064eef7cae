"""What Graph's webhooks say: every type of message, receipts, several at once, and any bytes at all."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from graph_bodies import (
    ACCOUNT,
    AT,
    DIGEST_64,
    MESSAGES,
    OWNER,
    PERSON,
    body,
    entry,
    inbound,
    message,
    status,
    statuses,
    value,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.providers.ports import (
    InFile,
    InMessage,
    MessageKind,
    Receipt,
    ReceiptState,
    Refusal,
    TemplateNews,
)
from trunkline.providers.whatsapp.reading import read

MOMENT = datetime.fromtimestamp(int(AT), UTC)
HEX = base64.b64decode(DIGEST_64).hex()


def one(kind: str) -> InMessage:
    (event,) = read(inbound(MESSAGES[kind]))
    assert isinstance(event, InMessage)
    return event


def test_a_text_bears_who_when_where_and_what() -> None:
    assert one("text") == InMessage(
        id="wamid.text", account=ACCOUNT, from_=f"+{PERSON}", name="Dana", at=MOMENT, kind=MessageKind.TEXT,
        text="Shalom",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said", "file"),
    [
        ("image", "My roof", InFile("1003383421", "image/jpeg", "", HEX)),
        ("audio", "", InFile("1908647269898587", "audio/ogg; codecs=opus", "", HEX)),
        ("video", "", InFile("1166846181421424", "video/mp4", "", HEX)),
        ("document", "The plan", InFile("1376223850470843", "application/pdf", "plan.pdf", HEX)),
        ("sticker", "", InFile("798882015472548", "image/webp", "", HEX)),
    ],
)
def test_files_are_named_by_what_fetches_them(kind: str, said: str, file: InFile) -> None:
    event = one(kind)
    assert (event.kind, event.text, event.file) == (MessageKind(kind), said, file)


@pytest.mark.parametrize(
    ("kind", "title", "key", "reply_to"),
    [
        ("button_reply", "Tuesday 10:00", "tue-10", "wamid.ASKED"),
        ("list_reply", "Roof", "roof", None),
        ("button", "Stop", "stop-offers", "wamid.ASKED"),
    ],
)
def test_choices_bear_their_key(kind: str, title: str, key: str, reply_to: str | None) -> None:
    event = one(kind)
    assert event.kind is MessageKind.CHOICE
    assert (event.text, event.choice, event.reply_to) == (title, key, reply_to)


def test_a_reaction_names_its_message_and_is_empty_when_taken_back() -> None:
    assert (one("reaction").text, one("reaction").reply_to) == ("\N{THUMBS UP SIGN}", "wamid.ASKED")
    (event,) = read(inbound(message("reaction", {"message_id": "wamid.ASKED"})))
    assert isinstance(event, InMessage)
    assert (event.kind, event.text) == (MessageKind.REACTION, "")


def test_places_and_cards() -> None:
    place = one("location")
    assert (place.location, place.text) == ((32.0853, 34.7818), "Office, 1 Rothschild Blvd")
    assert one("contacts").text == "Barbara Johnson, +1 (415) 555-0829"


@pytest.mark.parametrize("kind", ["order", "nfm_reply", "unsupported", "of_the_future"])
def test_what_is_not_handed_over_or_not_known_is_unsupported(kind: str) -> None:
    assert one(kind).kind is MessageKind.UNSUPPORTED


def test_a_message_with_errors_is_unsupported_whatever_it_is_called() -> None:
    (event,) = read(
        inbound(message("image", {"id": "1", "mime_type": "image/png"}, errors=[{"code": 131052}]))
    )
    assert isinstance(event, InMessage)
    assert (event.kind, event.file) == (MessageKind.UNSUPPORTED, None)


@pytest.mark.parametrize(
    "row",
    [
        message("text", {"body": "to all"}, group_id="120363044512"),
        message("system", {"body": "changed", "wa_id": "972509999999", "type": "user_changed_number"}),
        message("request_welcome", {}),
        {**MESSAGES["text"], "from": "IL.7712398123"},
        {**MESSAGES["text"], "timestamp": "soon"},
        {name: said for name, said in MESSAGES["text"].items() if name != "id"},
    ],
    ids=["group", "system", "welcome", "no number", "no time", "no id"],
)
def test_what_is_no_message_of_a_person_is_left_out_and_the_rest_is_not(row: dict[str, Any]) -> None:
    found = read(inbound(row, MESSAGES["image"]))
    assert [event.id for event in found if isinstance(event, InMessage)] == ["wamid.image"]
    assert len(found) == 1


def test_several_entries_changes_and_messages_come_in_the_order_told() -> None:
    told = body(
        entry(value(messages=[MESSAGES["text"], MESSAGES["image"]]), value(statuses=[status("sent")])),
        entry({"event": "APPROVED"}, field="message_template_status_update"),
        entry({"whatever": 1}, field="account_update"),
        entry(value(messages=[MESSAGES["button"]])),
    )
    first, second, third, news, last = read(told)
    assert isinstance(first, InMessage)
    assert isinstance(second, InMessage)
    assert isinstance(third, Receipt)
    assert isinstance(last, InMessage)
    assert (first.id, second.id, last.id) == ("wamid.text", "wamid.image", "wamid.button")
    assert news == TemplateNews(OWNER)


@pytest.mark.parametrize("state", ["sent", "delivered", "read", "failed"])
def test_receipts_bear_our_reference(state: str) -> None:
    (event,) = read(statuses(status(state, biz_opaque_callback_data="our-id")))
    assert event == Receipt("wamid.OUT", ACCOUNT, f"+{PERSON}", ReceiptState(state), MOMENT, "our-id")


def test_a_failed_receipt_says_why() -> None:
    error = {
        "code": 131047, "title": "Re-engagement message", "message": "Re-engagement message",
        "error_data": {"details": "More than 24 hours have passed"},
    }  # fmt: skip
    (event,) = read(statuses(status("failed", errors=[error])))
    assert isinstance(event, Receipt)
    assert (event.refusal, event.code, event.reference) == (Refusal.WINDOW, "131047", None)
    assert event.detail == "Re-engagement message: More than 24 hours have passed"


def test_receipts_of_groups_and_unknown_states_are_left_out() -> None:
    told = statuses(
        status("delivered", recipient_type="group"), status("deleted"), status("played"), status("warning")
    )
    assert [event.state for event in read(told) if isinstance(event, Receipt)] == [ReceiptState.READ]


def test_no_text_breaks_the_database_that_keeps_it() -> None:
    told = inbound(message("text", {"body": "a\0b\ud83d"}), name="D\0")
    (event,) = read(told)
    assert isinstance(event, InMessage)
    assert event.name == "D"
    assert event.text.encode() == "ab\N{REPLACEMENT CHARACTER}".encode()


@pytest.mark.parametrize(
    "told", [b"", b"no json", b"[]", b'{"object": "page", "entry": []}', b"[" * 100_000, b"\xff\xfe"]
)
def test_other_bytes_are_no_event(told: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(told)


AT_LEISURE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine draws slowly, which is nothing that is tested."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every part of a tree."""
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(deep for name, part in parts for deep in places(part, (*path, name)))]


WHOLE = json.loads(
    body(
        entry(
            value(
                contacts=[{"profile": {"name": "Dana"}, "wa_id": PERSON}],
                messages=list(MESSAGES.values()),
                statuses=[status("failed", errors=[{"code": 131026, "error_data": {"details": "none"}}])],
            )
        ),
        entry({"event": "APPROVED"}, field="message_template_status_update"),
    )
)
PLACES = places(WHOLE)[1:]


@AT_LEISURE
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_nothing_but_a_value_error_comes_of_any_body(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    told = copy.deepcopy(WHOLE)
    for path, put in changes:
        where = told
        # What an earlier change took away cannot be changed any more.
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for name in path[:-1]:
                where = where[name]
            where[path[-1]] = put
    try:
        found = read(json.dumps(told).encode())
    except ValueError:
        return
    for event in found:
        if isinstance(event, InMessage):
            event.text.encode()
            event.id.encode()
            assert event.at.tzinfo is not None


@AT_LEISURE
@given(st.binary(max_size=200))
def test_nothing_but_a_value_error_comes_of_any_bytes(told: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(told)
