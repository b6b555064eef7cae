"""A live call's page: what a person can do with the call, and what is said when it cannot be done."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import serving
from browser.test_first_page import _has_words, _pattern, _strings, _texts
from browser.test_jobs_page import visit
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control import store as control_store
from trunkline.domain.control.models import CallControl
from trunkline.domain.tenants import service as tenants

_NO_CARRIER = {
    "TWILIO_ACCOUNT_SID": "AC" + "7" * 32, "TWILIO_AUTH_TOKEN": "none", "TWILIO_BASE_URL": "http://127.0.0.1:9",
    "TELNYX_API_KEY": "none", "TELNYX_CONNECTION_ID": "1", "TELNYX_PUBLIC_KEY": "A" * 43 + "=",
    "TELNYX_BASE_URL": "http://127.0.0.1:9",
}  # fmt: skip
"""Nobody listens there: what is asked for is refused, and stays on record."""


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(servers, tmp_path_factory.mktemp("api"), **_NO_CARRIER) as address:
        yield address


@pytest.fixture
def call_id(acme: World) -> str:
    """A live call of Acme's, which has one colleague."""
    with unit_of_work(acme.scope) as session:
        office = {"extension": "101", "name": "Office", "number": "+12125550311"}
        tenants.change_business(session, acme.business_id, {"extensions": [office]}, actor="test")
        call = calls.open_call(
            session, acme.business_id, sid="CA" + "1" * 32, direction="inbound", ours=acme.number,
            theirs="+12125550301", agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
        session.flush()
        calls.spend_media_token(session, acme.business_id, call.id, calls.next_leg(call))
        return str(call.id)


@pytest.fixture
def page(chromium: Browser, url: str, acme: World, call_id: str) -> Iterator[Page]:
    with visit(chromium, url, acme.email, f"calls/{call_id}") as page:
        expect(page.locator("h1")).to_be_visible()
        yield page


def newest(world: World, call_id: str) -> CallControl:
    with unit_of_work(world.scope) as session:
        (call,) = calls.list_calls(session, world.business_id, limit=2)[0]
        assert str(call.id) == call_id
        return control_store.controls_of(session, world.business_id, call.id)[-1]


@pytest.mark.parametrize("language", ["en", "he"])
@pytest.mark.parametrize(
    ("act", "typed", "kept"),
    [
        ("send_digits", {"digits": "12#"}, {"digits": "12#"}),
        ("drop_message", {"message": "Please call <b>us</b>."}, {"message": "Please call <b>us</b>."}),
        ("warm_transfer", {"to": "101", "summary": "An invoice."}, {"summary": "An invoice."}),
    ],
)
def test_an_act_is_asked_for_with_what_was_typed(  # noqa: PLR0917 - fixtures
    page: Page,
    acme: World,
    call_id: str,
    language: str,
    act: str,
    typed: dict[str, str],
    kept: dict[str, str],
) -> None:
    page.locator("select").first.select_option(language)
    words = _strings(page, language)
    group = page.get_by_role("group", name=words["control.label"])
    group.get_by_role("button", name=words[f"control.{act}"], exact=True).click()
    box = page.get_by_role("dialog")
    for name, value in typed.items():
        box.get_by_label(words[f"control.{name}"], exact=True).fill(value)
    box.get_by_role("button", name=words[f"control.{act}"], exact=True).click()
    # There is no carrier, and that is said in the page's language.
    expect(box.get_by_role("alert")).to_contain_text("carrier" if language == "en" else "חברת הטלפון")
    control = newest(acme, call_id)
    assert (control.verb, control.actor) == (act, acme.email)
    assert kept.items() <= control.data.items()


def test_whom_a_call_may_not_be_handed_to_is_said_in_hebrew(page: Page) -> None:
    page.locator("select").first.select_option("he")
    words = _strings(page, "he")
    for number, said in (
        ("+12125550399", "אין זו שלוחה"), ("+19005550199", "תעריף מיוחד"), ("+442079460123", "בחוץ לארץ"),
        ("nobody", "אינו שלוחה"),
    ):  # fmt: skip
        page.get_by_role("button", name=words["control.transfer"], exact=True).click()
        box = page.get_by_role("dialog")
        box.get_by_label(words["control.to"], exact=True).fill(number)
        box.get_by_role("button", name=words["control.transfer"], exact=True).click()
        expect(box.get_by_role("alert")).to_contain_text(said)
        box.get_by_role("button", name=words["dialog.not_now"], exact=True).click()


def test_a_call_that_has_been_handed_on_can_only_be_ended(page: Page, acme: World, call_id: str) -> None:
    words = _strings(page, "en")
    buttons = page.get_by_role("group", name=words["control.label"]).get_by_role("button")
    expect(buttons).to_have_count(6)
    with unit_of_work(acme.scope) as session:
        (call,) = calls.list_calls(session, acme.business_id, limit=2)[0]
        calls.send_away(call, Away.ON_HOLD)
    page.reload()
    expect(buttons).to_have_count(6)
    expect(buttons.nth(2)).to_have_text(words["control.resume"])
    with unit_of_work(acme.scope) as session:
        calls.send_away(calls.lock_call(session, acme.business_id, call.id), Away.IN_CONFERENCE)
    page.reload()
    expect(buttons).to_have_text([words["control.hang_up"]])


def test_a_call_is_offered_nothing_that_its_carrier_cannot_do(
    chromium: Browser, url: str, acme: World, call_id: str
) -> None:
    # Telnyx joins no conferences, and a call from a page can only be ended.
    for carrier, offered in (
        ("telnyx", ["transfer", "hold", "send_digits", "drop_message", "hang_up"]), ("browser", ["hang_up"]),
    ):  # fmt: skip
        with unit_of_work(acme.scope) as session:
            calls.lock_call(session, acme.business_id, UUID(call_id)).carrier = carrier
        with visit(chromium, url, acme.email, f"calls/{call_id}") as page:
            words = _strings(page, "en")
            group = page.get_by_role("group", name=words["control.label"])
            expect(group.get_by_role("button")).to_have_text([words[f"control.{act}"] for act in offered])


def test_hebrew_leaves_no_english(page: Page, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        (call,) = calls.list_calls(session, acme.business_id, limit=2)[0]
        for why in ("declined", "no_key", "caller_hung_up"):
            control = control_store.note(session, call, control_store.Verb.WARM_TRANSFER)
            control_store.settle(control, control_store.ControlState.FAILED, why=why)
        left = control_store.note(session, call, control_store.Verb.VOICEMAIL)
        control_store.settle(left, control_store.ControlState.DONE, duration_s=12, recording_url="https://x")
    english, hebrew = (_strings(page, language) for language in ("en", "he"))
    assert english.keys() == {key for key in hebrew if not key.endswith(".two")}
    page.locator("select").first.select_option("he")
    page.reload()
    expect(page.locator("[data-verb=warm_transfer]").first).to_contain_text(hebrew["control_why.declined"])
    kept = hebrew["control.kept_message"].replace("{length}", hebrew["length.s"].replace("{s}", "12"))
    expect(page.locator("[data-verb=voicemail]")).to_contain_text(kept)
    ours = [_pattern(text) for key, text in english.items() if text != hebrew[key] and _has_words(text)]
    assert [text for text in _texts(page) if any(pattern.fullmatch(text) for pattern in ours)] == []
