"""The page of a call that goes on without its agent, and what people do with a live call."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.dashboard import visiting
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Away
from trunkline.domain.control import store as control_store
from trunkline.domain.control.models import CallControl, Verb
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.providers.ports import CallStatus

SID = "CA" + "2" * 32
GREETING = "Hello, this is <b>Acme</b>. Would you like to book an appointment?"
HEARD = GREETING.removesuffix(" book an appointment?")
LEFT, BACK = "The agent left the call", "The agent came back to the call"


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

    def say(self, second: float, turn: int, said: str, heard: str, **told: Any) -> None:
        told = {"interrupted": False, "resumed": False} | told
        self.tell(second, "agent_said", turn=turn, text=said, heard_text=heard, **told)

    def greet(self, second: float, *, heard: str, told_at: float) -> None:
        self.tell(second, "started", direction="inbound", language="en")
        self.tell(second + 0.1, "latency", turn=1, greeting_ms=49.0)
        self.say(told_at, 1, GREETING, heard)

    def act(self, second: float, verb: Verb, away: Away, **came_to: Any) -> None:
        state = control_store.ControlState.FAILED if came_to else control_store.ControlState.DONE
        with unit_of_work(self.world.scope) as session:
            call = calls.lock_call(session, self.world.business_id, self.id)
            calls.send_away(call, away)
            control = control_store.note(session, call, verb)
            control_store.settle(control, state, **came_to)
            control.created_at = self.began + timedelta(seconds=second)

    def end_leg(self, second: float, reason: str) -> None:
        self.tell(second, "ended", reason=reason, frames_in={}, frames_out={})
        with unit_of_work(self.world.scope) as session:
            calls.conclude_leg(
                session, self.world.business_id, self.id, leg=self.leg, end_reason=reason,
                disposition=calls.NO_OUTCOME,
            )  # fmt: skip

    def end_away(self) -> None:
        with unit_of_work(self.world.scope) as session:
            call = calls.lock_call(session, self.world.business_id, self.id)
            assert calls.note_status(session, call, CallStatus.COMPLETED)


def lines(page: Page) -> Any:
    return page.get_by_role("list", name="Transcript").get_by_role("listitem")


def test_the_stretches_of_a_call_are_kept_apart_and_each_end_is_told_as_what_it_was(
    chromium: Browser, url: str, acme: World
) -> None:
    held = Held(acme)
    held.greet(0, heard=HEARD, told_at=5.5)
    # A hold is no end, and what was said began before the hold that cut it, whenever it was told.
    held.act(5, Verb.HOLD, Away.ON_HOLD)
    held.end_leg(6, "stop")
    with visiting(chromium, url, acme.email, f"/calls/{held.id}") as page:
        expect(lines(page)).to_contain_text([GREETING, "Hold: done", LEFT])
        expect(page.get_by_text("On hold")).to_be_visible()
        held.come()
        held.tell(8, "started", direction="inbound", language="en")
        for second, reply_ms in ((9, 900.0), (12, 1700.0)):
            held.tell(second, "latency", turn=2, kind="speech", reply_ms=reply_ms, endpoint_ms=400.0)
            held.say(second + 1, 2, "Yes.", "Yes.", heard_ms=reply_ms / 10)
            if held.leg == 2:
                held.act(10.5, Verb.WARM_TRANSFER, Away.IN_CONFERENCE, why="no_key")
                held.end_leg(11, "stop")
                held.come()
        with unit_of_work(acme.scope) as session:
            assert calls.note_hang_up(session, acme.business_id, SID)
        held.end_leg(16, "stop")
        expect(lines(page)).to_contain_text(
            [
                GREETING, "Hold: done", LEFT, BACK, "Answered after 900 ms",
                re.compile("Warm transfer: failed.*no key was pressed"), LEFT, "Answered after 1,700 ms",
                "The call ended: We hung up",
            ]
        )  # fmt: skip
        # The same turn's number of two stretches: each answer has its own figures.
        answers = page.get_by_role("region", name="How fast the agent answered").get_by_role("img")
        assert [answer.get_attribute("aria-label") for answer in answers.all()] == [
            "End of turn 400, Heard 90",
            "End of turn 400, Heard 170",
        ]
        struck = lines(page).first.locator("s")
        expect(struck).to_have_text("book an appointment?")
        expect(page.get_by_text("Struck words were not heard")).to_have_text(
            ["Struck words were not heard: by then the agent was off the line."]
        )
        expect(page.get_by_text("Ended by us")).to_be_visible()


def test_a_call_that_ends_away_from_its_agent_ends_after_it_and_why_words_were_lost_is_said(
    chromium: Browser, url: str, acme: World
) -> None:
    held = Held(acme)
    held.greet(0, heard=HEARD, told_at=5.5)
    held.tell(6, "trouble", what="voice_failed", detail="silent", text="Good day.")
    held.say(7, 2, "Good day.", "")
    held.say(8, 3, "One moment.", "One", interrupted=True)
    held.say(9, 3, "moment.", "moment.", resumed=True)
    held.act(10, Verb.HOLD, Away.ON_HOLD)
    held.end_leg(11, "stop")
    held.end_away()
    with visiting(chromium, url, acme.email, f"/calls/{held.id}") as page:
        expect(lines(page).last).to_contain_text("The call ended: It ended on hold")
        expect(lines(page)).to_contain_text(["A sentence could not be spoken", LEFT, "The call ended"])
        expect(lines(page)).to_contain_text(["Interrupted.", "Continued."])
        expect(page.get_by_text("Struck words were not heard")).to_have_text(
            [
                "Struck words were not heard: by then the agent was off the line.",
                "Struck words were not heard: they could not be voiced.",
                "Struck words were not heard: the caller spoke first.",
            ]
        )


@pytest.fixture
def live(acme: World) -> UUID:
    """A live call of Acme's, which has one colleague."""
    with unit_of_work(acme.scope) as session:
        office = {"extension": "101", "name": "Office", "number": "+12125550311"}
        tenants.change_business(session, acme.business_id, {"extensions": [office]}, actor="test")
    return Held(acme).id


