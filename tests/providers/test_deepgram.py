"""Utterances at Deepgram, against a server that speaks its protocol over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect

from support.speech import feed, heard, nothing_left, until
from trunkline.providers.deepgram import DeepgramSpeechToText
from trunkline.providers.deepgram.wire import hints_of, read_message
from trunkline.providers.ports import Grammar, SpeechFailed, Transcript
from trunkline.simulators import deepgram
from trunkline.simulators.speech_plans import Fault, Hearing, Turn

Ears = tuple[DeepgramSpeechToText, Hearing]


FINISH_S = 2.0
"""Long beside what a settled utterance waits, so that a loaded machine does not decide the test."""


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    async with nothing_left(), deepgram.serving() as service:
        stt = DeepgramSpeechToText(
            api_key="key",
            base_url=service.base_url,
            finish_s=FINISH_S,
            keep_alive_s=0.05,
            reconfigures=True,
        )
        yield stt, service.hearing
        await stt.close()
        await until(lambda: service.hearing.live == 0)


async def test_an_utterance_is_heard_while_it_is_spoken(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("I would like to come on Monday.", interim=("I would", "I would like to")))
    utterance = stt.open(language="en", grammar=None)
    assert utterance.text_so_far == ""
    feed(utterance, 120)
    await until(lambda: utterance.text_so_far == "I would")
    feed(utterance, 120)
    await until(lambda: utterance.text_so_far == "I would like to")
    feed(utterance, 900)
    assert await utterance.finish() == Transcript("I would like to come on Monday.", pytest.approx(0.9))
    assert plan.heard_ms == [1_140], "every millisecond arrives"
    utterance.cancel()


async def test_one_connection_serves_one_utterance_after_another(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("one"), Turn("two"), Turn("three"))
    assert [(await heard(stt)).text for _ in range(3)] == ["one", "two", "three"]
    assert plan.connections == 1
    assert plan.heard_ms == [600, 600, 600]


async def test_calls_at_the_same_time_have_connections_of_their_own(ears: Ears) -> None:
    stt, plan = ears
    await asyncio.gather(*(heard(stt, 200 + 20 * number) for number in range(20)))
    assert sorted(plan.heard_ms) == [200 + 20 * number for number in range(20)]
    assert plan.connections == 20


async def test_a_connection_is_kept_alive_between_utterances(ears: Ears) -> None:
    stt, plan = ears
    await heard(stt)
    await until(lambda: plan.kept_alive >= 3)
    await heard(stt)
    assert plan.connections == 1


async def test_an_idle_connection_is_let_go_in_the_end() -> None:
    async with deepgram.serving() as service:
        stt = DeepgramSpeechToText(api_key="key", base_url=service.base_url, idle_s=0.05)
        await heard(stt)
        await until(lambda: service.hearing.live == 0)
        assert (await heard(stt)).text == "600"
        assert service.hearing.connections == 2
        await stt.close()


async def test_a_connection_that_the_server_lets_go_is_no_trouble() -> None:
    async with deepgram.serving(no_data_s=0.1) as service:
        stt = DeepgramSpeechToText(api_key="key", base_url=service.base_url, keep_alive_s=60)
        await heard(stt)
        await until(lambda: service.hearing.live == 0)
        assert (await heard(stt)).text == "600"
        await stt.close()


async def test_hints_and_language_go_along(ears: Ears) -> None:
    stt, plan = ears
    for phrases in (("yes please", "no"), ("yes please", "no"), ("monday",)):
        utterance = stt.open(language="he", grammar=Grammar(phrases))
        feed(utterance, 100)
        await utterance.finish()
        utterance.cancel()
    opened, configured = plan.asked
    assert (opened["language"], opened["model"], opened["keyterm"]) == ("he", "nova-3", ["yes please", "no"])
    assert configured == {"configured": ["monday"]}
    assert plan.connections == 1
    await heard(stt, language="en")
    assert plan.connections == 2, "a stream's language cannot change"


async def test_where_hints_cannot_be_replaced_another_connection_is_opened() -> None:
    async with deepgram.serving() as service:
        stt = DeepgramSpeechToText(api_key="key", base_url=service.base_url)
        for phrase in ("one", "two"):
            utterance = stt.open(language="en", grammar=Grammar((phrase,)))
            feed(utterance, 100)
            await utterance.finish()
            utterance.cancel()
        assert [asked["keyterm"] for asked in service.hearing.asked] == [["one"], ["two"]]
        await stt.close()


def test_hints_stay_within_deepgrams_bounds() -> None:
    many = tuple(f"phrase number {number}" for number in range(500))
    taken = hints_of(many, model="nova-3")
    assert 0 < len(taken) <= 100
    assert sum(map(len, taken)) <= 1_000
    assert hints_of(("yes please", "yes"), model="nova-2") == ("yes", "please")


async def test_an_utterance_is_taken_over_when_the_connection_is_lost(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn(fault=Fault.CLOSE, after_ms=300), Turn("whole", interim=("who",)))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 400)
    await until(lambda: plan.connections == 2)
    feed(utterance, 200)
    await until(lambda: utterance.text_so_far == "who")
    assert (await utterance.finish()).text == "whole"
    assert plan.heard_ms == [600], "what was said before the loss is given again"


async def test_a_connection_lost_after_the_end_is_no_loss_either(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn(fault=Fault.STALL, after_ms=100), Turn("again"))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 300)
    finishing = asyncio.create_task(utterance.finish())
    await until(lambda: plan.live == 1)
    with pytest.raises(SpeechFailed, match="no last words within"):
        await finishing
    assert (await heard(stt)).text == "again"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.REFUSE, "401"),
        (Fault.ERROR, "cannot go on"),
        (Fault.CLOSE, "NET-0000"),
        (Fault.NONSENSE, "cannot be read"),
        (Fault.HUGE, "broke off"),
    ],
)
async def test_what_goes_wrong_twice_is_said_and_the_next_is_heard(
    ears: Ears, fault: Fault, reason: str
) -> None:
    stt, plan = ears
    plan.plan(Turn(fault=fault), Turn(fault=fault) if fault is not Fault.REFUSE else Turn("other"))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 600)
    await until(lambda: utterance.failure)
    feed(utterance, 600)
    with pytest.raises(SpeechFailed, match=reason):
        await utterance.finish()
    utterance.cancel()
    assert (await heard(stt)).text in {"600", "other"}


async def test_words_of_before_never_reach_the_next_utterance(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("mine"), Turn("yours", fault=Fault.REORDERED))
    assert (await heard(stt)).text == "mine"
    assert (await heard(stt)).text == "yours"
    assert plan.connections == 1


async def test_no_answer_to_finalize_costs_little_where_all_is_final(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("settled", fault=Fault.SILENT, after_ms=100))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 400)
    await until(lambda: utterance.text_so_far == "settled")
    began = asyncio.get_running_loop().time()
    assert (await utterance.finish()).text == "settled"
    assert asyncio.get_running_loop().time() - began < FINISH_S / 2
    await until(lambda: plan.live == 0)


async def test_a_cancelled_utterance_leaves_a_clean_connection(ears: Ears) -> None:
    stt, plan = ears
    plan.plan(Turn("never wanted", interim=("never",)), Turn("wanted"))
    utterance = stt.open(language="en", grammar=None)
    feed(utterance, 300)
    await until(lambda: utterance.text_so_far == "never")
    utterance.cancel()
    utterance.cancel()
    feed(utterance, 300)
    with pytest.raises(SpeechFailed):
        await utterance.finish()
    await until(lambda: plan.heard_ms == [280])
    assert (await heard(stt)).text == "wanted"


async def test_cancelling_where_the_server_hangs_closes_the_connection() -> None:
    async with deepgram.serving() as service:
        service.hearing.plan(Turn(fault=Fault.STALL))
        stt = DeepgramSpeechToText(api_key="key", base_url=service.base_url)
        utterance = stt.open(language="en", grammar=None)
        feed(utterance, 200)
        await until(lambda: service.hearing.live == 1)
        utterance.cancel()
        await until(lambda: service.hearing.live == 0)
        await stt.close()


async def test_nobody_there_is_said() -> None:
    async with deepgram.serving() as service:
        gone = service.base_url
    async with nothing_left():
        stt = DeepgramSpeechToText(api_key="key", base_url=gone)
        with pytest.raises(SpeechFailed, match="no connection"):
            await heard(stt)
        await stt.close()


async def test_the_stand_in_speaks_what_the_sdk_reads() -> None:
    types = pytest.importorskip("deepgram.listen.v1.types", reason="pip install -r requirements-dev.lock")
    seen = []
    async with deepgram.serving() as service:
        service.hearing.plan(Turn("hello there", interim=("hello",)))
        headers = {"Authorization": "Token key"}
        url = f"{service.base_url}/v1/listen?encoding=mulaw&sample_rate=8000"
        async with connect(url, additional_headers=headers) as socket:
            await socket.send(bytes(1_600))
            await socket.send(types.ListenV1Configure(keyterms=["hello"]).model_dump_json(exclude_none=True))
            await socket.send('{"type": "Finalize"}')
            await socket.send('{"type": "CloseStream"}')
            async for message in socket:
                seen.append(message)
    results = [types.ListenV1Results.model_validate_json(message, strict=True) for message in seen[:1]]
    assert results[0].channel.alternatives[0].transcript == "hello"
    assert types.ListenV1ConfigureSuccess.model_validate_json(seen[1], strict=True).keyterms == ["hello"]
    last = types.ListenV1Results.model_validate_json(seen[2], strict=True)
    assert (last.from_finalize, last.is_final, last.duration) == (True, True, 0.2)
    assert types.ListenV1Metadata.model_validate_json(seen[3], strict=True).channels == 1


@pytest.mark.parametrize(
    "message", ["[]", '{"type": "Results"}', '{"type": "Results", "channel": {"alternatives": []}}', "x", "7"]
)
def test_messages_of_another_shape_are_refused(message: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two kinds of it
        read_message(message)
