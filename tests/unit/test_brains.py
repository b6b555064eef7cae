"""Which brains the settings give, what the doctor says of them, and that they answer."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from media.media_stubs import StubBrain, brief
from trunkline import brains, own_voices
from trunkline.core import provider_failures, registry
from trunkline.core.errors import InvalidInput, StartRefused
from trunkline.core.provider_failures import Kind, Part, Then
from trunkline.core.settings import Settings, load_settings
from trunkline.doctor import FAULT, NOTE, OK, Finding, examine, show
from trunkline.providers.ports import Heard, InputKind, Say, ToolResult
from trunkline.simulators.model_server import Answer, Fault, Plan, serving
from trunkline.simulators.openai import OpenAIWire

KEYS = {"openai_api_key": "a", "anthropic_api_key": "b", "gemini_api_key": "c"}
OWN = {"own_model_url": "http://127.0.0.1:9/v1", "own_model_name": "small"}


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OWN_MODEL_URL", "MODEL_FALLBACKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(registry, "_brains", {})
    monkeypatch.setattr(registry, "_closers", {})
    monkeypatch.setattr(registry, "_warmers", {})
    monkeypatch.setattr(registry, "_connecting", set())
    monkeypatch.setattr(registry, "_readers", set())
    monkeypatch.setattr(registry, "_keyed", {})
    monkeypatch.setattr(provider_failures, "_counted", Counter())


def settings(**values: object) -> Settings:
    return load_settings(**values)


def test_a_model_is_there_once_it_has_a_key_or_a_place() -> None:
    assert brains.models_of(settings()) == {}
    assert list(brains.models_of(settings(openai_api_key="a"))) == ["openai"]
    assert brains.models_of(settings(**KEYS, **OWN)) == {
        "openai": "gpt-5.4-mini",
        "anthropic": "claude-haiku-5-5",
        "gemini": "gemini-3.8-flash",
        "own_model": "small",
    }


async def test_each_model_is_a_brain_of_its_name_and_loads_when_it_is_asked_for() -> None:
    brains.register_models(settings(**KEYS, **OWN, model_fallbacks="anthropic,openai"))
    assert registry.brain_names() == ("anthropic", "gemini", "openai", "own_model")
    for name in registry.brain_names():
        assert registry.brain(name) is registry.brain(name)
    for close in registry.brain_closers():
        await close()


def test_a_brain_registered_anew_has_nothing_of_the_one_before() -> None:
    async def nothing() -> None: ...

    registry.register_brain("one", StubBrain, close=nothing, warm=nothing)
    registry.register_connecting("one")
    assert registry.connects("one")
    registry.register_brain("one", StubBrain)
    assert not registry.connects("one")
    assert (registry.brain_closers(), registry.brain_warmers()) == ((), {})


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"own_model_url": "http://127.0.0.1:9/v1"}, "OWN_MODEL_NAME is not"),
        ({"openai_api_key": "a", "model_fallbacks": "gemini"}, "'gemini', which has no key"),
    ],
)
def test_models_that_cannot_work_are_refused_at_the_start(values: dict[str, str], fault: str) -> None:
    with pytest.raises(StartRefused, match=fault):
        brains.register_models(settings(**values))
    finding = next(found for found in examine(settings(**values)) if found.what == "Language models")
    assert finding.verdict == FAULT
    assert fault in finding.facts


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"model_fallbacks": "openai,hal"}, "MODEL_FALLBACKS names 'hal'"),
        ({"own_model_url": "localhost:11434"}, "OWN_MODEL_URL must begin with http://"),
        ({"model_first_seconds": "0"}, "MODEL_FIRST_SECONDS"),
    ],
)
def test_a_wrong_setting_of_models_is_named(values: dict[str, str], sentence: str) -> None:
    with pytest.raises(StartRefused, match=sentence):
        settings(**values)


def test_the_doctor_says_which_models_there_are() -> None:
    def finding(given: Settings) -> tuple[str, str]:
        found = next(found for found in examine(given) if found.what == "Language models")
        return found.verdict, found.facts

    assert finding(settings())[0] == NOTE
    hearing = {"anthropic_api_key": "key-b", "speech_to_text": "deepgram"}
    assert finding(settings(**hearing)) == (OK, "anthropic (claude-haiku-5-5)")
    verdict, facts = finding(settings(anthropic_api_key="key-b"))
    assert verdict == NOTE
    assert "hear nothing" in facts


async def test_the_doctor_asks_whether_an_own_model_is_where_the_settings_say() -> None:
    async def finding(url: str, **more: str) -> tuple[str, str, str]:
        given = settings(own_model_url=url, own_model_name="small", **more)
        findings = await asyncio.to_thread(examine, given)
        found = next(found for found in findings if found.what == "OWN_MODEL_URL")
        return found.verdict, found.facts, found.mend

    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = nobody.getsockname()[1]
    verdict, facts, _ = await finding(f"http://127.0.0.1:{closed}/v1")
    assert verdict == NOTE
    assert f"http://127.0.0.1:{closed}/v1/models" in facts

    async with serving(OpenAIWire(), Plan(key="right")) as server:
        assert (await finding(f"{server.base_url}/v1", own_model_key="right"))[0] == OK
        verdict, facts, mend = await finding(server.base_url, own_model_key="right")
        assert (verdict, "404" in facts, "/v1" in mend) == (NOTE, True, True)
        verdict, facts, mend = await finding(f"{server.base_url}/v1", own_model_key="wrong")
        assert (verdict, "401" in facts, "OWN_MODEL_KEY" in mend) == (NOTE, True, True)


async def test_a_brain_of_the_settings_holds_a_conversation_and_falls_back() -> None:
    async def no_tool(name: str, _arguments: object) -> ToolResult:
        raise InvalidInput(name)

    async with serving(OpenAIWire(), Plan(key="a")) as first, serving(OpenAIWire(), Plan(key="none")) as own:
        given = settings(
            openai_api_key="a", openai_base_url=f"{first.base_url}/v1/", openai_model="stand-in-1",
            own_model_url=f"{own.base_url}/v1", own_model_name="stand-in-1",
            model_fallbacks="own_model", filler_after_seconds=0, model_first_seconds=0.3,
        )  # fmt: skip
        brains.register_models(given)
        conversation = registry.brain("openai").open(replace(brief(), instructions="Be kind."), no_tool)
        first.plan.then(Answer("Never heard.", fault=Fault.MUTE))
        acts = [act async for act in conversation.hear(Heard(InputKind.SPEECH, "Hello?"))]
        assert acts[0] == Say("You said: Hello?")
        assert [len(server.plan.asked) for server in (first, own)] == [1, 1]
        assert provider_failures.counted() == {
            (Part.MODEL, "openai", Kind.SILENT, Then.HANDED_OVER): 1,
        }
        for close in registry.brain_closers():
            await close()


@pytest.mark.parametrize(
    ("values", "verdict", "facts", "mend"),
    [
        ({}, OK, "everything is done on this machine", ""),
        ({"anthropic_api_key": "b", "openai_api_key": "a", "brain_fallbacks": "scripted",
          "model_fallbacks": "anthropic,openai"}, NOTE, "the next of each chain", "set METRICS_TOKEN"),
        (
            {"speech_to_text": "deepgram", "deepgram_api_key": "d", "openai_api_key": "a"}, NOTE,
            "nobody takes over: SPEECH_TO_TEXT (deepgram), MODEL_FALLBACKS (none), BRAIN_FALLBACKS (none)",
            "set METRICS_TOKEN",
        ),
        (
            {"text_to_speech": "elevenlabs", "elevenlabs_api_key": "e", "metrics_token": "m"}, NOTE,
            "TEXT_TO_SPEECH (elevenlabs)", "trunkline_provider_failures_total",
        ),
        (
            {"text_to_speech": "elevenlabs,local", "elevenlabs_api_key": "e"}, NOTE,
            "the next of each chain takes over", "set METRICS_TOKEN",
        ),
        (
            {"text_to_speech": "elevenlabs,local", "elevenlabs_api_key": "e", "metrics_token": "m"}, OK,
            "trunkline_provider_failures_total", "",
        ),
    ],
)  # fmt: skip
def test_the_doctor_says_whom_nobody_stands_behind(
    values: dict[str, str], verdict: str, facts: str, mend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("METRICS_TOKEN", "BRAIN_FALLBACKS", "SPEECH_TO_TEXT", "TEXT_TO_SPEECH"):
        monkeypatch.delenv(name, raising=False)
    (found,) = [one for one in examine(settings(**values)) if one.what == "When a provider fails"]
    assert found.verdict == verdict
    assert facts in found.facts
    assert mend in found.mend
    assert bool(mend) == bool(found.mend)


@pytest.mark.parametrize("name", ["openai_realtime", "anthropic"])
def test_brains_to_fall_back_to_need_their_keys(name: str) -> None:
    given = settings(gemini_api_key="c", brain_fallbacks=f"gemini,{name}")
    registry.register_brain("scripted", StubBrain)
    brains.register_models(given)
    with pytest.raises(StartRefused, match=f"BRAIN_FALLBACKS names '{name}', which has no key here"):
        own_voices.register_own_voices(given)
    (found,) = [one for one in examine(given) if one.what == "Brains with a voice"]
    assert (found.verdict, name in found.facts) == (FAULT, True)
    well = settings(gemini_api_key="c", brain_fallbacks="gemini,scripted")
    own_voices.register_own_voices(well)
    assert FAULT not in {one.verdict for one in examine(well) if one.what == "Brains with a voice"}


def test_the_doctor_cuts_nothing_off_on_a_narrow_terminal() -> None:
    narrow = Console(width=80, file=StringIO(), record=True)
    facts = "/a/folder/that/lies/deep/below/others/and/has/a/long/name/with_something_at_its_end"
    show([Finding("When a provider fails", NOTE, facts, "x" * 60)], narrow, with_sql=False)
    printed = narrow.export_text()
    assert "…" not in printed
    assert printed.count("x") == 60