def newest_act(world: World, call_id: UUID) -> CallControl:
    with unit_of_work(world.scope) as session:
        return control_store.controls_of(session, world.business_id, call_id)[-1]


def test_what_is_asked_of_a_live_call_goes_to_its_carrier_as_it_was_typed(
    chromium: Browser, url: str, acme: World, live: UUID
) -> None:
    with visiting(chromium, url, acme.email, f"/calls/{live}", refusals={403, 409, 502, 503}) as page:
        acts = page.get_by_role("group", name="Call controls")
        box = page.get_by_role("dialog")
        for act, verb, typed in (
            ("Send keys", "send_digits", {"Keys": "12#"}),
            ("Leave a message", "drop_message", {"Message": "Please call <b>us</b>."}),
            (
                "Warm transfer", "warm_transfer",
                {"Transfer to": "101", "What the colleague hears first": "An invoice."},
            ),
        ):  # fmt: skip
            acts.get_by_role("button", name=act).click()
            for label, words in typed.items():
                box.get_by_label(label).fill(words)
            with page.expect_response(lambda response: response.request.method == "POST") as answer:
                box.get_by_role("button", name=act).click()
            assert answer.value.status >= 400
            # There is no carrier: that is said, what was typed stays, and what was asked for is on record.
            expect(page.get_by_role("alert").last).to_contain_text("carrier")
            expect(box).to_be_visible()
            asked = newest_act(acme, live)
            assert (asked.verb, asked.actor) == (verb, acme.email)
            assert set(typed.values()) - {"101"} <= {str(kept) for kept in asked.data.values()}
            box.get_by_role("button", name="Close").click()
            expect(box).to_have_count(0)
        # Nor is a call handed to just anybody.
        acts.get_by_role("button", name="Transfer", exact=True).click()
        box.get_by_label("Transfer to").fill("+19005550199")
        before = newest_act(acme, live).id
        with page.expect_response(re.compile("/transfer$")) as answer:
            box.get_by_role("button", name="Transfer", exact=True).click()
        assert answer.value.status == 403
        assert newest_act(acme, live).id == before
        expect(page.get_by_role("alert").last).to_be_visible()


def test_a_call_is_offered_what_can_be_done_with_it_and_no_more(
    chromium: Browser, url: str, acme: World, live: UUID
) -> None:
    def change(away: Away | None = None, carrier: str = "twilio") -> None:
        with unit_of_work(acme.scope) as session:
            call = calls.lock_call(session, acme.business_id, live)
            call.carrier, call.away = carrier, None
            if away is not None:
                calls.send_away(call, away)

    everything = ["Transfer", "Warm transfer", "Hold", "Send keys", "Leave a message", "Hang up"]
    with visiting(chromium, url, acme.email, f"/calls/{live}") as page:
        buttons = page.get_by_role("group", name="Call controls").get_by_role("button")
        expect(buttons).to_have_text(everything)
        for state, offered in (
            ({"away": Away.ON_HOLD}, ["Resume" if act == "Hold" else act for act in everything]),
            ({"away": Away.IN_CONFERENCE}, ["Hang up"]),
            # Telnyx joins no conferences, and a call from a page can only be ended.
            ({"carrier": "telnyx"}, [act for act in everything if act != "Warm transfer"]),
            ({"carrier": "browser"}, ["Hang up"]),
        ):
            change(**state)  # type: ignore[arg-type]
            page.reload()
            expect(buttons).to_have_text(offered)
