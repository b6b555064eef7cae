"""Live calls as figures: what their events add to, and a loop that is late takes no more of them."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.doorway import TestClient, build_app, open_door
from media.media_stubs import StubStt, StubTts, StubVad
from support.installation import TOKEN_KEY, Installation
from trunkline.core import provider_failures
from trunkline.core.toolbox import ToolCaller
from trunkline.domain.outbound.options import Machines
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.media import CallEvent, EventKind
from trunkline.providers.ports import CallBrief, Voice
from trunkline.web import live_tools
from trunkline.web.callroom import CallRoom, RoomFull
from trunkline.web.hired import Speech
from trunkline.web.live_metrics import STAGES
from trunkline.web.loop_lag import LoopLag
from trunkline.web.preparation import Preparation
from trunkline.web.sentences import NOT_DONE

ROOT = Path(__file__).parents[2]
SAID = {"Authorization": "Bearer scrape me"}


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels) if name != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


@pytest.fixture
def visitor(installation: Installation) -> Iterator[TestClient]:
    with open_door(build_app(metrics_token="scrape me")) as visitor:
        visitor.headers.update(SAID)
        yield visitor


def event(kind: EventKind, /, **data: object) -> CallEvent:
    return CallEvent("call", 1, clock.now(), kind, data)


def test_every_event_is_passed_on_and_counted(visitor: TestClient) -> None:
    room: CallRoom = visitor.app.state.room  # type: ignore[attr-defined]
    passed: list[CallEvent] = []
    sink = room.metrics.tapped(passed.append)
    told = [
        event(EventKind.LATENCY, turn=1, greeting_ms=120.0),
        event(EventKind.LATENCY, turn=2, kind="speech", endpoint_ms=700.0, transcript_ms=0.0, reply_ms=900.0),
        event(EventKind.AGENT_SAID, turn=2, text="Hello.", heard_ms=80.0),
        event(EventKind.TROUBLE, what="late_reply"),
        event(
            EventKind.ENDED, reason="declined",
            frames_in={"received": 10, "forwarded": 7, "dropped": {"goodbye": 3}, "lost_ms": 0},
            frames_out={"queued": 9, "sent": 5, "cleared": 4},
        ),
        event(EventKind.ENDED, reason="disconnect", frames_in={}, frames_out={}),
    ]  # fmt: skip
    for one in told:
        sink(one)
    assert passed == told
    found = figures(visitor.get("/metrics").text)
    for stage, seconds in (
        ("greeting", 0.12), ("endpoint", 0.7), ("transcript", 0.0), ("heard", 0.08), ("reply", 0.9)
    ):  # fmt: skip
        assert found["trunkline_call_turn_seconds_count", stage] == 1
        assert found["trunkline_call_turn_seconds_sum", stage] == pytest.approx(seconds)
    assert found["trunkline_call_troubles_total", "late_reply"] == 1
    assert found["trunkline_calls_ended_total", "other"] == 1
    assert found["trunkline_calls_ended_total", "disconnect"] == 1
    assert found["trunkline_call_frames_total", "forwarded", "in"] == 7
    assert found["trunkline_call_frames_total", "goodbye", "in"] == 3
    assert found["trunkline_call_frames_total", "cleared", "out"] == 4
    assert found["trunkline_live_calls",] == 0
    assert found["trunkline_loop_lag_seconds",] >= 0


@pytest.mark.parametrize(
    "reason",
    [
        "draining", "shutdown", "transferred", "in_conference", "on_hold", "message_dropped", "agent_hung_up",
        "hung_up", "brain_failed", "agent_unusable", "stop", "stuck_wire",
    ],
)  # fmt: skip
def test_an_end_that_no_script_has_named_is_counted_under_its_own_name(
    visitor: TestClient, reason: str
) -> None:
    room: CallRoom = visitor.app.state.room  # type: ignore[attr-defined]
    room.metrics.tapped(lambda _: None)(event(EventKind.ENDED, reason=reason, frames_in={}, frames_out={}))
    found = figures(visitor.get("/metrics").text)
    assert found["trunkline_calls_ended_total", reason] == 1
    assert ("trunkline_calls_ended_total", "other") not in found


def test_a_brain_that_gave_up_is_counted_by_its_name_and_the_reason(
    visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_failures, "_counted", Counter())
    room: CallRoom = visitor.app.state.room  # type: ignore[attr-defined]
    sink = room.metrics.tapped(lambda _: None, brain="gemini_live")
    for detail in (
        "the model fell silent for 6 s",
        "the model fell silent for 6 s",
        "Gemini cannot be reached",
    ):
        sink(event(EventKind.TROUBLE, what="brain_failed", detail=detail))
    sink(event(EventKind.TROUBLE, what="late_reply", detail="2 s"))
    found = figures(visitor.get("/metrics").text)
    name = "trunkline_provider_failures_total"
    assert found[name, "silent", "brain", "gemini_live", "gave_up"] == 2
    assert found[name, "broken", "brain", "gemini_live", "gave_up"] == 1
    assert sum(value for key, value in found.items() if key[0] == name) == 3


def test_the_metrics_page_and_the_calls_page_name_the_stages_that_are_measured() -> None:
    explained = (ROOT / "docs/reference/metrics.md").read_text("utf-8").split("| stage | ends when |")[1]
    assert tuple(re.findall(r"^\| `(\w+)` \|", explained.split("\n\n")[0], re.MULTILINE)) == STAGES
    words = json.loads((ROOT / "dashboard/src/locales/en/calls.json").read_text("utf-8"))["latency"]
    shown = {key.removesuffix("_ms") for key in words if key.endswith("_ms")}
    # The whole way has a figure of its own; how fast a line falls silent is no part of an answer.
    assert shown == set(STAGES) - {"greeting", "clear", "reply"}


async def test_a_loop_that_is_held_up_is_measured() -> None:
    lag = LoopLag()
    measuring = asyncio.create_task(lag.measure_forever())
    await asyncio.sleep(0)
    # Holding up the loop is what is tested.
    time.sleep(0.3)
    async with asyncio.timeout(30):
        while not lag.mean_s:
            await asyncio.sleep(0.01)
    assert lag.take_worst_s() >= 0.2
    measuring.cancel()
    assert lag.take_worst_s() < 0.2


async def test_a_late_loop_takes_no_more_calls_and_keeps_those_it_let_in(
    installation: Installation, tmp_path: Path
) -> None:
    room = CallRoom(
        speech=Speech(stt=StubStt(), tts=StubTts(), vad=StubVad), token_key=TOKEN_KEY, spool=tmp_path,
        max_calls=1, longest_call=timedelta(minutes=1), most_lag_s=0.1,
    )  # fmt: skip
    assert not room.is_full
    for _ in range(100):
        room.lag.note(0.2)
    assert room.is_full
    # Whoever was let in before gets their place; the next one has none.
    with room._place(), pytest.raises(RoomFull), room._place():
        pass
    for _ in range(100):
        room.lag.note(0.0)
    assert not room.is_full
    await room.close()


async def test_one_long_pause_refuses_nobody() -> None:
    lag = LoopLag()
    for late_s in [0.0] * 39 + [5.0]:
        lag.note(late_s)
    assert lag.mean_s < 0.25


async def test_a_tool_that_breaks_is_told_to_the_brain_and_ends_no_call(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = CallRoom(
        speech=Speech(stt=StubStt(), tts=StubTts(), vad=StubVad), token_key=TOKEN_KEY, spool=tmp_path,
        max_calls=1, longest_call=timedelta(minutes=1),
    )  # fmt: skip

    def breaks(*_: object, **__: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(live_tools, "run_tool", breaks)
    business_id, call_id = new_id(), new_id()
    brief = CallBrief(str(call_id), "inbound", "en", "Acme", "", "", None, (), clock.now())
    caller = ToolCaller(business_id=business_id, call_id=call_id, agent_id=new_id(), lead_id=None, phone="+1")
    prepared = Preparation(business_id, brief, "scripted", 1, Voice("en"), caller, ("x",), Machines())
    tools = live_tools.tools_of(prepared, live=room.live, off_loop=room._off_loop)
    result = await tools("x", {})
    assert (result.ok, result.data) == (False, {"error": "unavailable", "message": NOT_DONE["en"]})
    await room.close()
