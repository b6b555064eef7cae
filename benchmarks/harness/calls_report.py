"""The figures of the call benchmark as a table and as ratios."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_OURS, _PEER = "ours", "pipecat"
_COLUMNS = (
    "system", "calls", "CPU ms/call-s", "MB", "turns", "answered", "cleared", "reply p50", "p99", "clear p50",
    "holes", "worst ms", "decision-clear p99", "load late p99",
)  # fmt: skip


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """Yield a table of all that was measured."""
    yield f"{figures['speech_share']:.0%} of the callers' time is speech"
    yield " | ".join(_COLUMNS)
    for name, system in figures["systems"].items():
        for at in sorted(system["at"].values(), key=lambda at: at["calls"]):
            yield " | ".join(str(cell) for cell in _cells(name, at))
        if "blocked_ms_to_build" in system:
            blocked = system["blocked_ms_to_build"]
            yield f"{name}: building a call blocks the loop for {blocked} ms"
        if "limit" in system:
            broken = system["stopped_by"] or "no bound was broken"
            yield f"{name}: holds {system['limit']} calls; then {broken}"


def _cells(name: str, at: dict[str, Any]) -> Iterator[object]:
    yield from (name, at["calls"], at["cpu_ms_per_call_second"], at["resident_mb"])
    floor = name.startswith("floor")
    yield from (
        ("-",) * 8
        if floor
        else (
            at["turns"], at["answered"], f"{at['cleared']}/{at['talked_over']}", at["reply_ms"].get("p50"),
            at["reply_ms"].get("p99"), at["clear_ms"].get("p50"), at["gaps_over_20_ms"], at["worst_gap_ms"],
        )
    )  # fmt: skip
    yield from (at.get("decision_to_clear_ms", {}).get("p99", "-"), at["load_late_ms"].get("p99"))


def ratios(systems: dict[str, Any]) -> dict[str, Any]:
    """Return Pipecat's figures in ours: how many times what we need it needs, at equal numbers of calls."""
    if _OURS not in systems or _PEER not in systems:
        return {}
    ours, peer = systems[_OURS], systems[_PEER]
    found: dict[str, Any] = {}
    for calls in sorted(set(ours["at"]) & set(peer["at"]), key=int):
        a, b = ours["at"][calls], peer["at"][calls]
        found[f"cpu_at_{calls}"] = _ratio(b["cpu_ms_per_call_second"], a["cpu_ms_per_call_second"])
    for name, system in (("ours", ours), ("pipecat", peer)):
        found[f"mb_a_call_{name}"] = _mb_a_call(system["at"])
    if "limit" in ours and "limit" in peer:
        found["calls_a_core"] = _ratio(ours["limit"], peer["limit"])
    return found


def _mb_a_call(at: dict[str, Any]) -> float | None:
    """Return what a call adds to the process, from the fewest calls to the most."""
    ordered = sorted(at.values(), key=lambda figures: figures["calls"])
    more = ordered[-1]["calls"] - ordered[0]["calls"]
    return round((ordered[-1]["resident_mb"] - ordered[0]["resident_mb"]) / more, 3) if more else None


def _ratio(theirs: float, ours: float) -> float | None:
    return round(theirs / ours, 2) if ours else None
