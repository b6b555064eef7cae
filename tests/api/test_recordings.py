"""Recordings of calls: kept by a job, played from any moment on, and only there when they are whole."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.recorded import leave_recording
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.core.events import Event
from trunkline.core.jobs import cancel_job
from trunkline.core.jobs.models import Job, JobState
from trunkline.core.storage import Storage, installed_storage
from trunkline.domain.calls import service as calls
from trunkline.domain.recordings import service as recordings
from trunkline.kit import clock, wav
from trunkline.web.recorded import Recorded


@pytest.fixture
def owner(acme: World, visitor: TestClient) -> TestClient:
    """Acme's owner, signed in."""
    sign_in(visitor, acme.email)
    return visitor


@pytest.fixture
def call_id(acme: World) -> UUID:
    """A call that has ended and was recorded; its file is on its way."""
    with unit_of_work(acme.scope) as session:
        call = calls.open_call(
            session, acme.business_id, sid="CA1", direction="inbound", ours=acme.number,
            theirs="+12125550101", agent_id=acme.agent_id, lead_id=None,
        )  # fmt: skip
        calls.spend_media_token(session, acme.business_id, call.id)
        recordings.note_begun(session, acme.business_id, call.id, 1)
        calls.finalize(session, acme.business_id, call.id, end_reason="goodbye", disposition="booked")
        return call.id


async def _at_once(work: object) -> None: ...


def look() -> Recorded:
    """Let a process look at what waits."""
    recorded = Recorded(installed_storage().incoming(recordings.INCOMING), _at_once)
    recorded.look()
    return recorded


def test_a_recording_is_kept_and_played_from_any_moment_on(
    owner: TestClient, acme: World, call_id: UUID, installation: Installation
) -> None:
    path = f"/api/calls/{call_id}/recording"
    coming = owner.get(path)
    assert (coming.status_code, coming.headers["Retry-After"]) == (202, "2")
    assert owner.get(f"{path}s").json()[0]["state"] == "coming"
    began_at = clock.now() - timedelta(minutes=1)
    file = leave_recording(acme.business_id, call_id, seconds=2.0, began_at=began_at)
    sound = file.read_bytes()
    recorded = look()
    recorded.look()
    assert installation.run_jobs("recordings") == 1, "one file is kept by one job"
    assert not file.exists()
    (row,) = owner.get(f"{path}s").json()
    assert (row["leg"], row["state"], row["duration_ms"]) == (1, "kept", 2_000)
    assert abs(datetime.fromisoformat(row["began_at"]) - began_at) < timedelta(milliseconds=1)
    caller, agent = row["peaks"]["caller"], row["peaks"]["agent"]
    assert len(caller) == len(agent) == 40
    assert (min(caller[:20]), max(caller[20:])) == (98, 0)
    assert (max(agent[:20]), min(agent[20:]), max(agent)) == (0, 49, 49)
    whole = owner.get(path)
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/wav", sound)
    part = owner.get(path, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, sound[1_000:2_000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(sound)}"
    assert owner.get(path, headers={"Range": f"bytes={len(sound)}-"}).status_code == 416
    assert owner.get("/api/calls").json()["calls"][0]["recorded"] is True


def test_who_begins_to_listen_is_on_record_once(
    owner: TestClient, acme: World, call_id: UUID, installation: Installation
) -> None:
    leave_recording(acme.business_id, call_id)
    look()
    installation.run_jobs("recordings")
    path = f"/api/calls/{call_id}/recording"

    def events() -> list[tuple[str, str, UUID | None]]:
        with unit_of_work(acme.scope) as session:
            rows = session.scalars(
                select(Event).where(Event.kind.startswith("recording.")).order_by(Event.id)
            )
            return [(event.kind, event.actor, event.subject_id) for event in rows]

    kept, played = ("recording.kept", "system", call_id), ("recording.played", acme.email, call_id)
    # Wherever in it they begin.
    for wanted in ("bytes=1-", "bytes=0-", "bytes=9000-9999"):
        assert owner.get(path, headers={"Range": wanted}).status_code == 206
    assert events() == [kept, played]
    with clock.frozen_at(clock.now() + timedelta(minutes=6)):
        answer = owner.get(path, headers={"Range": "bytes=5000-", "If-Range": '"another"'})
        assert answer.status_code == 200
    assert events() == [kept, played, played]


def test_no_browser_plays_a_recording_again_without_asking(
    owner: TestClient, acme: World, call_id: UUID, installation: Installation
) -> None:
    leave_recording(acme.business_id, call_id)
    look()
    installation.run_jobs("recordings")
    path = f"/api/calls/{call_id}/recording"
    assert owner.get(path).headers["cache-control"] == "private, no-cache"
    owner.post("/api/sign-out")
    assert owner.get(path).status_code == 401


def test_what_was_not_recorded_or_never_came_is_not_found(
    owner: TestClient, acme: World, call_id: UUID
) -> None:
    path = f"/api/calls/{call_id}/recording"
    assert owner.get(path, params={"leg": 2}).status_code == 404
    with clock.frozen_at(clock.now() + timedelta(hours=1)):
        assert owner.get(path).status_code == 404
        assert owner.get(f"{path}s").json() == []


def test_a_file_whose_writer_died_is_taken_as_far_as_it_goes(
    owner: TestClient, acme: World, call_id: UUID, installation: Installation
) -> None:
    part = leave_recording(acme.business_id, call_id, seconds=1.5, is_whole=False)
    part = part.rename(part.with_suffix(".part"))
    look()
    assert part.exists(), "somebody may yet write to it"
    old = time.time() - 3_600
    os.utime(part, (old, old))
    look().look()
    assert installation.run_jobs("recordings") == 1
    assert owner.get(f"/api/calls/{call_id}/recordings").json()[0]["duration_ms"] == 1_500
    path = installation.home / "storage" / f"recordings/{acme.business_id}/{call_id}/1.wav"
    assert wav.read(path).is_whole


def test_a_file_that_cannot_be_kept_is_asked_for_more_and_more_seldom(
    acme: World, call_id: UUID, installation: Installation
) -> None:
    file = leave_recording(acme.business_id, call_id)
    at = 0.0
    recorded = Recorded(installed_storage().incoming(recordings.INCOMING), _at_once, now=lambda: at)
    asked_at = []
    # The file stays where it is: its jobs are called off before they do anything.
    for minute in range(5 * 60):
        at = minute * 60.0
        recorded.look()
        with unit_of_work(acme.scope) as session:
            active = session.scalars(select(Job.id).where(Job.state == JobState.QUEUED)).all()
            for job_id in active:
                cancel_job(job_id)
        asked_at += [minute] * len(active)
    assert asked_at[:7] == [0, 1, 3, 7, 15, 31, 63]
    assert {later - earlier for earlier, later in pairwise(asked_at[6:])} == {60}
    file.unlink()


def test_the_file_of_a_call_that_there_is_not_is_set_aside(acme: World, installation: Installation) -> None:
    file = leave_recording(acme.business_id, UUID(int=7))
    look()
    assert installation.run_jobs("recordings") >= 1
    look()
    assert installation.run_jobs("recordings") == 0
    assert not file.exists()
    assert (file.parent / "unknown" / file.name).is_file()


def test_keys_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    (tmp_path / "secret").write_text("x")
    for key in ("../secret", "a/../../secret", "incoming/recordings/x.wav"):
        with pytest.raises(ValueError, match="no key"):
            storage.find(key)
