"""A person talks to an agent in the dashboard: Chromium's microphone is a file in which somebody speaks."""

from __future__ import annotations

import os
import re
import wave
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from browser.conftest import apart, launched
from browser.dashboard import visiting
from support.installation import Installation
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.outbound import service as outbound
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.providers.local_speech import EspeakTextToSpeech
from trunkline.providers.ports import Voice

ANSWER = "no thank you"
QUIET_S = 9.0
"""So long the person lets the agent speak: its greeting and its question are over by then."""
PICTURES = os.environ.get("TRUNKLINE_PICTURES")
"""A folder for pictures of what is tested, for whoever wants to look at it."""


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which somebody says nothing for a while, then the answer, then nothing for long."""

    async def spoken() -> bytes:
        speech = EspeakTextToSpeech()
        try:
            return b"".join([piece async for piece in speech.speak(ANSWER, Voice("en-gb"))])
        finally:
            await speech.close()

    file = tmp_path_factory.mktemp("microphone") / "answer.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(int(QUIET_S * 16_000)) + apart(spoken()) + bytes(60 * 16_000))
    return file


@pytest.fixture(scope="module")
def chromium(driver: Playwright, microphone: Path) -> Iterator[Browser]:
    """Chromium with that microphone, which every page may use."""
    with launched(
        driver, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ) as browser:  # fmt: skip
        yield browser


def at_phone(
    chromium: Browser, url: str, world: World, email: str | None = None, **how: Any
) -> AbstractContextManager[Page]:
    """Somebody on the page where one talks to the business's agent."""
    return visiting(chromium, url, email or world.email, f"/agents/{world.agent_id}?tab=talk", **how)


def phone(page: Page) -> Locator:
    return page.locator("[data-phone]")


def call_it(page: Page) -> None:
    page.get_by_role("button", name="Talk to this agent").click()


def wait_until_heard(page: Page, ms: int) -> None:
    """Wait until the page itself has played so much that is no silence."""
    page.wait_for_function(
        "ms => Number(document.querySelector('[data-phone]').dataset.audibleMs) > ms", arg=ms, timeout=30_000
    )


def the_call(world: World) -> Call:
    with unit_of_work(world.scope) as session:
        (call,), _ = calls.list_calls(session, world.business_id, limit=2)
        return call


def settled(world: World, installation: Installation) -> Call:
    """Wait until everything is written of the one call."""

    def is_written() -> bool:
        installation.run_jobs("high")
        return the_call(world).finalized_at is not None

    eventually(is_written, "the call is written", within_s=20)
    return the_call(world)


