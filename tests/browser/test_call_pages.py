"""Calls in the dashboard: one that was held and recorded is heard again, and what happens is seen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import apart
from browser.dashboard import visiting
from support.browser_line import BrowserLine, on_line
from support.installation import Installation
from support.processes import eventually
from support.speech import sound
from support.world import PASSWORD, World, make_world
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import noting
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.recordings import service as recordings
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.providers.local_speech import EspeakTextToSpeech
from trunkline.providers.ports import Voice

ANSWER = "no thank you"


@dataclass(frozen=True, slots=True)
class Office:
    """A running system in which one call was held and recorded."""

    url: str
    world: World
    call_id: UUID


@pytest.fixture(scope="module")
def office(servers: Installation, url: str) -> Office:
    servers.wipe()
    world = make_world("Acme", number="+12125550190", phones=("+12125550101",))
    with unit_of_work(world.scope) as session:
        tenants.change_business(session, world.business_id, {"record_calls": True}, actor="test")
    call_id = apart(hold_a_call(url, world))

    def is_kept() -> bool:
        servers.run_jobs("high", "recordings")
        with unit_of_work(world.scope) as session:
            return call_id in recordings.recorded(session, world.business_id, [call_id])

    eventually(is_kept, "the recording is kept", within_s=20)
    return Office(url, world, call_id)


async def hold_a_call(url: str, world: World) -> UUID:
    """Talk to the agent as somebody on the page would, until it ends the call."""
    voice = EspeakTextToSpeech()
    answer = b"".join([pcm async for pcm in voice.speak(ANSWER, Voice("en-gb"))])
    await voice.close()
    async with httpx.AsyncClient(base_url=url, headers={"X-Trunkline": "1"}, trust_env=False) as person:
        await person.post("/api/sign-in", json={"email": world.email, "password": PASSWORD})
        taken = await person.post(f"/api/agents/{world.agent_id}/browser-calls")
        call: dict[str, Any] = taken.raise_for_status().json()
        async with on_line(url, call) as line:
            while not line.over.is_set():
                await quiet(line)
                line.say(answer)
                heard = line.voiced_ms()
                while line.voiced_ms() == heard and not line.over.is_set():
                    await asyncio.sleep(0.05)
    return UUID(call["call_id"])


async def quiet(line: BrowserLine) -> None:
    """Wait until the agent has said what it has to say."""
    heard, since = 0, 0.0
    while (since < 1.2 or not heard) and not line.over.is_set():
        await asyncio.sleep(0.1)
        since = since + 0.1 if line.voiced_ms() == heard else 0.0
        heard = line.voiced_ms()


def at(page: Page) -> float:
    """Return at which second the player is."""
    return float(page.eval_on_selector("audio", "audio => audio.currentTime"))


def test_a_recording_is_heard_and_its_transcript_follows(chromium: Browser, office: Office) -> None:
    with visiting(chromium, office.url, office.world.email, "/calls") as page:
        row = page.locator(f"tr[data-key='{office.call_id}']")
        expect(row.get_by_text("Recorded")).to_be_attached()
        row.get_by_role("link").click()
        expect(page).to_have_url(re.compile(rf"/calls/{office.call_id}$"))
        length = float(
            page.get_by_role("slider", name="Position in the recording").get_attribute("aria-valuemax") or 0
        )
        assert length > 3
        page.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_function("() => document.querySelector('audio').currentTime > 0.6")
        sounding = page.locator("li[data-sounding]")
        expect(sounding).to_have_attribute("data-kind", "agent")
        # What the caller said begins where the agent was heard out; a click on it goes there.
        caller = page.locator("li[data-kind=caller]").first
        expect(caller).to_contain_text(ANSWER)
        caller.click()
        expect(caller).to_have_attribute("data-sounding", "true")
        there = at(page)
        assert 1.0 < there < length
        page.wait_for_function(
            "there => document.querySelector('audio').currentTime > there + 0.2", arg=there
        )
        page.get_by_role("button", name="Pause").click()
        # And a click into the waveform, and the keyboard.
        wave = page.get_by_role("slider", name="Position in the recording")
        box = wave.bounding_box()
        assert box is not None
        wave.click(position={"x": box["width"] * 0.25, "y": 10})
        assert at(page) == pytest.approx(length * 0.25, abs=length * 0.02 + 0.5)
        before = at(page)
        wave.press("End")
        assert at(page) > before
        wave.press("Home")
        assert at(page) == 0
        expect(page.get_by_text(re.compile(r"answers?, (the median )?after"))).to_be_visible()


def test_the_log_follows_what_happens_and_its_filters_stay_in_the_address(
    chromium: Browser, office: Office
) -> None:
    world = office.world
    with visiting(chromium, office.url, world.email, "/calls") as page:
        expect(page.locator("tbody tr")).to_have_count(1)
        with unit_of_work(world.scope) as session:
            call = calls.open_call(
                session, world.business_id, sid="CA77", direction="inbound", ours=world.number,
                theirs="+12125557788", agent_id=world.agent_id, lead_id=None,
            )  # fmt: skip
        row = page.locator(f"tr[data-key='{call.id}']")
        expect(row).to_contain_text("Ringing")
        with unit_of_work(world.scope) as session:
            calls.spend_media_token(session, world.business_id, call.id)
        expect(row).to_contain_text("Live")
        page.get_by_role("searchbox", name="Number").fill("7788")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page).to_have_url(re.compile(r"[?&]number=%?2?2?7788"))
        page.reload()
        expect(row).to_be_visible()
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_role("searchbox", name="Number").fill("999888777")
        expect(page.get_by_text("No matching calls")).to_be_visible()
        page.get_by_role("button", name="Show all calls").first.click()
        expect(page.locator("tbody tr")).to_have_count(2)


def test_a_live_call_is_read_as_it_is_spoken_and_notes_meet(chromium: Browser, office: Office) -> None:
    world = office.world
    with unit_of_work(world.scope) as session:
        call = calls.open_call(
            session, world.business_id, sid="CA78", direction="inbound", ours=world.number,
            theirs="+12125557799", agent_id=world.agent_id, lead_id=None,
        )  # fmt: skip
        calls.spend_media_token(session, world.business_id, call.id)
    with visiting(chromium, office.url, world.email, f"/calls/{call.id}", refusals={409}) as page:
        expect(page.get_by_text("What is said appears here")).to_be_visible()
        said = {
            "turn": 1,
            "text": "Hello, this is Acme.",
            "heard_text": "Hello, this is Acme.",
            "interrupted": False,
        }
        _happens(world, call, 1, "agent_said", said)
        expect(page.locator("li[data-kind=agent]")).to_contain_text("Hello, this is Acme.")
        _happens(world, call, 2, "caller_said", {"text": "Who is this?", "confidence": 1, "kind": "speech"})
        expect(page.locator("li[data-kind=caller]")).to_contain_text("Who is this?")
        notes = page.get_by_role("textbox", name="Notes")
        notes.fill("Asks who we are.")
        with unit_of_work(world.scope) as session:
            noting.write_notes(
                session, world.business_id, call.id, "Mine first.", version=0, actor="dana@acme.example"
            )
        page.get_by_role("button", name="Save the notes").click()
        expect(page.get_by_role("alert").filter(has_text="dana@acme.example")).to_contain_text("Mine first.")
        expect(notes).to_have_value("Asks who we are.")
        page.get_by_role("button", name="Save the notes").click()
        expect(page.get_by_text(f"Last changed by {world.email}")).to_be_visible()
    with unit_of_work(world.scope) as session:
        assert calls.get_call(session, world.business_id, call.id).notes == "Asks who we are."


def test_somebody_listens_in_on_a_live_call_and_ends_it(
    chromium: Browser, office: Office, servers: Installation
) -> None:
    world = office.world
    with ThreadPoolExecutor(1) as line, _signed_in(office) as person:
        taken = person.post(f"/api/agents/{world.agent_id}/browser-calls").raise_for_status().json()
        speaking = line.submit(asyncio.run, _speak_on(office.url, taken))
        eventually(
            lambda: person.get(f"/api/calls/{taken['call_id']}").json()["state"] == "live", "it is live"
        )
        with visiting(chromium, office.url, world.email, f"/calls/{taken['call_id']}") as page:
            listen = page.get_by_role("button", name="Listen in")
            listen.click()
            stop = page.get_by_role("button", name="Stop listening")
            expect(stop).to_have_attribute("data-audible-ms", re.compile(r"\d{3,}"))
            page.get_by_role("button", name="Hang up").click()
            page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
            # The call's end is the socket's: nothing more is heard.
            expect(stop).to_have_count(0)
            assert speaking.result(20)
            servers.run_jobs("high")
            expect(page.get_by_text("Ended by us")).to_be_visible()
            expect(page.get_by_role("button", name="Hang up")).to_have_count(0)


async def _speak_on(url: str, call: dict[str, Any]) -> bool:
    """Be on the line and make sound until the other side hangs up."""
    async with on_line(url, call) as line, asyncio.timeout(60):
        while not line.over.is_set():
            line.say(sound(100))
            await asyncio.sleep(0.1)
    return True


@contextmanager
def _signed_in(office: Office) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=office.url, headers={"X-Trunkline": "1"}, trust_env=False) as person:
        person.post(
            "/api/sign-in", json={"email": office.world.email, "password": PASSWORD}
        ).raise_for_status()
        yield person


def _happens(world: World, call: Call, sequence: int, kind: str, data: dict[str, Any]) -> None:
    event = {"sequence": sequence, "kind": kind, "at": clock.now().isoformat(), "data": data}
    with unit_of_work(world.scope) as session:
        calls.record_events(session, world.business_id, call.id, [event])
