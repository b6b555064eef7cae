"""A person talks to an agent from its page: Chromium's microphone is a file in which somebody speaks."""

from __future__ import annotations

import asyncio
import os
import re
import wave
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browser.conftest import launched, serving
from browser.test_first_page import PAGE, _has_words, _pattern, _strings, _texts
from browser.test_jobs_page import visit
from support.installation import Installation
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call, CallEvent
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
        sound.writeframes(bytes(int(QUIET_S * 16_000)) + asyncio.run(spoken()) + bytes(60 * 16_000))
    return file


@pytest.fixture(scope="module")
def chromium(microphone: Path) -> Iterator[Browser]:
    """Chromium with that microphone, which every page may use."""
    with launched(
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    ) as browser:  # fmt: skip
        yield browser


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real API with local speech; what its calls tell, the tests write down."""
    with serving(servers, tmp_path_factory.mktemp("api")) as address:
        yield address


@pytest.fixture
def at_agent(chromium: Browser, url: str, acme: World) -> Iterator[Page]:
    """Acme's owner on the page of their agent."""
    with visit(chromium, url, acme.email, "agents") as page:
        page.get_by_role("link", name="Agent", exact=True).click()
        expect(page.get_by_role("heading", name="Agent", exact=True, level=1)).to_be_visible()
        yield page


def talk(page: Page) -> None:
    page.locator("#talk").get_by_role("button", name="Talk to this agent").click()


def heard_ms(page: Page) -> int:
    """Return for how long the page itself has played what is no silence."""
    return int(page.locator("#talk").get_attribute("data-audible-ms") or 0)


def wait_until_heard(page: Page, ms: int) -> None:
    page.wait_for_function(
        "ms => Number(document.getElementById('talk').dataset.audibleMs) > ms", arg=ms, timeout=15_000
    )


def the_call(world: World) -> Call:
    with unit_of_work(world.scope) as session:
        (call,) = calls.list_calls(session, world.business_id, limit=2)[0]
        return call


def events_of(world: World, call_id: UUID) -> list[CallEvent]:
    with unit_of_work(world.scope) as session:
        return list(calls.events_of(session, world.business_id, call_id))


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


@pytest.mark.parametrize("device_hz", [48_000, 44_100])
def test_a_person_hears_the_agent_answers_it_and_both_are_on_record(
    at_agent: Page, acme: World, installation: Installation, device_hz: int
) -> None:
    at_agent.evaluate(
        """sampleRate => {
          const Usual = AudioContext;
          window.AudioContext = class extends Usual {
            constructor(wish) { super({ ...wish, sampleRate }); }
          };
        }""",
        device_hz,
    )
    picture(at_agent, "talk-idle")
    talk(at_agent)
    panel = at_agent.locator("#talk")
    expect(panel).to_have_attribute("data-phase", "live")
    expect(panel.get_by_role("status")).to_have_text("The agent is speaking.")
    wait_until_heard(at_agent, 1_500)
    picture(at_agent, "talk-live")
    expect(panel.get_by_role("status")).to_have_text("The agent is listening.")
    # The agent has understood what came by the microphone: it takes its leave and ends the call.
    expect(panel).to_have_attribute("data-phase", "ended", timeout=30_000)
    call = settled(acme, installation)
    expect(panel.get_by_role("status")).to_have_text("The call is over. Why it ended: declined.")
    picture(at_agent, "talk-ended")
    assert (call.state, call.disposition, call.end_reason) == ("ended", "declined", "declined")
    told = events_of(acme, call.id)
    assert [event.data["text"] for event in told if event.kind == "caller_said"] == [ANSWER]
    said = [event.data for event in told if event.kind == "agent_said"]
    assert [one["interrupted"] for one in said] == [False] * len(said)
    # Each was played to its end by the page, which says so; and what it has played is as long.
    assert all(one["heard_text"] == one["text"] and one["heard_ms"] is not None for one in said)
    frames_out = told[-1].data["frames_out"]
    played_ms = int(panel.get_attribute("data-played-ms") or 0)
    assert played_ms == pytest.approx(frames_out["sent"] * 20, abs=250)
    assert 1_500 < heard_ms(at_agent) <= played_ms
    assert told[-1].data["frames_in"]["lost_ms"] == 0
    assert told[-1].data["frames_in"]["dropped"].keys() <= {"ended", "goodbye"}
    panel.get_by_role("link", name="Open call").click()
    expect(at_agent.locator("li.caller[data-kind=caller_said] p")).to_have_text([ANSWER])
    expect(at_agent.locator("dl.facts")).to_contain_text("In the browser")
    picture(at_agent, "talk-call")


def test_hanging_up_ends_the_call_and_leaves_no_microphone_open(
    at_agent: Page, acme: World, installation: Installation
) -> None:
    at_agent.evaluate(
        """() => {
          const devices = navigator.mediaDevices;
          const ask = devices.getUserMedia.bind(devices);
          devices.getUserMedia = async (wish) => (window.given = await ask(wish));
        }"""
    )
    talk(at_agent)
    wait_until_heard(at_agent, 300)
    at_agent.locator("#talk").get_by_role("button", name="Hang up").click()
    expect(at_agent.locator("#talk")).to_have_attribute("data-phase", "ended")
    tracks = at_agent.evaluate("() => window.given.getTracks().map((track) => track.readyState)")
    assert tracks == ["ended"]
    expect(at_agent.locator("#talk").get_by_role("button", name="Talk to this agent")).to_be_visible()
    call = settled(acme, installation)
    assert call.end_reason == "stop"
    said = next(event.data for event in events_of(acme, call.id) if event.kind == "agent_said")
    assert len(said["heard_text"]) < len(said["text"])


