"""The carrier's own book: every order, every ring, every word, and the verdict on double dials.

Owns the record that tests and the demo judge by. Nothing on the product's side can write here,
and what a person wishes stands here and in that person's mind only.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trunkline.kit.clock import now


@dataclass(slots=True)
class Ring:
    """One time that a person's line was reached; `busy` when it was engaged and made no sound."""

    at: str
    sid: str
    busy: bool


@dataclass(slots=True)
class CallEntry:
    """All that is known of one call. Lists hold dicts with `at` and what their name says."""

    sid: str
    direction: str
    to: str
    from_: str
    persona: str
    answer_url: str
    created_at: str
    answered_at: str | None = None
    ended_at: str | None = None
    ended_by: str | None = None
    statuses: list[dict[str, Any]] = field(default_factory=list)
    twiml: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    keyed: list[dict[str, Any]] = field(default_factory=list)
    understood: list[dict[str, Any]] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    detections: list[dict[str, Any]] = field(default_factory=list)
    recordings: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.statuses[-1]["status"]) if self.statuses else ""


class Book:
    """Append-only while the carrier runs; also one JSON line per fact to `file`, if there is one."""

    def __init__(self, *, seed: int, file: Path | None = None) -> None:
        self.seed = seed
        self.creates: list[dict[str, Any]] = []
        self.rings: dict[str, list[Ring]] = defaultdict(list)
        self.calls: dict[str, CallEntry] = {}
        self.wishes: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.personas: dict[str, str] = {}
        self.started_at = _stamp()
        self._file = file

    # --- Writing -------------------------------------------------------------------------

    def create(self, form: Mapping[str, str], *, sid: str | None, reply: int, fault: str | None) -> None:
        """A create request came; `sid` is None if nothing was placed, `reply` 0 if no reply was sent."""
        entry = {"at": _stamp(), "sid": sid, "reply": reply, "fault": fault, "form": dict(form)}
        self.creates.append(entry)
        self._append("create", entry)

    def opened(self, entry: CallEntry) -> None:
        self.calls[entry.sid] = entry
        self._append("call", {"sid": entry.sid, "to": entry.to, "from": entry.from_})

    def rang(self, number: str, sid: str, *, busy: bool) -> None:
        ring = Ring(_stamp(), sid, busy)
        self.rings[number].append(ring)
        self._append("ring", {"number": number, **asdict(ring)})

    def status(self, sid: str, status: str) -> None:
        self._add(sid, "statuses", status=status)

    def answered(self, sid: str) -> None:
        self.calls[sid].answered_at = _stamp()

    def ended(self, sid: str, *, by: str) -> None:
        self.calls[sid].ended_at = _stamp()
        self.calls[sid].ended_by = by

    def twiml(self, sid: str, verb: str, detail: str) -> None:
        self._add(sid, "twiml", verb=verb, detail=detail)

    def said(self, sid: str, text: str, *, muted: bool) -> None:
        self._add(sid, "said", text=text, muted=muted)

    def keyed(self, sid: str, digits: str, *, muted: bool) -> None:
        self._add(sid, "keyed", digits=digits, muted=muted)

    def understood(self, sid: str, *, heard: str, meaning: str, value: str, confidence: float) -> None:
        self._add(
            sid, "understood", heard=heard, meaning=meaning, value=value, confidence=round(confidence, 3)
        )

    def callback(
        self, sid: str, *, status: str, sequence: int, replies: list[int], fault: str | None
    ) -> None:
        """One status callback was sent; `replies` are the HTTP statuses of its tries, 0 for none."""
        self._add(sid, "callbacks", status=status, sequence=sequence, replies=replies, fault=fault)

    def detected(self, sid: str, *, answered_by: str, took_ms: int, replies: list[int]) -> None:
        """The product was told who has answered; `replies` as with a status callback."""
        self._add(sid, "detections", answered_by=answered_by, took_ms=took_ms, replies=replies)

    def recorded(self, sid: str, recording: str, *, seconds: int, speech_s: float = 0.0) -> None:
        """A recording of the call has ended."""
        self._add(sid, "recordings", recording=recording, seconds=seconds, speech_s=speech_s)

    def error(self, sid: str, code: int, message: str) -> None:
        self._add(sid, "errors", code=code, message=message)

    def media(self, sid: str, **figures: float) -> None:
        self.calls[sid].media.update(figures)

    def wish(self, number: str, sid: str, *, weekday: str, time: str) -> None:
        """The person wishes this half-hour from now on; earlier wishes of theirs are history."""
        entry = {"at": _stamp(), "sid": sid, "weekday": weekday, "time": time}
        self.wishes[number].append(entry)
        self._append("wish", {"number": number, **entry})

    # --- Reading -------------------------------------------------------------------------

    def double_dials(self) -> list[dict[str, Any]]:
        """Every proof that somebody was dialled twice for one reason.

        `overlap`: a line was reached while another call to it was not over. `same_order`: two placed
        orders had the same answer URL, whose query names the attempt. Redials of a later attempt
        are neither.
        """
        found = []
        for number, rings in self.rings.items():
            for before, after in pairwise(rings):
                over = self.calls[before.sid].ended_at
                if before.sid != after.sid and (over is None or _parse(over) > _parse(after.at)):
                    found.append({"kind": "overlap", "number": number, "sids": [before.sid, after.sid]})
        placed = [entry for entry in self.creates if entry["sid"]]
        by_url = defaultdict(list)
        for entry in placed:
            by_url[entry["form"].get("Url", "")].append(entry)
        for url, entries in by_url.items():
            if urlsplit(url).query:
                found.extend(
                    {"kind": "same_order", "number": one["form"].get("To"), "sids": [one["sid"], two["sid"]]}
                    for one, two in combinations(entries, 2)
                )
        return found

    def as_json(self) -> dict[str, Any]:
        """The whole book. `people` has the rings, the wishes and, as `wish`, the one that counts."""
        people = {}
        for number in {*self.rings, *self.wishes, *self.personas}:
            wishes = self.wishes.get(number, [])
            people[number] = {
                "persona": self.personas.get(number),
                "rings": [asdict(ring) for ring in self.rings.get(number, [])],
                "wishes": wishes,
                "wish": wishes[-1] if wishes else None,
            }
        return {
            "seed": self.seed,
            "started_at": self.started_at,
            "creates": self.creates,
            "calls": [{**asdict(call), "status": call.status} for call in self.calls.values()],
            "people": people,
            "double_dials": self.double_dials(),
        }

    def _add(self, sid: str, shelf: str, **facts: object) -> None:
        entry = {"at": _stamp(), **facts}
        getattr(self.calls[sid], shelf).append(entry)
        self._append(shelf, {"sid": sid, **entry})

    def _append(self, kind: str, facts: Mapping[str, object]) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"kind": kind, **facts}) + "\n")


def _stamp() -> str:
    return now().isoformat(timespec="milliseconds")


def _parse(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