def lines_in_use(world: World) -> int:
    with unit_of_work(world.scope) as session:
        return outbound.lines_in_use(session, world.business_id)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def test_a_conversation_is_held_shown_while_it_goes_on_and_kept(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    with at_phone(chromium, url, acme) as page:
        status = phone(page).get_by_role("status")
        call_it(page)
        expect(phone(page)).to_have_attribute("data-phone", "live")
        expect(status).to_have_text("The agent is speaking")
        expect(page.get_by_role("progressbar", name="Agent")).to_be_visible()
        # Another tab of the agent's page does not end it.
        page.get_by_role("tab", name="Versions").click()
        page.get_by_role("tab", name="Talk").click()
        said = page.locator("[data-line=agent_said]")
        expect(said.first).to_contain_text("this is Acme", timeout=30_000)
        expect(status).to_have_text("The agent is listening")
        # What the microphone heard stands there while the call goes on, and how fast the agent answered it.
        expect(page.locator("[data-line=caller_said]")).to_contain_text(ANSWER, timeout=30_000)
        expect(phone(page).locator("[data-latency]")).to_contain_text(re.compile(r"within \d+(\.\d)? s"))
        picture(page, "talk-live")
        expect(phone(page)).to_have_attribute("data-phone", "ended", timeout=30_000)
        call = settled(acme, installation)
        expect(status).to_have_text("The call is over. Why it ended: no interest.")
        picture(page, "talk-ended")
        assert (call.state, call.disposition, call.agent_version) == ("ended", "declined", 1)
        with unit_of_work(acme.scope) as session:
            told = list(calls.events_of(session, acme.business_id, call.id))
        on_record = [event.data for event in told if event.kind == "agent_said"]
        # The page has played each to its end and said so; and it shows what is on record, no less.
        assert all(one["heard_text"] == one["text"] and one["heard_ms"] is not None for one in on_record)
        shown = [" ".join(text.split()) for text in said.locator("p[dir=auto]").all_inner_texts()]
        assert shown == [" ".join(one["text"].split()) for one in on_record]
        played_ms = int(phone(page).get_attribute("data-played-ms") or 0)
        assert played_ms == pytest.approx(told[-1].data["frames_out"]["sent"] * 20, abs=250)
        assert told[-1].data["frames_in"]["dropped"].keys() <= {"ended", "goodbye"}
        expect(page.get_by_role("link", name="Open the call")).to_have_attribute("href", f"/calls/{call.id}")


def test_muting_sends_silence_hanging_up_lets_the_microphone_go_and_so_does_leaving(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    with at_phone(chromium, url, acme) as page:
        page.evaluate(
            """() => {
              const devices = navigator.mediaDevices;
              const ask = devices.getUserMedia.bind(devices);
              devices.getUserMedia = async (wish) => (window.given = await ask(wish));
              const Usual = AudioContext;
              window.AudioContext = class extends Usual {
                constructor(wish) { super({ ...wish, sampleRate: 44_100 }); }
              };
              const Socket = WebSocket;
              window.WebSocket = class extends Socket {
                constructor(...to) { super(...to); window.wire = this; }
              };
            }"""
        )
        call_it(page)
        page.get_by_role("button", name="Mute").click()
        expect(page.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
        wait_until_heard(page, 300)
        sent = int(phone(page).get_attribute("data-sent-ms") or 0)
        page.wait_for_function(
            "ms => Number(document.querySelector('[data-phone]').dataset.sentMs) > ms", arg=sent + 200
        )
        page.get_by_role("button", name="Hang up").click()
        expect(phone(page)).to_have_attribute("data-phone", "ended")
        assert page.evaluate("() => window.given.getTracks().map((track) => track.readyState)") == ["ended"]
        call = settled(acme, installation)
        assert call.end_reason == "stop"
        page.get_by_role("button", name="Talk again").click()
        expect(phone(page)).to_have_attribute("data-phone", "live")
        assert lines_in_use(acme) == 1
        # The line is lost.
        page.evaluate("() => window.wire.close()")
        expect(phone(page)).to_have_attribute("data-phone", "ended")
        assert page.evaluate("() => window.given.getTracks().map((track) => track.readyState)") == ["ended"]
        eventually(lambda: lines_in_use(acme) == 0, "the line is given back")
        page.get_by_role("button", name="Talk again").click()
        expect(phone(page)).to_have_attribute("data-phone", "live")
        page.get_by_role("link", name="Agents").first.click()
        expect(page.get_by_role("table")).to_be_visible()
        assert page.evaluate("() => window.given.getTracks().map((track) => track.readyState)") == ["ended"]
        eventually(lambda: lines_in_use(acme) == 0, "the line is given back")
        # Closing the window is leaving too.
        page.go_back()
        call_it(page)
        wait_until_heard(page, 300)
        page.goto("about:blank")
        eventually(lambda: lines_in_use(acme) == 0, "the line is given back")


def test_what_stands_in_the_way_is_said_in_words(chromium: Browser, url: str, acme: World) -> None:
    with at_phone(chromium, url, acme, refusals={409}) as page:
        alert = phone(page).get_by_role("alert")
        for error, sentence in (
            ("NotFoundError", "There is no microphone."),
            ("NotReadableError", "another program may be using it"),
            ("NotAllowedError", "This page is not allowed to use your microphone."),
        ):
            page.evaluate(
                """name => {
                  window.usual ??= navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
                  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name) };
                }""",
                error,
            )
            call_it(page)
            expect(alert).to_contain_text(sentence)
        with unit_of_work(acme.scope) as session:
            assert calls.list_calls(session, acme.business_id, limit=1)[0] == []
            tenants.get_business(session, acme.business_id).max_calls = 0
        page.evaluate("() => { navigator.mediaDevices.getUserMedia = window.usual }")
        call_it(page)
        expect(alert).to_contain_text("All lines of your business are busy.")
        picture(page, "talk-full")
        with unit_of_work(acme.scope) as session:
            tenants.get_business(session, acme.business_id).max_calls = 5
        # A socket that never opens: what is given up gives its line back.
        page.evaluate(
            """() => {
            window.WebSocket = class { static OPEN = 1; constructor() { window.dialled = true } close() {} };
            }"""
        )
        call_it(page)
        page.wait_for_function("() => window.dialled")
        assert lines_in_use(acme) == 1
        page.get_by_role("button", name="Hang up").click()
        expect(phone(page)).to_have_attribute("data-phone", "ended")
        eventually(lambda: lines_in_use(acme) == 0, "the line is given back")


def test_a_viewer_is_told_what_it_needs(chromium: Browser, url: str, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="v@acme.example", name="V", password=PASSWORD,
            role=Role.VIEWER, actor="test",
        )  # fmt: skip
    with at_phone(chromium, url, acme, "v@acme.example") as page:
        expect(phone(page)).to_contain_text("Talking to an agent needs the role Operator.")
        expect(page.get_by_role("button", name="Talk to this agent")).to_be_disabled()
