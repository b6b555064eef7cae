"""What the local carrier is started with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from trunkline.simulators.carrier.people.personas import Person, Persona


@dataclass(frozen=True, slots=True)
class Number:
    """One of our numbers, as it is configured at the carrier."""

    number: str
    voice_url: str
    status_url: str = ""


@dataclass(frozen=True, slots=True)
class InboundPlan:
    """A call that a person will make to us, `after_s` seconds after the start."""

    from_: str
    to: str
    persona: Persona
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CarrierOptions:
    """`account_sid` and `auth_token` are the carrier's side of the credentials that we dial with."""

    account_sid: str
    auth_token: str
    host: str = "127.0.0.1"
    port: int = 0
    """0 lets the system choose; the chosen one is logged and handed to `on_ready`."""
    people: tuple[Person, ...] = ()
    numbers: tuple[Number, ...] = ()
    inbound: tuple[InboundPlan, ...] = ()
    seed: int | None = None
    """Of everything drawn at random; None takes it from the operating system."""
    muted: bool = False
    """People's voices are silence of the same length, and their keys make no signal."""
    realtime: bool = True
    """False skips the waits that carry no audio: ringing, `<Say>`, `<Pause>`. Audio keeps its pace."""
    calls_per_second: float | None = None
    """Pace of dialling; orders beyond it stay queued. None dials at once."""
    book_file: Path | None = None
    """Where each fact is also appended as a JSON line."""


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """The contents of a people file: `{"people": [{number, persona, name?}], "numbers": [{number,
    voice_url, status_url?}], "calls": [{from, to, persona, after_s?}]}`; every key may be missing."""

    people: tuple[Person, ...] = ()
    numbers: tuple[Number, ...] = ()
    inbound: tuple[InboundPlan, ...] = ()


def read_people_file(path: Path) -> PeopleFile:
    """Raises ValueError or KeyError, naming what is wrong, on a file of another shape."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return PeopleFile(
        people=tuple(
            Person(row["number"], Persona(row["persona"]), row.get("name", ""))
            for row in content.get("people", ())
        ),
        numbers=tuple(
            Number(row["number"], row["voice_url"], row.get("status_url", ""))
            for row in content.get("numbers", ())
        ),
        inbound=tuple(
            InboundPlan(row["from"], row["to"], Persona(row["persona"]), float(row.get("after_s", 0.0)))
            for row in content.get("calls", ())
        ),
    )