def settled(world: World, installation: Installation) -> Call:
    """Wait until everything is written of the one call."""

    def is_written() -> bool:
        installation.run_jobs("high")
        return the_call(world).finalized_at is not None

    eventually(is_written, "the call is written", within_s=20)
    return the_call(world)


@pytest.mark.parametrize("way", ["another page", "sign out", "close"])
def test_whoever_leaves_the_page_has_hung_up(
    at_agent: Page, acme: World, installation: Installation, way: str
) -> None:
    talk(at_agent)
    wait_until_heard(at_agent, 300)
    if way == "another page":
        at_agent.get_by_role("link", name="Runs", exact=True).click()
    elif way == "sign out":
        at_agent.get_by_role("button", name="Sign out").click()
    else:
        at_agent.goto("about:blank")
    assert settled(acme, installation).end_reason in {"stop", "disconnect"}


@pytest.mark.parametrize("way", ["before the answer", "behind it", "by leaving"])
def test_a_call_given_up_while_it_connects_gives_its_line_back(at_agent: Page, acme: World, way: str) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    def is_withdrawn() -> bool:
        with unit_of_work(acme.scope) as session:
            found = calls.list_calls(session, acme.business_id, limit=2)[0]
            return [call.disposition for call in found] == ["cancelled"]

    def heard() -> None:
        """Let Playwright call `hold`, which it does only while the page is asked something."""
        at_agent.evaluate("() => true")

    panel = at_agent.locator("#talk")
    if way == "before the answer":
        at_agent.route("**/browser-calls", hold)
    else:
        # A socket that never opens.
        at_agent.evaluate(
            """() => {
            window.WebSocket = class { static OPEN = 1; constructor() { window.dialled = true } close() {} };
            }"""
        )
    talk(at_agent)
    expect(panel).to_have_attribute("data-phase", "connecting")
    if way == "before the answer":
        eventually(lambda: heard() or bool(held), "the line is asked for", within_s=10)
    else:
        at_agent.wait_for_function("() => window.dialled")
        assert lines_in_use(acme) == 1
    if way == "by leaving":
        at_agent.goto("about:blank")
    else:
        panel.get_by_role("button", name="Hang up").click()
        expect(panel).to_have_attribute("data-phase", "ended")
    for route in held:
        route.continue_()
    eventually(lambda: heard() or is_withdrawn(), "the line is given back", within_s=15)
    assert lines_in_use(acme) == 0


def lines_in_use(world: World) -> int:
    with unit_of_work(world.scope) as session:
        return outbound.lines_in_use(session, world.business_id)


def test_every_line_taken_is_said_in_words(at_agent: Page, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).max_calls = 0
    talk(at_agent)
    panel = at_agent.locator("#talk")
    expect(panel.get_by_role("alert")).to_contain_text("Every line of your business is taken.")
    expect(panel).to_have_attribute("data-phase", "ended")
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).max_calls = 5
    talk(at_agent)
    wait_until_heard(at_agent, 300)
    expect(panel.get_by_role("alert")).to_have_count(0)
    panel.get_by_role("button", name="Hang up").click()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotFoundError", "There is no microphone."),
        ("NotReadableError", "another program may be using it"),
        ("NotAllowedError", "This page may not use your microphone."),
    ],
)
def test_without_a_microphone_no_line_is_taken(
    at_agent: Page, acme: World, error: str, sentence: str
) -> None:
    at_agent.evaluate(
        "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name) } }",
        error,
    )
    talk(at_agent)
    expect(at_agent.locator("#talk").get_by_role("alert")).to_contain_text(sentence)
    with unit_of_work(acme.scope) as session:
        assert calls.list_calls(session, acme.business_id, limit=1)[0] == []


def test_a_viewer_is_told_what_it_needs(chromium: Browser, url: str, acme: World) -> None:
    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="v@acme.example", name="V", password=PASSWORD,
            role=Role.VIEWER, actor="test",
        )  # fmt: skip
    with visit(chromium, url, "v@acme.example", f"agents/{acme.agent_id}") as page:
        expect(page.locator("#talk")).to_contain_text("Talking to an agent needs the role agent.")
        expect(page.get_by_role("button", name="Talk to this agent")).to_be_disabled()


def test_hebrew_leaves_no_english(at_agent: Page, acme: World) -> None:
    english, hebrew = (_strings(at_agent, language) for language in ("en", "he"))
    ours = [
        _pattern(sentence)
        for key, sentence in english.items()
        if sentence != hebrew[key] and _has_words(sentence)
    ]
    at_agent.get_by_label("Language").select_option("he")
    assert at_agent.evaluate("document.documentElement.dir") == "rtl"
    at_agent.locator("#talk").get_by_role("button").click()
    wait_until_heard(at_agent, 300)
    picture(at_agent, "talk-live-he")
    left = [text for text in _texts(at_agent) if any(pattern.fullmatch(text) for pattern in ours)]
    assert left == []
    with unit_of_work(acme.scope) as session:
        tenants.get_business(session, acme.business_id).max_calls = 0
    at_agent.locator("#talk").get_by_role("button").click()
    at_agent.locator("#talk").get_by_role("button").click()
    expect(at_agent.locator("#talk").get_by_role("alert")).to_contain_text("כל הקווים")
    picture(at_agent, "talk-full-he")


def test_every_sentence_that_the_page_asks_for_is_there() -> None:
    source = "".join((PAGE / name).read_text() for name in ("talk.js", "agents.js"))
    asked = set(re.findall(r'"((?:talk|agents|back)\.\w+(?:\.\w+)?)"', source))
    assert len(asked) > 20
    for language in ("en", "he"):
        written = (PAGE / f"{language}_talk.js").read_text()
        assert {key for key in asked if f'"{key}":' not in written} == set()
