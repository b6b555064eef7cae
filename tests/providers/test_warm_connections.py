"""The first call opens no connection: it was opened before, and the call goes over it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import structlog

from support.counting_proxy import Doorman, counting
from support.speech import heard, spoken
from trunkline import brains
from trunkline.core import registry
from trunkline.core.settings import load_settings
from trunkline.providers.anthropic_model import AnthropicModel
from trunkline.providers.elevenlabs import ElevenLabsTextToSpeech
from trunkline.providers.gemini_model import GeminiModel
from trunkline.providers.google_speech import GoogleSpeechToText, GoogleTextToSpeech
from trunkline.providers.openai_audio import OpenAiSpeechToText, OpenAiTextToSpeech
from trunkline.providers.openai_compatible import OpenAICompatibleModel
from trunkline.providers.ports import (
    KeepsWarm,
    LanguageModel,
    Message,
    ModelFailed,
    SpeechFailed,
    SpeechToText,
    TextToSpeech,
)
from trunkline.simulators import elevenlabs, google_speech, openai_audio
from trunkline.simulators.anthropic import AnthropicWire
from trunkline.simulators.gemini import GeminiWire
from trunkline.simulators.model_server import Plan, Wire, serving
from trunkline.simulators.openai import OpenAIWire
from trunkline.speech import build_speech
from trunkline.web.warm_connections import WarmConnections

PROVIDERS = (
    "elevenlabs", "openai_voice", "openai_ear", "google_voice", "google_ear", "openai", "anthropic", "gemini",
)  # fmt: skip
Provider = SpeechToText | TextToSpeech | LanguageModel


async def standing(name: str, stack: AsyncExitStack) -> tuple[Provider, Doorman]:
    """Return a client of this provider's stand-in, and who counts its connections."""

    async def door(url: str) -> Doorman:
        return await stack.enter_async_context(counting(url))

    wires: dict[str, tuple[type[Wire], str]] = {
        "openai": (OpenAIWire, "/v1"), "anthropic": (AnthropicWire, ""), "gemini": (GeminiWire, "")
    }  # fmt: skip
    if name in wires:
        wire, path = wires[name]
        server = await stack.enter_async_context(serving(wire(), Plan()))
        doorman = await door(server.base_url)
        make = {"openai": OpenAICompatibleModel, "anthropic": AnthropicModel, "gemini": GeminiModel}[name]
        base = doorman.before(f"{server.base_url}{path}")
        return make(model=Plan().model, api_key=Plan().key, base_url=base), doorman
    if name == "elevenlabs":
        eleven = await stack.enter_async_context(elevenlabs.serving())
        doorman = await door(eleven.base_url)
        voice = ElevenLabsTextToSpeech(api_key="key", base_url=doorman.before(eleven.base_url), voice="Ann")
        return voice, doorman
    if name.startswith("google"):
        google = await stack.enter_async_context(google_speech.serving())
        doorman = await door(google.endpoint)
        endpoint = doorman.before(google.endpoint)
        if name == "google_voice":
            return GoogleTextToSpeech(endpoint=endpoint), doorman
        return GoogleSpeechToText(project="p", endpoint=endpoint), doorman
    audio = await stack.enter_async_context(openai_audio.serving())
    doorman = await door(audio.base_url)
    at = doorman.before(audio.base_url)
    if name == "openai_voice":
        return OpenAiTextToSpeech(api_key="key", base_url=at), doorman
    return OpenAiSpeechToText(api_key="key", base_url=at), doorman


async def use(provider: Provider) -> None:
    """Have one turn's work done."""
    if hasattr(provider, "answer"):
        assert [piece async for piece in provider.answer("Be kind.", [Message("user", "Hello")], ())]
    elif hasattr(provider, "speak"):
        assert await spoken(provider, "Good morning.")
    else:
        assert (await heard(provider)).text


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_warm_provider_opens_no_connection_for_its_first_work(
    name: str, stack: AsyncExitStack
) -> None:
    cold, counted = await standing(name, stack)
    assert counted.opened == 0
    await use(cold)
    assert counted.opened == 1, "the first work of one that is cold opens it"
    await cold.close()

    provider, doorman = await standing(name, stack)
    assert isinstance(provider, KeepsWarm)
    await provider.warm()
    assert (doorman.opened, doorman.live) == (1, 1)
    await use(provider)
    await use(provider)
    await provider.warm()
    assert doorman.opened == 1
    await provider.close()
    async with asyncio.timeout(30):
        while doorman.live:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["model", "voice"])
async def test_one_that_cannot_be_opened_is_told_with_its_address_and_without_its_password(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        place = f"127.0.0.1:{nobody.getsockname()[1]}/v1"
    url = f"http://me:secret@{place}"
    provider: OpenAICompatibleModel | OpenAiTextToSpeech = (
        OpenAICompatibleModel(model="small", api_key="", base_url=url) if name == "model"
        else OpenAiTextToSpeech(api_key="", base_url=url)
    )  # fmt: skip
    with pytest.raises(ModelFailed if name == "model" else SpeechFailed) as failure:
        await provider.warm()
    assert f"http://{place}" in str(failure.value)
    assert "secret" not in str(failure.value)
    await provider.close()


async def test_connections_are_kept_and_one_that_cannot_be_is_told_once(stack: AsyncExitStack) -> None:
    provider, doorman = await standing("elevenlabs", stack)
    assert isinstance(provider, KeepsWarm)
    fails = True
    asked = 0

    async def sometimes() -> None:
        nonlocal asked
        asked += 1
        if fails:
            raise SpeechFailed("nobody is there")

    warm = WarmConnections(lambda: {"voice": provider.warm, "other": sometimes}, every_s=0.01)
    with structlog.testing.capture_logs() as logged:
        keeping = asyncio.create_task(warm.keep_forever())
        async with asyncio.timeout(30):
            while asked < 3:
                await asyncio.sleep(0.01)
            fails, asked = False, 0
            while asked < 2:
                await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert doorman.opened == 1
    assert [(line["event"], line["provider"]) for line in logged] == [
        ("connection_cold", "other"), ("connection_warm_again", "other")
    ]  # fmt: skip
    await provider.close()


async def test_the_settings_say_what_is_kept_warm(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_brains", "_closers", "_warmers"):
        monkeypatch.setattr(registry, name, {})
    _, doorman = await standing("openai", stack)
    settings = load_settings(
        speech_to_text="openai,local", text_to_speech="elevenlabs,local", openai_audio_api_key="a",
        elevenlabs_api_key="b", openai_api_key=Plan().key, openai_base_url=f"http://{doorman.address}/v1",
    )  # fmt: skip
    speech = build_speech(settings)
    assert sorted(speech.connections) == ["speech_to_text/openai", "text_to_speech/elevenlabs"]
    brains.register_models(settings)
    assert list(registry.brain_warmers()) == ["openai"]
    await registry.brain_warmers()["openai"]()
    assert (doorman.opened, doorman.live) == (1, 1)
    for close in (*registry.brain_closers(), speech.stt.close, speech.tts.close):
        await close()
