"""The demo: real spoken calls, end to end, judged by the carrier's own book."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from support.demo import FinishedDemo, finished_demo
from support.installation import temporary_home


@pytest.mark.timeout(480)
def test_people_are_called_once_and_get_the_appointments_they_asked_for(demo: FinishedDemo) -> None:
    report = demo.report
    assert report["leads"] >= 12
    assert report["inbound_calls"] >= 3
    assert report["appointments_as_wished"] >= 4
    assert report["appointments"] == report["appointments_as_wished"], report["appointment_details"]
    assert report["max_rings_per_number"] == 1
    assert report["double_dials"] == []
    assert report["stuck_items"] == 0
    assert report["unfinished_calls"] == 0
    assert report["call_ids_equal"], (report["call_ids_only_ours"], report["call_ids_only_carriers"])
    assert report["rejected_unknown_number"] == 1
    assert report["turns"] > report["leads"]
    assert report["reply_ms_p50"] < report["reply_ms_p95"]


@pytest.mark.timeout(480)
def test_who_signs_in_as_it_says_is_in_its_business(demo: FinishedDemo) -> None:
    with httpx.Client(base_url=demo.url, headers={"X-Trunkline": "1"}, trust_env=False) as person:
        who = {"email": demo.email, "password": demo.password}
        person.post("/api/sign-in", json=who).raise_for_status()
        assert person.get("/api/business").raise_for_status().json()["name"] == demo.business_name
        assert any(call["disposition"] == "booked" for call in person.get("/api/calls").json()["calls"])


@pytest.mark.timeout(480)
def test_every_way_a_call_can_go_was_seen(demo: FinishedDemo) -> None:
    expected = {"booked", "busy", "no_answer", "voicemail", "declined", "callback_requested", "opted_out"}
    assert expected <= set(demo.report["by_disposition"])


@pytest.mark.timeout(480)
def test_its_api_process_runs_only_the_threads_it_may(demo: FinishedDemo) -> None:
    health = httpx.get(f"{demo.url}/health").raise_for_status().json()
    assert health["role"] == "api"
    assert health["calls"]["live"] == 0
    strangers = [
        name
        for name in health["threads"]
        if not name.startswith(("MainThread", "AnyIO worker thread", "callroom_"))
    ]
    assert strangers == []
    # After the last call nothing of any call is left running.
    assert not [name for name in health["tasks"] if name.startswith("call-")]


@pytest.mark.soak
@pytest.mark.timeout(480)
def test_with_the_people_muted_nobody_gets_an_appointment_and_ctrl_c_leaves_nothing_behind() -> None:
    with temporary_home() as home, finished_demo(home, "--muted") as muted:
        assert muted.report["appointments"] == 0
        assert muted.report["stuck_items"] == 0
        muted.process.send_signal(signal.SIGINT)
        muted.process.wait(60)
        deadline = time.monotonic() + 20
        while left := _processes_of(home):
            assert time.monotonic() < deadline, left
            time.sleep(0.2)


def _processes_of(home: Path) -> list[str]:
    """Return the command lines of processes that have this home in their environment or arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(home).encode() in environment:
            found.append(subprocess.list2cmdline((entry / "cmdline").read_text().split("\0")))
    return found
