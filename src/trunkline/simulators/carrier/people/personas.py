"""Who can be rung: kinds of people, and the demo's cast."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import cycle, islice


class Persona(enum.StrEnum):
    """How somebody behaves on the telephone."""

    INTERESTED = "interested"
    """Books the half-hour they wish for, speaking."""
    KEYPAD = "keypad"
    """The same, but presses keys where the agent asks for a day or a time."""
    INTERRUPTS = "interrupts"
    """Interested, and talks over the agent."""
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VOICEMAIL = "voicemail"
    """A machine: a spoken greeting, a beep, then it listens."""
    REFUSES = "refuses"
    LATER = "later"
    """Asks to be called later."""
    OPTS_OUT = "opts_out"
    """Asks never to be called again."""
    SILENT = "silent"
    """Picks up and says nothing."""
    COLLEAGUE = "colleague"
    """Works for the business: says hello, takes a call that is offered (key 1), talks for a while."""
    BUSY_COLLEAGUE = "busy_colleague"
    """The same, but declines what is offered (key 2)."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a telephone; `name` is for the reader of a people file."""

    number: str
    persona: Persona
    name: str = ""


_CAST = (
    Persona.INTERESTED,
    Persona.KEYPAD,
    Persona.BUSY,
    Persona.INTERRUPTS,
    Persona.VOICEMAIL,
    Persona.INTERESTED,
    Persona.REFUSES,
    Persona.LATER,
    Persona.NO_ANSWER,
    Persona.OPTS_OUT,
    Persona.INTERESTED,
    Persona.SILENT,
)


def demo_population(size: int = len(_CAST)) -> tuple[Person, ...]:
    """Return the demo's people, up to 100, at numbers that are reserved for fiction."""
    if not 0 <= size <= 100:
        raise ValueError("there are 100 numbers for fiction in this exchange")
    cast = islice(cycle(_CAST), size)
    return tuple(
        Person(f"+1202555{100 + index:04d}", persona, f"Person {index + 1}")
        for index, persona in enumerate(cast)
    )
