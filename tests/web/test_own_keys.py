"""Businesses' own keys in calls: the providers' stand-ins let in whoever has the right one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from media.media_stubs import StubStt, StubTts, StubVad
from support.installation import TOKEN_KEY, VAULT_KEY, Installation
from support.world import World
from trunkline import own_keys, speech
from trunkline.brains import language_model
from trunkline.core import registry, vault
from trunkline.core.db import unit_of_work
from trunkline.core.errors import InvalidInput
from trunkline.core.settings import Settings
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.tenants import service as tenants
from trunkline.media import TwilioStream
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.ports import Message, ModelFailed, Voice
from trunkline.simulators import elevenlabs
from trunkline.simulators.model_server import Plan, serving
from trunkline.simulators.openai import OpenAIWire
from trunkline.simulators.speech_plans import Voicing
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Hired, HiredProviders, Speech
from trunkline.web.live_ends import AGENT_UNUSABLE
from trunkline.web.recording import Recordings, WavRecording
from web.test_callroom import Line

THEIRS = "the-business-s-own-key"


@asynccontextmanager
async def voice_room(tmp_path: Path) -> AsyncIterator[tuple[CallRoom, Voicing]]:
    """A room that speaks by ElevenLabs, where the installation's key is wrong and the business's right."""
    voicing = Voicing(api_key=THEIRS)
    async with elevenlabs.serving(voicing=voicing) as running:
        settings = Settings(
            text_to_speech=("elevenlabs",), elevenlabs_api_key="the house's key", elevenlabs_voice="v",
            elevenlabs_base_url=running.base_url,
        )  # fmt: skip
        mouth = ElevenLabsTextToSpeech(api_key="the house's key", voice="v", base_url=running.base_url)
        shared = Speech(StubStt(), mouth, StubVad, ears={"local": StubStt()}, mouths={"elevenlabs": mouth})
        room = CallRoom(
            speech=shared, token_key=TOKEN_KEY, spool=tmp_path / "spool", max_calls=4,
            longest_call=timedelta(minutes=10), hire=partial(own_keys.hire, settings, shared),
        )  # fmt: skip
        yield room, voicing
        await room.close()


def give_key(world: World, provider: str = "elevenlabs") -> None:
    with unit_of_work(world.scope) as session:
        vault.put_key(session, world.business_id, provider, THEIRS, actor="test")


async def test_a_call_speaks_by_its_business_s_key_and_by_nobody_else_s(
    acme: World, umbrella: World, tmp_path: Path
) -> None:
    give_key(acme)
    for world, greeting in ((acme, "Good day from Acme."), (umbrella, "Good day from Umbrella.")):
        with unit_of_work(world.scope) as session:
            agents.get_agent(session, world.business_id, world.agent_id).greeting = greeting
    async with voice_room(tmp_path) as (room, voicing):
        lines = [Line(acme, room, "CA1"), Line(acme, room, "CA2"), Line(umbrella, room, "CA3")]
        hosting = [asyncio.create_task(room.host(TwilioStream(line))) for line in lines]
        async with asyncio.timeout(20):
            while len([asked for asked in voicing.asked if "Acme" in str(asked)]) < 1:
                await asyncio.sleep(0.01)
            while room.live.count < 2:
                await asyncio.sleep(0.01)
        # Both of Acme's calls speak by one client.
        assert room._hired.count == 1
        room.live.stop_all("enough")
        await asyncio.gather(*hosting)
    # The installation's key is refused, so nothing of Umbrella's was said.
    assert not [asked for asked in voicing.asked if "Umbrella" in str(asked)]


async def test_a_key_that_does_not_open_ends_the_call_and_is_on_record(
    acme: World, installation: Installation, tmp_path: Path
) -> None:
    give_key(acme)
    vault.install_vault(vault.Seals([b"another key, as long as it must!"]))
    try:
        async with voice_room(tmp_path) as (room, voicing):
            line = Line(acme, room, "CA1")
            async with asyncio.timeout(20):
                await room.host(TwilioStream(line))
                await room.log.flush()
            assert voicing.asked == []
    finally:
        vault.install_vault(vault.Seals([VAULT_KEY]))
    installation.run_jobs("high")
    assert (line.row().state, line.row().end_reason) == ("ended", AGENT_UNUSABLE)
    with unit_of_work(acme.scope) as session:
        told = calls.events_of(session, acme.business_id, line.call_id)
        assert "set it again" in told[1].data["detail"]


async def test_a_model_is_asked_by_the_business_s_key(acme: World) -> None:
    async with serving(OpenAIWire(), Plan(key=THEIRS)) as running:
        house = Settings(
            openai_api_key="the house's key", openai_model="stand-in-1",
            openai_base_url=f"{running.base_url}/v1",
        )  # fmt: skip
        theirs, _ = own_keys.with_keys(house, {"openai": THEIRS})
        for settings in (house, theirs):
            model = language_model("openai", settings)
            try:
                said = [piece async for piece in model.answer("Be kind.", [Message("user", "Hello")], [])]
                assert settings is theirs
                assert "Hello" in "".join(map(str, said))
            except ModelFailed:
                assert settings is house
            finally:
                await model.close()
        assert len(running.plan.asked) == 1


async def test_a_brain_that_the_installation_has_no_key_for_is_there_by_the_business_s() -> None:
    shared = Speech(StubStt(), ElevenLabsTextToSpeech(api_key="x"), StubVad, ears={"local": StubStt()})
    shared = Speech(shared.stt, shared.tts, StubVad, ears=shared.ears, mouths={"local": shared.tts})
    with pytest.raises(InvalidInput):
        registry.brain("anthropic")
    hired = own_keys.hire(Settings(), shared, {"anthropic": THEIRS, "gemini": THEIRS})
    try:
        assert hired.brain("anthropic") is not None
        assert hired.brain("gemini_live") is not None
        assert (hired.stt, hired.tts) == (shared.stt, shared.tts)
        # What no key makes is the installation's, or nobody's.
        assert hired.brain("scripted") is not None
        with pytest.raises(InvalidInput):
            hired.brain("openai")
    finally:
        await hired.close()
        await shared.tts.close()


def test_which_ears_and_voices_a_key_brings() -> None:
    house = Settings()
    assert own_keys.with_keys(house, {"deepgram": THEIRS})[0].speech_to_text == ("deepgram", "local")
    # Without a voice ElevenLabs could say nothing.
    assert own_keys.with_keys(house, {"elevenlabs": THEIRS})[0].text_to_speech == ("local",)
    spoken = Settings(elevenlabs_voice="v")
    assert own_keys.with_keys(spoken, {"elevenlabs": THEIRS})[0].text_to_speech == ("elevenlabs", "local")
    audio = own_keys.with_keys(house, {"openai": THEIRS})
    assert audio[0].openai_audio_api_key is not None
    assert audio[1] == {"openai"}
    # A key for OpenAI does not go to a server of one's own.
    own = Settings(openai_audio_base_url="http://127.0.0.1:9/v1")
    assert own_keys.with_keys(own, {"openai": THEIRS})[0].openai_audio_api_key is None
    assert list(speech.what_is_missing(own_keys.with_keys(house, {"deepgram": THEIRS})[0])) == []


async def test_what_was_said_is_kept_once_for_the_process_and_found_by_whoever_s_key_made_it() -> None:
    voicing = Voicing(api_key=THEIRS)
    async with elevenlabs.serving(voicing=voicing) as running:
        settings = Settings(
            text_to_speech=("elevenlabs",), elevenlabs_api_key=THEIRS, elevenlabs_voice="v",
            elevenlabs_base_url=running.base_url,
        )  # fmt: skip
        house = speech.build_speech(settings)
        # The same key at the voice, so that one stand-in lets both in; another beside it.
        acme = own_keys.hire(settings, house, {"elevenlabs": THEIRS})
        umbrella = own_keys.hire(settings, house, {"elevenlabs": THEIRS, "anthropic": "x"})
        sizes = []
        for tts in (acme.tts, acme.tts, umbrella.tts, house.tts):
            async for _ in tts.speak("Good day.", Voice("en")):
                pass
            sizes.append(house.said.size)
        for hired in (acme, umbrella):
            await hired.close()
        await house.tts.close()
        await house.stt.close()
    assert len(voicing.asked) == 3
    once = sizes[0]
    assert once > 0
    assert sizes == [once, once, 2 * once, 3 * once]


async def test_nothing_records_a_call_whose_keys_hire_nobody(acme: World, tmp_path: Path) -> None:
    give_key(acme)
    with unit_of_work(acme.scope) as session:
        tenants.change_business(session, acme.business_id, {"record_calls": True}, actor="test")
    kept = Recordings(tmp_path / "recordings")
    begun: list[str] = []
    begin = kept.begin

    def noted(name: str) -> WavRecording:
        begun.append(name)
        return begin(name)

    kept.begin = noted  # type: ignore[method-assign]

    def hire(keys: object) -> Hired:
        raise RuntimeError("as an SDK may")

    room = CallRoom(
        speech=Speech(StubStt(), StubTts(), StubVad), token_key=TOKEN_KEY, spool=tmp_path / "spool",
        max_calls=4, longest_call=timedelta(minutes=10), recordings=kept, hire=hire,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="SDK"):
        await room.host(TwilioStream(Line(acme, room, "CA1")))
    assert begun == []
    await room.close()


async def _nothing() -> None: ...


async def test_of_what_keys_hired_the_longest_idle_goes_where_there_is_too_much() -> None:
    closed: list[str] = []
    at = 0.0

    async def off_loop(work: Callable[[], Hired]) -> Hired:
        return work()

    def hire(keys: Mapping[str, str]) -> Hired:
        async def close() -> None:
            closed.append(keys["openai"])

        return Hired(registry.brain, StubStt(), StubTts(), close)

    hired = HiredProviders(
        Hired(registry.brain, StubStt(), StubTts(), _nothing), hire=hire, off_loop=off_loop,
        most_idle=2, now=lambda: at,
    )  # fmt: skip
    for key in "abcde":
        await hired.of({"openai": key})
        at += 1.0
    await hired.let_idle_go()
    assert closed == [], "a brain may wait for its call's socket"
    at += 100.0
    with hired.in_use({"openai": "a"}):
        await hired.let_idle_go()
    assert closed == ["b", "c"]
    assert hired.count == 3
    await hired.close()


async def test_what_keys_hired_is_let_go_when_no_call_needs_it() -> None:
    closed: list[str] = []

    async def off_loop(work: object) -> object:
        return work()  # type: ignore[operator]

    def hire(keys: object) -> object:
        async def close() -> None:
            closed.append(str(keys))

        return type("Hired", (), {"close": staticmethod(close)})()

    hired = HiredProviders(None, hire=hire, off_loop=off_loop, idle_s=0)  # type: ignore[arg-type]
    assert await hired.of({}) is None
    one = await hired.of({"openai": "a"})
    assert await hired.of({"openai": "a"}) is one
    assert await hired.of({"openai": "b"}) is not one
    with hired.in_use({"openai": "a"}):
        await hired.let_idle_go()
        assert closed == ["{'openai': 'b'}"]
    await hired.let_idle_go()
    assert hired.count == 0
