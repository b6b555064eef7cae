"""The dialler's benchmark runs, and the day that it simulates keeps the rules; its times mean nothing here.

The peers are not installed for the tests, so ours is measured alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "dialling.py"

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a quick run says in its last line."""
    folder = tmp_path_factory.mktemp("bench")
    ran = subprocess.run(
        [sys.executable, str(_BENCHMARK), "--quick", "--only=ours", f"--folder={folder}"],
        capture_output=True, text=True, timeout=560, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_claims_are_timed_with_an_empty_past_and_a_full_one(figures: dict[str, Any]) -> None:
    claims = figures["claims"]
    for past in ("0", str(claims["history"])):
        for claimers in ("1", "2"):
            timed = claims["by_history"][past][claimers]["ours"]
            assert 0 < timed["p50_ms"] <= timed["p99_ms"]
    assert claims["profile"]["round_trips"] > 1


def test_the_day_fills_its_lines_and_breaks_no_rule(figures: dict[str, Any]) -> None:
    day = figures["day"]
    assert day["faults"] == {}
    assert day["dials"] > 50
    assert day["most_live"] <= day["account_lines"]
    assert day["slot_use"] > 0.9
