"""Who is in the demo: two businesses, their agents, and the people whom they call and who call them.

People are known by their number alone. Numbers are those reserved for fiction (555-01xx).
"""

from __future__ import annotations

from dataclasses import dataclass, field

ALL_DAY = {"from": "00:00", "to": "24:00"}
"""The calling window of the demo's businesses, so that it works at any hour."""

TOOLS = ["find_free_slots", "book_appointment", "do_not_call", "request_callback"]


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can be called; the persona is known to the carrier alone."""

    number: str
    persona: str


@dataclass(frozen=True, slots=True)
class DemoBusiness:
    """A business of the demo."""

    name: str
    time_zone: str
    email: str
    number: str
    leads: tuple[DemoPerson, ...]
    callers: tuple[DemoPerson, ...] = field(default=())
    """People who call the business."""


def _leads(exchange: str, personas: str) -> tuple[DemoPerson, ...]:
    return tuple(
        DemoPerson(f"+1{exchange}555{100 + index:04d}", persona)
        for index, persona in enumerate(personas.split())
    )


BUSINESSES = (
    DemoBusiness(
        name="Harbour Dental",
        time_zone="America/New_York",
        email="owner@harbour.example",
        number="+12125550190",
        leads=_leads(
            "212", "interested keypad busy interrupts refuses interested opts_out no_answer keypad later"
        ),
        callers=(DemoPerson("+12125550170", "interested"), DemoPerson("+12125550171", "keypad")),
    ),
    DemoBusiness(
        name="Summit Fitness",
        time_zone="America/Chicago",
        email="owner@summit.example",
        number="+13125550190",
        leads=_leads(
            "312", "keypad interested voicemail later interested refuses keypad busy silent opts_out"
        ),
        callers=(DemoPerson("+13125550170", "interested"),),
    ),
)

NOBODYS_NUMBER = "+14155550199"
"""One of the carrier's numbers that no business has: a call to it must be rejected."""
