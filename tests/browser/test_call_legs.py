"""The page of a call that its agent left: the agent's end, the call's own, and each turn's time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import serving
from browser.test_jobs_page import visit
from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control import store as control_store
from trunkline.domain.control.models import Verb
from trunkline.kit import clock
from trunkline.providers.ports import CallStatus

NOTHING = "\N{EN DASH}"
SID = "CA" + "2" * 32
GREETING = "Hello, this is Acme. Would you like to book an appointment?"
LEFT, BACK = "The agent left the call", "The agent came back to the call"


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(servers, tmp_path_factory.mktemp("api")) as address:
        yield address


class Held:
    """A call that its agent holds, leg by leg, at seconds since it began."""

    def __init__(self, world: World) -> None:
        self.world, self.leg, self.told = world, 0, 0
        self.began = clock.now() - timedelta(minutes=1)
        with unit_of_work(world.scope) as session:
            call = calls.open_call(
                session, world.business_id, sid=SID, direction="inbound", ours=world.number,
                theirs="+12125550302", agent_id=world.agent_id, lead_id=None,
            )  # fmt: skip
            session.flush()
            self.id: UUID = call.id
        self.come()

    def come(self) -> None:
        with unit_of_work(self.world.scope) as session:
            call = calls.lock_call(session, self.world.business_id, self.id)
            self.leg = calls.bring_back(call, within_s=600)
            session.flush()
            calls.spend_media_token(session, self.world.business_id, self.id, self.leg)
        self.told = 0

    def tell(self, second: float, kind: str, /, **data: Any) -> None:
        self.told += 1
        event = {
            "sequence": (self.leg - 1) * calls.EVENTS_A_LEG + self.told, "kind": kind, "data": data,
            "at": (self.began + timedelta(seconds=second)).isoformat(),
        }  # fmt: skip
        with unit_of_work(self.world.scope) as session:
            calls.record_events(session, self.world.business_id, self.id, [event])

    def hold(self, second: float) -> None:
        with unit_of_work(self.world.scope) as session:
            call = calls.lock_call(session, self.world.business_id, self.id)
            calls.send_away(call, Away.ON_HOLD)
            control = control_store.note(session, call, Verb.HOLD)
            control_store.settle(control, control_store.ControlState.DONE)
            control.created_at = self.began + timedelta(seconds=second)

    def end_leg(self, second: float, reason: str) -> None:
        self.tell(second, "ended", reason=reason, frames_in={}, frames_out={})
        with unit_of_work(self.world.scope) as session:
            calls.conclude_leg(
                session, self.world.business_id, self.id, leg=self.leg, end_reason=reason,
                disposition=calls.NO_OUTCOME,
            )  # fmt: skip

    def greet(self, second: float, *, heard: str = GREETING, told_at: float, **measured: float) -> None:
        self.tell(second, "started", direction="inbound", language="en")
        self.tell(second + 0.1, "latency", turn=1, **(measured or {"greeting_ms": 49.0}))
        self.tell(
            told_at, "agent_said", turn=1, text=GREETING, heard_text=heard, interrupted=False, resumed=False
        )


class Opens(Protocol):
    def __call__(self, held: Held) -> AbstractContextManager[Page]: ...


@pytest.fixture
def opens(chromium: Browser, url: str, acme: World) -> Opens:
    return lambda held: visit(chromium, url, acme.email, f"calls/{held.id}")


def test_a_hold_is_no_end_and_our_hang_up_is_not_the_callers(acme: World, opens: Opens) -> None:
    held = Held(acme)
    held.greet(0, told_at=5.5)
    held.hold(5)
    held.end_leg(6, "stop")
    with opens(held) as page:
        # What was said began before the hold that cut it, whenever it was told.
        expect(page.locator(".transcript .what")).to_contain_text(
            ["The call began", GREETING, "Hold: done", LEFT]
        )
        held.come()
        held.greet(12, heard=GREETING.removesuffix(" book an appointment?"), told_at=16.1)
        with unit_of_work(acme.scope) as session:
            assert calls.note_hang_up(session, acme.business_id, SID)
        held.end_leg(16.2, "stop")
        page.reload()
        expect(page.locator(".badge")).to_have_text("Ended by us")
        expect(page.locator(".transcript .what")).to_contain_text(
            ["The call began", GREETING, "Hold: done", LEFT, BACK, GREETING, "The call ended: we hung up"]
        )
        notes = page.get_by_text("Struck words were not heard")
        expect(notes).to_have_text(["Struck words were not heard: by then the agent was off the line."])
        expect(page.get_by_text("the caller hung up")).to_have_count(0)


def test_a_call_that_ends_away_from_its_agent_ends_after_it(acme: World, opens: Opens) -> None:
    held = Held(acme)
    held.greet(0, told_at=5.5)
    held.hold(5)
    held.end_leg(6, "stop")
    with unit_of_work(acme.scope) as session:
        call = calls.lock_call(session, acme.business_id, held.id)
        assert calls.note_status(session, call, CallStatus.COMPLETED)
    with opens(held) as page:
        expect(page.locator(".transcript .what").last).to_have_text("The call ended: ended on hold")
        expect(page.locator(".transcript .what")).to_contain_text(["Hold: done", LEFT, "The call ended"])


@pytest.mark.parametrize("language", ["en", "he"])
def test_a_narrow_window_shows_what_a_call_came_to_beside_its_title(
    acme: World, opens: Opens, language: str
) -> None:
    held = Held(acme)
    held.greet(0, told_at=5.5)
    with unit_of_work(acme.scope) as session:
        # Calls from the page are named by the person's address, which may be as long as it likes.
        calls.lock_call(session, acme.business_id, held.id).theirs = "a.long.name.of.somebody@bakery.example"
    held.end_leg(6, "stop")
    with opens(held) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.locator("select").first.select_option(language)
        expect(page.locator(".transcript")).to_be_visible()
        title = page.locator("h1 bdi").bounding_box()
        badge = page.locator("header.heading .badge").bounding_box()
        assert title is not None
        assert badge is not None
        across = min(title["x"] + title["width"], badge["x"] + badge["width"]) - max(title["x"], badge["x"])
        down = min(title["y"] + title["height"], badge["y"] + badge["height"]) - max(title["y"], badge["y"])
        assert min(across, down) <= 0, "one lies over the other"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_turns_of_two_legs_are_kept_apart(acme: World, opens: Opens) -> None:
    held = Held(acme)
    held.greet(0, told_at=5.5)
    for reply_ms in (900.0, 1700.0):
        held.tell(7, "latency", turn=2, kind="speech", reply_ms=reply_ms, endpoint_ms=400.0)
        held.tell(
            8, "agent_said", turn=2, text="Yes.", heard_text="Yes.", interrupted=False, resumed=False,
            heard_ms=reply_ms / 10,
        )  # fmt: skip
        if held.leg == 1:
            held.hold(9)
            held.end_leg(10, "stop")
            held.come()
    with opens(held) as page:
        said = page.locator("li[data-kind=agent_said]").filter(has_text="Yes.")
        expect(said).to_contain_text(["Answered after 900 ms", "Answered after 1,700 ms"])
        rows = page.locator("section.stages tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.nth(0).get_by_role("cell")).to_have_text(["1.2", "400", *NOTHING * 4, "90", "900"])
        expect(rows.nth(1).get_by_role("cell")).to_have_text(["2.2", "400", *NOTHING * 4, "170", "1,700"])


@pytest.mark.parametrize(
    ("interrupted", "unvoiced", "said"),
    [
        (True, False, "the caller spoke first."),
        (False, True, "they could not be voiced."),
        (False, False, "by then the agent was off the line."),
    ],
)
def test_why_words_were_not_heard(
    acme: World, opens: Opens, *, interrupted: bool, unvoiced: bool, said: str
) -> None:
    held = Held(acme)
    if unvoiced:
        held.tell(1, "trouble", what="voice_failed", detail="silent", text="Good day.")
    held.tell(
        2, "agent_said", turn=1, text="Good day.", heard_text="", interrupted=interrupted, resumed=False
    )
    with opens(held) as page:
        expect(page.get_by_text("Struck words were not heard")).to_have_text(
            [f"Struck words were not heard: {said}"]
        )
