"""Failures of providers: classed by the words that our own providers fail with, counted, told to the call."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from trunkline.core import provider_failures
from trunkline.core.provider_failures import Failure, Kind, Part, Then, kind_of, note, teller, told_to


@pytest.fixture(autouse=True)
def _own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_failures, "_counted", Counter())


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("ElevenLabs refused: 401 invalid_api_key", Kind.REFUSED),
        ("AuthenticationError: Error code: 401 - {'error': {'message': 'no such key'}}", Kind.REFUSED),
        ("NotFoundError: Error code: 404 - no such model", Kind.REFUSED),
        ("Google: PERMISSION_DENIED the project is closed to you", Kind.REFUSED),
        ("OpenAI refused the session: model_not_found", Kind.REFUSED),
        ("the answer was withheld by the provider's filter", Kind.REFUSED),
        ("ElevenLabs has no voice to speak with: set ELEVENLABS_VOICE or the agent's", Kind.REFUSED),
        ("RateLimitError: Error code: 429 - slow down", Kind.LIMITED),
        ("Google: RESOURCE_EXHAUSTED", Kind.LIMITED),
        ("OverloadedError: Error code: 529 - Overloaded", Kind.LIMITED),
        ("silent for 3.5 s", Kind.SILENT),
        ("no sound for 1.8 s", Kind.SILENT),
        ("no text within 2.7 s", Kind.SILENT),
        ("Deepgram: no last words within 1 s", Kind.SILENT),
        ("the model fell silent for 6 s", Kind.SILENT),
        ("no sound within 5 s", Kind.SILENT),
        ("the provider did not answer in time", Kind.SILENT),
        ("ElevenLabs gave no answer: ReadTimeout", Kind.SILENT),
        ("Google: DEADLINE_EXCEEDED", Kind.SILENT),
        ("InternalServerError: Error code: 503 - go away", Kind.BROKEN),
        ("OpenAI refused: 500", Kind.BROKEN),
        ("the answer broke off", Kind.BROKEN),
        ("Deepgram: no connection: ClientConnectorError Connection refused", Kind.BROKEN),
        ("APIConnectionError: Connection error.", Kind.BROKEN),
        ("Google: UNAVAILABLE failed to connect to all addresses", Kind.BROKEN),
        ("Gemini closed the connection: 1011", Kind.BROKEN),
        ("the provider hung up", Kind.BROKEN),
        ("a speech helper died or hung", Kind.BROKEN),
        ("the transcription cannot be read", Kind.UNREADABLE),
        ("OpenAI answered with text/html, not with sound", Kind.UNREADABLE),
        ("ValueError: the provider sent something else than a chunk", Kind.UNREADABLE),
        ("the arguments of 'book' cannot be read", Kind.UNREADABLE),
        ("Google: a result that is no speech", Kind.UNREADABLE),
        ("the model has nothing to say", Kind.OTHER),
    ],
)
def test_a_reason_has_its_class(reason: str, kind: Kind) -> None:
    assert kind_of(reason) is kind


async def test_failures_are_counted_and_told_to_the_call_in_which_they_happen() -> None:
    told: dict[str, list[Failure]] = {"a": [], "b": []}

    async def call(name: str, reason: str) -> None:
        with told_to(told[name].append):
            # As the tasks of a session, which begin within its run.
            await asyncio.create_task(fails(reason))

    async def fails(reason: str) -> None:
        await asyncio.sleep(0)
        teller(Part.MODEL)("openai", reason, "anthropic" if reason == "silent for 3 s" else "")

    await asyncio.gather(call("a", "silent for 3 s"), call("b", "the answer broke off"))
    note(Part.BRAIN, "gemini_live", "the provider hung up", Then.RECONNECTED)
    assert [(one.then, one.taken_over_by) for one in told["a"]] == [(Then.HANDED_OVER, "anthropic")]
    assert [(one.kind, one.then) for one in told["b"]] == [(Kind.BROKEN, Then.GAVE_UP)]
    assert provider_failures.counted() == {
        (Part.MODEL, "openai", Kind.SILENT, Then.HANDED_OVER): 1,
        (Part.MODEL, "openai", Kind.BROKEN, Then.GAVE_UP): 1,
        (Part.BRAIN, "gemini_live", Kind.BROKEN, Then.RECONNECTED): 1,
    }
