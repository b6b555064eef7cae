"""The dialler's benchmark runs, and the day that it simulates keeps the rules; its times mean nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "dialling.py"


def run_quick(folder: Path, parts: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, str(_BENCHMARK), "--quick", "--only=ours", f"--parts={parts}", f"--folder={folder}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    figures: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return figures


@pytest.mark.timeout(320)
def test_claims_are_timed_with_an_empty_past_and_a_full_one(tmp_path: Path) -> None:
    claims = run_quick(tmp_path, "claims")["claims"]
    for past in ("0", str(claims["history"])):
        for claimers in ("1", "2"):
            timed = claims["by_history"][past][claimers]["ours"]
            assert 0 < timed["p50_ms"] <= timed["p99_ms"]
    assert claims["profile"]["round_trips"] > 1


@pytest.mark.timeout(320)
def test_the_day_fills_its_lines_and_breaks_no_rule(tmp_path: Path) -> None:
    day = run_quick(tmp_path, "day")["day"]
    assert day["faults"] == {}
    assert day["dials"] > 50
    assert day["most_live"] <= day["account_lines"]
    assert day["slot_use"] > 0.9
