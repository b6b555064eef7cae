"""The call room: a line is taken before anything is awaited, and an agent that cannot speak ends its call."""

from __future__ import annotations

import asyncio
import threading
import wave
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import structlog
from prometheus_client import generate_latest

from api.doorway import build_app
from media.media_stubs import FakeCarrier, StubStt, StubTts, StubVad
from support.installation import TOKEN_KEY, Installation
from support.world import World
from trunkline.core import provider_failures
from trunkline.core.db import unit_of_work
from trunkline.core.provider_failures import Part, Then
from trunkline.core.telemetry import current_trace_id
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.calls.tickets import MediaTicket, media_token
from trunkline.domain.tenants import service as tenants
from trunkline.media import TwilioStream
from trunkline.providers.ports import SpeechFailed, Voice
from trunkline.providers.speech_chain import FallbackTextToSpeech
from trunkline.web.callroom import CallRoom
from trunkline.web.hired import Speech
from trunkline.web.live_ends import AGENT_UNUSABLE
from trunkline.web.recording import Recordings


@pytest.fixture
async def room(installation: Installation, tmp_path: Path) -> AsyncIterator[CallRoom]:
    room = CallRoom(
        speech=Speech(stt=StubStt(), tts=StubTts(), vad=StubVad),
        token_key=TOKEN_KEY,
        spool=tmp_path / "spool",
        max_calls=2,
        longest_call=timedelta(minutes=10),
    )
    yield room
    await room.close()


class Line(FakeCarrier):
    """A carrier's socket for one of our calls."""

    def __init__(self, world: World, room: CallRoom, sid: str, direction: str = "inbound") -> None:
        super().__init__()
        with unit_of_work(world.scope) as session:
            call = calls.open_call(
                session, world.business_id, sid=sid, direction=direction, ours=world.number,
                theirs="+12125550101", agent_id=world.agent_id, lead_id=None,
            )  # fmt: skip
        self.world, self.call_id = world, call.id
        ticket = MediaTicket(world.business_id, call.id, leg=1)
        self.put("connected", protocol="Call", version="1.0.0")
        self.put(
            "start",
            start={
                "streamSid": "MZ1", "callSid": sid, "accountSid": "AC1", "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {"token": media_token(ticket, key=TOKEN_KEY)},
            },
        )  # fmt: skip

    def row(self) -> Call:
        with unit_of_work(self.world.scope) as session:
            return calls.get_call(session, self.world.business_id, self.call_id)


