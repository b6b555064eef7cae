"""Grading: what was expected of a simulation, held against what came of it. Pure.

Owns the judgement. Where the facts come from is `records`' business, how they are shown `report`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.sim.scenario import Count, Expect, Scenario
from trunkline.simulators.callers import Deed, EarFigures
from trunkline.simulators.callers.mind import plain

AGENT_ENDS = frozenset({"twiml", "api"})
"""How the carrier's book says that the call was ended by our side."""
_ALWAYS_A_FAULT = frozenset({"internal_error", "close_hung"})


@dataclass(slots=True)
class Outcome:
    """What came of one call: the rows of the database, and what its far end knows."""

    sid: str
    phone: str
    state: str = ""
    disposition: str | None = None
    end_reason: str | None = None
    finalized: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)
    """Kind, sequence and data of each, in order."""
    appointments: list[datetime] = field(default_factory=list)
    time_zone: str = "UTC"
    do_not_call: bool = False
    rings: int = 0
    ended_by: str = ""
    heard: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """What the carrier or the caller noted as trouble."""
    figures: EarFigures = field(default_factory=EarFigures)
    gaps: int = 0
    worst_gap_ms: float = 0.0
    lag_ms: float = 0.0
    """How late the caller's own clock was, at worst: load on the simulation, not the agent's doing."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of the events of a kind."""
        return [event["data"] for event in self.events if event["kind"] == kind]

    @property
    def agent_lines(self) -> list[str]:
        """What the caller has heard of each turn of the agent, by the record."""
        return [str(data.get("heard_text") or "") for data in self.of("agent_said")]

    @property
    def caller_lines(self) -> list[str]:
        """What was understood of the caller, by the record."""
        spoken = [str(data["text"]) for data in self.of("caller_said") if data["kind"] == "speech"]
        return spoken + [str(data["digits"]) for data in self.of("digits")]

    @property
    def ended(self) -> dict[str, Any]:
        return (self.of("ended") or [{}])[-1]


@dataclass(frozen=True, slots=True)
class Grade:
    """One thing that was expected. `sid` is empty for one of all calls together."""

    what: str
    holds: bool
    expected: str
    found: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds at the callers' ears over all calls of a scenario; None: nothing was measured."""

    greeting_worst: float | None
    reply_p50: float | None
    reply_p95: float | None
    interruption_worst: float | None
    worst_gap: float
    replies: int


def timings(outcomes: Sequence[Outcome]) -> Timings:
    """Sum up what the ears have measured."""
    replies = sorted(ms for one in outcomes for ms in one.figures.reply_ms)
    cuts = quantiles(replies, n=20, method="inclusive") if len(replies) > 1 else replies * 19
    greetings = [one.figures.greeting_ms for one in outcomes if one.figures.greeting_ms is not None]
    interruptions = [ms for one in outcomes for ms in one.figures.interruption_ms]
    return Timings(
        greeting_worst=max(greetings, default=None),
        reply_p50=round(cuts[9], 1) if cuts else None,
        reply_p95=round(cuts[18], 1) if cuts else None,
        interruption_worst=max(interruptions, default=None),
        worst_gap=max((one.worst_gap_ms for one in outcomes), default=0.0),
        replies=len(replies),
    )


def grade(scenario: Scenario, outcomes: Sequence[Outcome]) -> list[Grade]:
    """Judge a scenario's calls, in the order in which they were begun."""
    found = [
        grade
        for index, outcome in enumerate(outcomes)
        for grade in _of_call(scenario.of_call(index), outcome)
    ]
    return [*found, *_of_times(scenario, outcomes)]


def _of_call(scenario: Scenario, one: Outcome) -> Iterator[Grade]:
    expect = scenario.expect

    def judged(what: str, holds: bool, expected: object, found: object) -> Grade:
        return Grade(what, holds, str(expected), str(found), one.sid)

    yield judged("recorded", one.finalized and _whole(one.events), "every event once", _state_of(one))
    yield judged("planned", not one.errors, "the caller's plan done", "; ".join(one.errors) or "done")
    allowed = set(expect.troubles) if expect.troubles is not None else None
    troubles = [str(data["what"]) for data in one.of("trouble")]
    wrong = [
        what for what in troubles if what in _ALWAYS_A_FAULT or (allowed is not None and what not in allowed)
    ]
    yield judged(
        "troubles", not wrong, ", ".join(allowed or ()) or "no fault of ours", ", ".join(wrong) or "none"
    )
    yield judged("frames", *_frames(one))
    for what, words, value in (
        ("disposition", expect.disposition, one.disposition),
        ("end_reason", expect.end_reason, one.end_reason),
    ):
        if words:
            yield judged(what, value in words, " or ".join(words), value)
    if expect.ended_by is not None:
        by = "agent" if one.ended_by in AGENT_ENDS else "caller"
        yield judged("ended_by", by == expect.ended_by, expect.ended_by, by)
    yield from _of_rows(expect, one, judged)
    yield from _of_words(expect, one, judged)
    if expect.within_s is not None:
        seconds = one.figures.talked_ms / 1000
        yield judged("within_s", seconds <= expect.within_s, f"{expect.within_s:g} s", f"{seconds:.1f} s")


