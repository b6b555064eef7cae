"""What came of simulated calls, for a person at a terminal and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trunkline.sim.grades import Grade, Outcome, timings
from trunkline.sim.scenario import Scenario
from trunkline.sim.words import Language, word

_BAD, _GOOD = "bold red", "green"


@dataclass(frozen=True, slots=True)
class Held:
    """A scenario that was held, and judged."""

    scenario: Scenario
    business_id: str
    outcomes: list[Outcome]
    grades: list[Grade]
    played_by: str = ""
    """The language model that played the caller, if one did."""

    @property
    def holds(self) -> bool:
        """Return whether every grade does."""
        return all(grade.holds for grade in self.grades)


def as_json(held: Sequence[Held]) -> dict[str, Any]:
    """Return everything as JSON data: per scenario its grades, times, and calls with their transcripts."""
    return {
        "holds": all(one.holds for one in held),
        "grades": sum(len(one.grades) for one in held),
        "failed": sum(not grade.holds for one in held for grade in one.grades),
        "scenarios": [
            {
                "scenario": one.scenario.name,
                "about": one.scenario.about,
                "direction": one.scenario.direction,
                "played_by": one.played_by,
                "practice_business": one.business_id,
                "holds": one.holds,
                "grades": [asdict(grade) for grade in one.grades],
                "timings_ms": asdict(timings(one.outcomes)),
                "calls": [_call(outcome) for outcome in one.outcomes],
            }
            for one in held
        ],
    }


def _call(one: Outcome) -> dict[str, Any]:
    return {
        "sid": one.sid,
        "phone": one.phone,
        "disposition": one.disposition,
        "end_reason": one.end_reason,
        "ended_by": one.ended_by,
        "appointments": [start.isoformat() for start in one.appointments],
        "do_not_call": one.do_not_call,
        "rings": one.rings,
        "times_ms": asdict(one.figures),
        "gaps": one.gaps,
        "worst_gap_ms": one.worst_gap_ms,
        "callers_lag_ms": one.lag_ms,
        "frames_in": one.ended.get("frames_in"),
        "frames_out": one.ended.get("frames_out"),
        "transcript": transcript(one),
        "callers_ear": one.heard,
        "callers_mouth": one.said,
        "troubles": one.of("trouble"),
        "errors": one.errors,
    }


def transcript(one: Outcome) -> list[dict[str, str]]:
    """Return who said what by the record: of the agent, what was heard of it."""
    lines = []
    for event in one.events:
        data = event["data"]
        match event["kind"]:
            case "agent_said":
                lines.append(
                    {"who": "agent", "words": str(data.get("heard_text") or ""), "meant": data["text"]}
                )
            case "caller_said":
                lines.append({"who": "caller", "words": str(data["text"] or f"({data['kind']})")})
            case "digits":
                lines.append({"who": "caller", "words": f"[{data['digits']}]"})
    return lines


def show(console: Console, held: Sequence[Held], language: Language) -> None:
    """Print what came of every scenario, and of those that do not hold one call in full."""

    def say(term: str, **names: object) -> str:
        return word(term, language, **names)

    for one in held:
        _show_grades(console, one, language)
        _show_times(console, one, language)
        bad = {grade.sid for grade in one.grades if not grade.holds and grade.sid}
        for outcome in one.outcomes:
            if outcome.sid in bad:
                console.print(Text(say("one_call", name=one.scenario.name), style="bold"))
                console.print(_transcript(outcome, language))
                # What a caller answers goes by their own ear, which may have made out something else.
                ear = " / ".join(outcome.heard) or say("nothing")
                console.print(Text(f"{say('heard')}: {ear}", style="dim"))
                break
    failed = sum(not grade.holds for one in held for grade in one.grades)
    total = sum(len(one.grades) for one in held)
    verdict = say("verdict_failed", failed=failed, total=total) if failed else say("verdict_held")
    console.print(Text(verdict, style=_BAD if failed else _GOOD))


def _show_grades(console: Console, one: Held, language: Language) -> None:
    size = len(one.outcomes)
    held = word("one_held" if size == 1 else "many_held", language, count=size)
    title = f"{one.scenario.name}: {one.scenario.about.strip()} ({held})"
    table = Table(*(word(term, language) for term in ("grade", "expected", "found")), "", title=title)
    for what in dict.fromkeys(grade.what for grade in one.grades):
        rows = [grade for grade in one.grades if grade.what == what]
        bad = [grade for grade in rows if not grade.holds]
        shown = (bad or rows)[0]
        count = f" ({len(bad)}/{len(rows)})" if bad and len(rows) > 1 else ""
        verdict = Text(word("failed", language) + count, style=_BAD) if bad else Text(
            word("held", language), style=_GOOD
        )  # fmt: skip
        table.add_row(word(what, language), Text(shown.expected), Text(shown.found), verdict)
    console.print(table)


def _show_times(console: Console, one: Held, language: Language) -> None:
    found = timings(one.outcomes)

    def ms(*values: float | None) -> str:
        if all(value is None for value in values):
            return word("none", language)
        return f"{' / '.join(f'{value:.0f}' for value in values if value is not None)} {word('ms', language)}"

    table = Table.grid(padding=(0, 2))
    table.add_row(word("greeting", language), ms(found.greeting_worst))
    table.add_row(word("reply", language), ms(found.reply_p50, found.reply_p95))
    table.add_row(word("interruption", language), ms(found.interruption_worst))
    table.add_row(word("gap", language), ms(found.worst_gap))
    console.print(table)
    lag = max((outcome.lag_ms for outcome in one.outcomes), default=0.0)
    console.print(Text(word("lag", language, ms=f"{lag:.0f}"), style="dim"))


def _transcript(outcome: Outcome, language: Language) -> Table:
    table = Table.grid(padding=(0, 2))
    for line in transcript(outcome):
        table.add_row(word(line["who"], language), Text(line["words"]))
    return table