async def test_calls_that_start_together_do_not_exceed_the_process_s_lines(
    acme: World, room: CallRoom
) -> None:
    lines = [Line(acme, room, f"CA{number}") for number in range(4)]
    hosting = [asyncio.create_task(room.host(TwilioStream(line))) for line in lines]
    async with asyncio.timeout(20):
        while room.live.count < 2:
            await asyncio.sleep(0.01)
        refused, _ = await asyncio.wait(hosting, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < 2:
            await asyncio.sleep(0.01)
            refused = {task for task in hosting if task.done()}
    assert room.live.count == 2
    assert room.is_full
    room.live.stop_all("enough")
    await asyncio.gather(*hosting)
    assert not room.is_full
    # Whoever was refused has not spent their token: another process may hold their call.
    assert sum(line.row().media_opened_at is None for line in lines) == 2


async def test_a_call_that_was_let_in_is_held_though_its_process_drains(acme: World, room: CallRoom) -> None:
    line = Line(acme, room, "CA1")
    assert room.is_quiet
    room.expect(acme.business_id, line.call_id)
    room.drain()
    assert room.is_full
    assert not room.is_quiet, "the process would have stopped before the call's socket came"
    hosting = asyncio.create_task(room.host(TwilioStream(line)))
    async with asyncio.timeout(20):
        while not room.live.count:
            await asyncio.sleep(0.01)
    room.live.stop_all("enough")
    assert await hosting


async def test_a_refused_call_gives_its_place_back(acme: World, room: CallRoom) -> None:
    line = Line(acme, room, "CA1")
    again = Line(acme, room, "CA1")
    hosting = asyncio.create_task(room.host(TwilioStream(line)))
    async with asyncio.timeout(20):
        while not room.live.count:
            await asyncio.sleep(0.01)
        await room.host(TwilioStream(again))
    assert again.closed_at is not None
    assert not room.is_full
    room.live.stop_all("enough")
    await hosting


async def test_an_agent_that_cannot_hold_the_call_ends_it_and_is_on_record(
    acme: World, room: CallRoom, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        # The form refuses this; a script may come to it another way.
        agent = agents.get_agent(session, acme.business_id, acme.agent_id)
        agent.language = "fr"
    line = Line(acme, room, "CA1")
    with structlog.testing.capture_logs() as logged:
        async with asyncio.timeout(20):
            await room.host(TwilioStream(line))
    assert line.closed_at is not None
    assert [entry["log_level"] for entry in logged if entry["event"] == AGENT_UNUSABLE] == ["error"]
    await room.log.flush()
    installation.run_jobs("high")
    row = line.row()
    assert (row.state, row.end_reason, row.disposition) == ("ended", AGENT_UNUSABLE, calls.OUR_FAULT)
    assert row.finalized_at is not None
    with unit_of_work(acme.scope) as session:
        told = calls.events_of(session, acme.business_id, line.call_id)
        assert "'fr'" in told[1].data["detail"]
    assert not room.is_full


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
async def test_a_call_that_we_make_begins_with_the_disclosure_and_has_it_on_record(
    direction: str, acme: World, room: CallRoom, installation: Installation
) -> None:
    with unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        business.calling_rules = {"disclosure": "This is the AI of {business_name}."}
        agents.get_agent(session, acme.business_id, acme.agent_id).greeting = "Good day."
    line = Line(acme, room, "CA1", direction)
    hosting = asyncio.create_task(room.host(TwilioStream(line)))
    tts = room._speech.tts
    assert isinstance(tts, StubTts)
    async with asyncio.timeout(20):
        while len(tts.spoken) < (3 if direction == "outbound" else 2):
            await asyncio.sleep(0.01)
    room.live.stop_all("enough")
    await hosting
    await room.log.flush()
    installation.run_jobs("high")
    spoken = " ".join(tts.spoken)
    with unit_of_work(acme.scope) as session:
        told = [event.data for event in calls.events_of(session, acme.business_id, line.call_id)]
    on_record = " ".join(str(data) for data in told)
    if direction == "outbound":
        assert spoken.startswith("This is the AI of Acme. Good day.")
        assert "This is the AI of Acme." in on_record
    else:
        assert spoken.startswith("Good day.")
        assert "This is the AI of Acme." not in on_record


async def test_what_the_first_call_needs_is_loaded_off_the_loop_before_it_comes(
    installation: Installation, tmp_path: Path
) -> None:
    loaded: list[str] = []

    class SlowVad(StubVad):
        def __init__(self) -> None:
            loaded.append(threading.current_thread().name)

        def probability(self, pcm: bytes) -> float:
            loaded.append(f"{len(pcm)} bytes judged")
            return 0.0

    async def warm_up() -> None:
        loaded.append("speech")
        raise SpeechFailed("the helper is not there")

    speech = Speech(stt=StubStt(), tts=StubTts(), vad=SlowVad, warm_up=warm_up)
    app = build_app(spool=tmp_path / "spool", speech=speech)
    with structlog.testing.capture_logs() as logged:
        async with app.router.lifespan_context(app):
            assert sorted(loaded) == ["512 bytes judged", "callroom_0", "speech"]
    assert [str(line["exc_info"]) for line in logged if line["event"] == "warm_up_failed"] == [
        "the helper is not there"
    ]


async def test_a_voice_that_fails_is_counted_and_in_the_record_of_the_call_in_which_it_did(
    acme: World, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(StubTts):
        async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
            raise SpeechFailed("Broken refused: 401 no such key")
            yield b""

    monkeypatch.setattr(provider_failures, "_counted", Counter())
    works = StubTts()
    chain = FallbackTextToSpeech(
        {"broken": Broken(), "works": works}, on_failure=provider_failures.teller(Part.TEXT_TO_SPEECH)
    )
    room = CallRoom(
        speech=Speech(stt=StubStt(), tts=chain, vad=StubVad), token_key=TOKEN_KEY, spool=tmp_path / "spool",
        max_calls=2, longest_call=timedelta(minutes=10),
    )  # fmt: skip
    line = Line(acme, room, "CA1")
    hosting = asyncio.create_task(room.host(TwilioStream(line)))
    async with asyncio.timeout(20):
        while not works.spoken:
            await asyncio.sleep(0.01)
    # Of a failure that is no call's, no call hears.
    provider_failures.note(Part.MODEL, "elsewhere", "silent for 3 s", Then.GAVE_UP)
    room.live.stop_all("enough")
    await hosting
    await room.log.flush()
    installation.run_jobs("high")
    with unit_of_work(acme.scope) as session:
        told = calls.events_of(session, acme.business_id, line.call_id)
        troubles = [event.data for event in told if event.kind == "trouble"]
    assert troubles[0]["what"] == "text_to_speech_failed"
    assert troubles[0]["detail"] == "broken: Broken refused: 401 no such key; works took over"
    assert {trouble["what"] for trouble in troubles} == {"text_to_speech_failed"}
    text, name = generate_latest(room.metrics.registry).decode(), "trunkline_provider_failures_total"
    for labels in (
        'kind="refused",part="text_to_speech",provider="broken",then="handed_over"',
        'kind="silent",part="model",provider="elsewhere",then="gave_up"',
    ):
        assert f"{name}{{{labels}}} 1.0" in text
    await room.close()


async def test_work_off_the_loop_knows_whose_call_it_is(room: CallRoom) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="of-this-call"):
        assert await room._off_loop(current_trace_id) == "of-this-call"
    assert await room._off_loop(current_trace_id) != "of-this-call"
    assert len({await room._off_loop(current_trace_id) for _ in range(20)}) == 20


async def test_a_room_that_records_leaves_a_file_of_each_call(
    acme: World, installation: Installation, tmp_path: Path
) -> None:
    room = CallRoom(
        speech=Speech(stt=StubStt(), tts=StubTts(), vad=StubVad, comfort_noise=True),
        token_key=TOKEN_KEY,
        spool=tmp_path / "spool",
        max_calls=2,
        longest_call=timedelta(minutes=10),
        recordings=Recordings(tmp_path / "recordings"),
    )
    with unit_of_work(acme.scope) as session:
        tenants.change_business(session, acme.business_id, {"record_calls": True}, actor="test")
    line = Line(acme, room, "CA90")
    hosting = asyncio.create_task(room.host(TwilioStream(line)))
    async with asyncio.timeout(20):
        while len(line.times("media")) < 60:
            await asyncio.sleep(0.01)
        line.hang_up()
        await hosting
        await room.close()
    (file,) = (tmp_path / "recordings").iterdir()
    assert file.name == f"{acme.business_id}_{line.call_id}_1.wav"
    with wave.open(str(file)) as recorded:
        both = np.frombuffer(recorded.readframes(recorded.getnframes()), "<i2").reshape(-1, 2)
    # The caller sent nothing; the agent's greeting is on its side.
    assert not both[:, 0].any()
    assert len(both) > 8000
    assert np.abs(both[:, 1]).max() > 1000
    assert all(thread.name != "recordings" for thread in threading.enumerate())