def _of_rows(expect: Expect, one: Outcome, judged: Any) -> Iterator[Grade]:
    if expect.appointments is not None:
        count = len(one.appointments)
        yield judged("appointments", count == expect.appointments, expect.appointments, count)
    if expect.appointment is not None:
        wanted = f"{expect.appointment.weekday} {expect.appointment.time}"
        zone = ZoneInfo(one.time_zone)
        booked = [f"{start.astimezone(zone):%A %H:%M}".lower() for start in one.appointments]
        yield judged("appointment", booked == [wanted], wanted, ", ".join(booked) or "none")
    if expect.do_not_call is not None:
        yield judged(
            "do_not_call", one.do_not_call == expect.do_not_call, expect.do_not_call, one.do_not_call
        )
    if expect.rings is not None:
        yield judged("rings", one.rings == expect.rings, expect.rings, one.rings)
    if expect.tools:
        used = [str(data["name"]) for data in one.of("tool_used") if data["ok"]]
        missing = [name for name in expect.tools if name not in used]
        yield judged("tools", not missing, ", ".join(expect.tools), ", ".join(used) or "none")


def _of_words(expect: Expect, one: Outcome, judged: Any) -> Iterator[Grade]:
    for what, words, lines in (
        ("agent_says", expect.agent_says, one.agent_lines),
        ("caller_said", expect.caller_said, one.caller_lines),
        ("heard", expect.heard, one.heard),
    ):
        spoken = plain(" ".join(lines))
        missing = [text for text in words if plain(text) not in spoken]
        if words:
            yield judged(
                what, not missing, "; ".join(words), f"missing: {'; '.join(missing)}" if missing else "all"
            )
    if expect.agent_never_says:
        spoken = plain(" ".join(one.agent_lines))
        said = [text for text in expect.agent_never_says if plain(text) in spoken]
        yield judged(
            "agent_never_says", not said, "; ".join(expect.agent_never_says), "; ".join(said) or "never"
        )
    for what, limits, count in (
        ("caller_turns", expect.caller_turns, len(one.caller_lines)),
        ("interruptions", expect.interruptions, int(one.ended.get("interruptions", 0))),
    ):
        if limits is not None:
            yield judged(what, limits.least <= count <= limits.most, _between(limits), count)
    if expect.said_at_most is not None:
        turns = [plain(str(data["text"])) for data in one.of("agent_said") if not data["resumed"]]
        text, times = Counter(turns).most_common(1)[0] if turns else ("", 0)
        yield judged("said_at_most", times <= expect.said_at_most, expect.said_at_most, f"{times}: {text}")


def _of_times(scenario: Scenario, outcomes: Sequence[Outcome]) -> Iterator[Grade]:
    expect, found = scenario.expect, timings(outcomes)
    for what, most, value in (
        ("greeting_ms", expect.greeting_ms, found.greeting_worst),
        ("reply_p50_ms", expect.reply_p50_ms, found.reply_p50),
        ("reply_p95_ms", expect.reply_p95_ms, found.reply_p95),
        ("interruption_ms", expect.interruption_ms, found.interruption_worst),
    ):
        if most is None:
            continue
        measured = "nothing was measured" if value is None else f"{value:g} ms"
        yield Grade(what, value is not None and value <= most, f"{most} ms at most", measured)
    if expect.worst_gap_ms is not None:
        # While our own clock was late, nobody listened: a gap shorter than that is no gap of the agent's.
        beyond = max((one.worst_gap_ms - one.lag_ms for one in outcomes), default=0.0)
        measured = f"{found.worst_gap:g} ms"
        yield Grade(
            "worst_gap_ms", beyond <= expect.worst_gap_ms, f"{expect.worst_gap_ms} ms at most", measured
        )
    meant = sum(step.deed is Deed.INTERRUPTS for step in scenario.steps) * len(outcomes)
    if expect.interruption_ms is not None and meant:
        heeded = sum(len(one.figures.interruption_ms) for one in outcomes)
        yield Grade("heeded", heeded >= meant, f"{meant} interruptions", str(heeded))


def _whole(events: Sequence[dict[str, Any]]) -> bool:
    """Return whether a record has each of its events once, from the first to the end."""
    numbers = [event["sequence"] for event in events]
    return bool(events) and numbers == list(range(1, len(events) + 1)) and events[-1]["kind"] == "ended"


def _frames(one: Outcome) -> tuple[bool, str, str]:
    account = one.ended.get("frames_in") or {}
    received = int(account.get("received", 0))
    dropped: dict[str, int] = account.get("dropped", {})
    known = int(account.get("forwarded", 0)) + sum(dropped.values())
    reasons = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
    return (
        received == known,
        "every frame accounted for",
        f"{known} of {received}; dropped: {reasons or 'none'}",
    )


def _between(limits: Count) -> str:
    return f"{limits.least} to {limits.most}" if limits.most < Count().most else f"{limits.least} or more"


def _state_of(one: Outcome) -> str:
    if not one.finalized:
        return f"{one.state or 'no call'}, not written to its end; is a worker running?"
    return f"{len(one.events)} events"
