"""What does a live call cost, how many fit on a core, and how smooth are they? Ours beside Pipecat.

The same cascade on Silero, with ears, model and voice that answer at once; Twilio's wire; frames of 20 ms in
real time from a process of its own. The server has one processor, the load another. First at equal
numbers of calls, then each system up to its own limit: the most calls at which the 99th percentile of
replies stays within 1.25 times that of one call and no answer has a hole over 20 ms at the carrier's
ear. Before them the floor: the same wire with nothing around it. Last line: one JSON object.

    python benchmarks/media.py [--only NAMES] [--calls 1,10,25] [--seconds 18] [--no-limits]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.calls_load import quantiles
from harness.calls_report import lines, ratios
from harness.calls_script import composed
from harness.calls_server import PEERS_PYTHON, System, load, serving
from harness.processes import Failed

_PYTHON = Path(sys.executable)
_VOICE = "en-us+klatt4"
_STEPS = {
    "ours": (50, 100, 150, 200, 250, 300),
    "pipecat": (5, 10, 15, 20, 25, 30),
    "pipecat-default": (2, 5, 8),
}
_BOUND = 1.25
_LOAD_LATE_MS = 10.0
"""Where the load's own 99th percentile is later than this, its figures are not the server's."""
_BUILT = 20
SYSTEMS = {
    "floor-starlette": System("floor-starlette", "calls_floor", "/media", _PYTHON, ("starlette",)),
    "floor": System("floor", "calls_floor", "/media", _PYTHON, ("direct",)),
    "floor-judged": System("floor-judged", "calls_floor", "/media", _PYTHON, ("judged",)),
    "floor-one-by-one": System("floor-one-by-one", "calls_floor", "/media", _PYTHON, ("one-by-one",)),
    "ours": System("ours", "calls_ours", "/media", _PYTHON),
    "pipecat": System("pipecat", "calls_pipecat", "/media", PEERS_PYTHON, ("lean",)),
    "pipecat-default": System("pipecat-default", "calls_pipecat", "/media", PEERS_PYTHON, ("default",)),
}


class Bench:
    """One run over the chosen systems."""

    def __init__(self, home: Path, seconds: float) -> None:
        self._home = home
        self._seconds = seconds
        self._script = home / "script.json"
        script = composed(_VOICE)
        script.save(self._script)
        self.figures: dict[str, Any] = {"speech_share": round(script.speech_share, 2), "systems": {}}

    def hold(self, system: System, calls: int) -> dict[str, Any]:
        """Hold this many calls on a fresh server."""
        with serving(system, self._home / f"{system.name}.log") as running:
            figures = load(system, running, calls=calls, seconds=self._seconds, script=self._script)
        for name in ("decision_to_clear_ms", "decision_to_clear_work_ms"):
            if running.told.get(name):
                figures[name] = quantiles(running.told[name])
        figures["load_was_late"] = figures["load_late_ms"].get("p99", 0.0) > _LOAD_LATE_MS
        print(f"{system.name:>16}: {json.dumps(figures)}", file=sys.stderr, flush=True)
        return figures

    def built(self, system: System) -> dict[str, float]:
        """Return for how long the loop is blocked where a call is built, in milliseconds."""
        probed = System(system.name, system.module, system.path, system.python, (*system.arguments, "probe"))
        with serving(probed, self._home / f"{system.name}.log") as running:
            load(probed, running, calls=_BUILT, seconds=1.0, script=self._script)
        return quantiles(running.told["blocked_ms"])

    def equal(self, system: System, numbers: list[int]) -> None:
        """Measure a system at numbers of calls that all are measured at."""
        of_system = self.figures["systems"].setdefault(system.name, {})
        of_system["at"] = {str(calls): self.hold(system, calls) for calls in numbers}
        if system.module != "calls_floor":
            of_system["blocked_ms_to_build"] = self.built(system)

    def limit(self, system: System) -> None:
        """Find the most calls that a system holds within the bound."""
        of_system = self.figures["systems"][system.name]
        alone = of_system["at"].get("1") or self.hold(system, 1)
        of_system["limit"] = 0
        for calls in _STEPS[system.name]:
            figures = of_system["at"].get(str(calls)) or self.hold(system, calls)
            of_system["at"][str(calls)] = figures
            of_system["stopped_by"] = self._over(figures, alone)
            if of_system["stopped_by"]:
                return
            of_system["limit"] = calls

    @staticmethod
    def _over(figures: dict[str, Any], alone: dict[str, Any]) -> str:
        """Say which bound is broken; empty: none is."""
        if figures["load_was_late"]:
            return "the load was late"
        if figures["gaps_over_20_ms"]:
            return f"{figures['gaps_over_20_ms']} holes over 20 ms, the worst of {figures['worst_gap_ms']} ms"
        if figures["unanswered"] or figures["not_cleared"] or figures["frames_to_lost_sockets"]:
            return "turns were missed"
        if figures["reply_ms"]["p99"] > _BOUND * alone["reply_ms"]["p99"]:
            return f"replies took {figures['reply_ms']['p99']} ms, {alone['reply_ms']['p99']} ms of one call"
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", help=f"some of {', '.join(SYSTEMS)}")
    parser.add_argument("--calls", default="1,10,25", help="numbers of calls that all are measured at")
    parser.add_argument("--seconds", type=float, default=36.0)
    parser.add_argument("--no-limits", action="store_true")
    parser.add_argument(
        "--slow", type=float, default=1.0, help="on a busy machine: seconds that one takes; cost only"
    )
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(SYSTEMS)
    if unknown := [name for name in names if name not in SYSTEMS]:
        raise SystemExit(f"there is no {', '.join(unknown)}; there are {', '.join(SYSTEMS)}")
    if options.slow != 1:
        os.environ["BENCH_SLOW"] = str(options.slow)
        if any(name.startswith("pipecat") for name in names) or not options.no_limits:
            raise SystemExit("--slow goes with --no-limits, and not with Pipecat, which keeps its own time")
    numbers = [int(number) for number in options.calls.split(",")]
    if any(SYSTEMS[name].python == PEERS_PYTHON for name in names) and not os.access(PEERS_PYTHON, os.X_OK):
        raise SystemExit(
            f"Pipecat is not installed in {PEERS_PYTHON.parents[1]}: run `make bench`, or --only ours"
        )
    with tempfile.TemporaryDirectory(prefix="trunkline-media-") as home:
        bench = Bench(Path(home), options.seconds)
        try:
            for name in names:
                bench.equal(SYSTEMS[name], numbers)
                if name in _STEPS and not options.no_limits:
                    bench.limit(SYSTEMS[name])
        except Failed as failure:
            log = "".join(path.read_text()[-2_000:] for path in Path(home).glob("*.log"))
            raise SystemExit(f"{failure}\n{log}") from failure
    bench.figures["ratios"] = ratios(bench.figures["systems"])
    print("\n".join(lines(bench.figures)))
    print(json.dumps(bench.figures))


if __name__ == "__main__":
    main()
