"""Speech as the settings want it, and the stand-ins as processes of their own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from support.speech import feed, heard, spoken, until
from trunkline.core.errors import StartRefused
from trunkline.core.provider_failures import Kind, Part, Then, counted
from trunkline.core.settings import load_settings
from trunkline.doctor import FAULT, OK, examine
from trunkline.providers.deepgram import DeepgramSpeechToText
from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.ports import Voice
from trunkline.providers.speech_chain import FallbackSpeechToText, FallbackTextToSpeech
from trunkline.simulators import deepgram, elevenlabs, google_speech
from trunkline.simulators.speech_plans import Fault, Sentence, Turn
from trunkline.speech import build_speech, hearing_of


async def test_local_speech_is_the_default() -> None:
    speech = build_speech(load_settings())
    assert isinstance(speech.stt, SphinxSpeechToText)
    assert isinstance(speech.tts, EspeakTextToSpeech)
    assert speech.warm_up is not None
    await speech.warm_up()
    await speech.stt.close()
    await speech.tts.close()


async def test_chains_are_built_as_they_are_named() -> None:
    async with deepgram.serving() as ears, google_speech.serving() as google, elevenlabs.serving() as mouth:
        speech = build_speech(
            load_settings(
                speech_to_text="deepgram, google",
                text_to_speech="elevenlabs, google, local",
                deepgram_api_key="key",
                deepgram_base_url=ears.base_url,
                google_project="clinic",
                google_speech_endpoint=google.endpoint,
                google_voice_endpoint=google.endpoint,
                elevenlabs_api_key="key",
                elevenlabs_base_url=mouth.base_url,
                elevenlabs_voice="Ann",
            )
        )
        assert isinstance(speech.stt, FallbackSpeechToText)
        assert isinstance(speech.tts, FallbackTextToSpeech)
        ears.hearing.plan(Turn(fault=Fault.REFUSE))
        assert (await heard(speech.stt)).text == "600"
        assert google.hearing.heard_ms == [600]
        first = await spoken(speech.tts, "Good morning.")
        assert await spoken(speech.tts, "Good morning.") == first
        assert mouth.voicing.whole == 1, "what is said again is made once"
        mouth.voicing.plan(Sentence(Fault.ERROR))
        google.voicing.plan(Sentence(Fault.ERROR))
        assert await spoken(speech.tts, "Good evening.", Voice("en")), "the last of the chain is local"
        await speech.stt.close()
        await speech.tts.close()


async def test_what_goes_on_at_the_same_provider_is_counted_as_well() -> None:
    async with deepgram.serving() as ears, google_speech.serving() as google:
        ears.hearing.plan(Turn(fault=Fault.CLOSE, after_ms=100))
        google.hearing.plan(Turn(fault=Fault.END))
        for name, plan in (("deepgram", ears.hearing), ("google", google.hearing)):
            settings = load_settings(
                speech_to_text=name,
                deepgram_api_key="key",
                deepgram_base_url=ears.base_url,
                google_project="clinic",
                google_speech_endpoint=google.endpoint,
            )
            stt, key = hearing_of(settings), (Part.SPEECH_TO_TEXT, name, Kind.BROKEN, Then.RECONNECTED)
            before = counted().get(key, 0)
            utterance = stt.open(language="en", grammar=None)
            feed(utterance, 300)
            await until(lambda plan=plan: plan.connections == 2)
            feed(utterance, 300)
            assert (await utterance.finish()).text == "600"
            assert counted().get(key, 0) == before + 1
            await stt.close()


async def test_one_recogniser_is_a_chain_too_so_that_its_failures_are_counted() -> None:
    speech = build_speech(load_settings(speech_to_text="deepgram", deepgram_api_key="key"))
    assert isinstance(speech.stt, FallbackSpeechToText)
    await speech.stt.close()
    await speech.tts.close()


@pytest.mark.parametrize(
    ("settings", "lack"),
    [
        ({"speech_to_text": "deepgram"}, "DEEPGRAM_API_KEY"),
        ({"speech_to_text": "google"}, "GOOGLE_PROJECT"),
        ({"text_to_speech": "elevenlabs"}, "ELEVENLABS_API_KEY"),
        ({"text_to_speech": "openai"}, "OPENAI_AUDIO_API_KEY"),
        ({"speech_to_text": "siri"}, "SPEECH_TO_TEXT must name one or more of local, google"),
        ({"text_to_speech": "local,local"}, "TEXT_TO_SPEECH must name"),
        ({"text_to_speech": " , "}, "TEXT_TO_SPEECH must name"),
        ({"elevenlabs_format": "mp3_44100_128"}, "ELEVENLABS_FORMAT"),
    ],
)
def test_what_is_missing_is_named_at_the_start(settings: dict[str, str], lack: str) -> None:
    with pytest.raises(StartRefused, match=lack):
        build_speech(load_settings(**settings))


async def test_a_server_of_ones_own_needs_no_key() -> None:
    settings = load_settings(text_to_speech="openai", openai_audio_base_url="http://127.0.0.1:9/v1")
    speech = build_speech(settings)
    await speech.stt.close()
    await speech.tts.close()


def test_the_doctor_says_who_speaks_and_what_they_lack(tmp_path: Path) -> None:
    def found(**settings: str) -> list[tuple[str, str, str]]:
        findings = examine(load_settings(trunkline_home=tmp_path, **settings))
        return [(f.what, f.verdict, f.facts) for f in findings if f.what in {"Speech", "Languages"}]

    speech, languages = found()
    assert speech == ("Speech", OK, "hears by local; speaks by local")
    assert "English only" in languages[2]
    assert found(speech_to_text="deepgram,local", text_to_speech="elevenlabs", elevenlabs_api_key="key") == [
        ("Speech", FAULT, "deepgram: DEEPGRAM_API_KEY is unset")
    ]


def test_the_doctor_tries_whether_recordings_can_be_kept(tmp_path: Path) -> None:
    def found(**settings: Any) -> tuple[str, str]:
        (storage,) = [
            f for f in examine(load_settings(trunkline_home=tmp_path, **settings)) if f.what == "STORAGE_DIR"
        ]
        return storage.verdict, storage.facts

    assert found() == (OK, f"{tmp_path / 'storage'} (will be made)")
    (tmp_path / "there").mkdir()
    assert found(storage_dir=tmp_path / "there") == (OK, str(tmp_path / "there"))
    assert list((tmp_path / "there").iterdir()) == []
    # Where nobody may write, root included: a file is no folder, and the kernel's own take no files.
    (tmp_path / "file").touch()
    for refused in (tmp_path / "file" / "below", Path("/proc/recordings")):
        verdict, facts = found(storage_dir=refused)
        assert verdict == FAULT
        assert f"{refused.parent} cannot be written" in facts


@pytest.mark.parametrize("name", ["deepgram", "google_speech", "openai_audio", "elevenlabs"])
async def test_a_stand_in_runs_as_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    turns = tmp_path / "turns.json"
    turns.write_text(json.dumps([{"text": "as planned", "interim": ["as"]}]))
    command = [sys.executable, "-m", f"trunkline.simulators.{name}", "--turns", str(turns)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            said = (await process.stderr.readline()).decode()
        assert "listens at" in said, said
        if name == "deepgram":
            stt = DeepgramSpeechToText(api_key="key", base_url=said.split()[-1])
            assert (await heard(stt)).text == "as planned"
            await stt.close()
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()
    assert process.returncode == 0
