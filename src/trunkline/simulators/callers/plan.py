"""What a caller is going to do: plain data that a scenario is read into."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from trunkline.providers.ports import Voice


class Deed(enum.StrEnum):
    """What a step of a caller's may be; its argument is said with each."""

    SAYS = "says"
    """Words."""
    INTERRUPTS = "interrupts"
    """Words, over what the agent is saying."""
    WAITS = "waits"
    """`agent`: until it has finished a turn; or seconds."""
    KEYS = "keys"
    """Keys of the telephone, one after another."""
    SOUNDS = "sounds"
    """A noise that is no speech: see NoiseKind."""
    GOES_SILENT = "goes_silent"
    """Seconds without a word, whatever the agent asks."""
    STOPS_SENDING = "stops_sending"
    """Seconds for which no audio of the caller's reaches the carrier."""
    CONVERSES = "converses"
    """Answers by the plan until the agent says this; empty: until the call is over."""
    HANGS_UP = "hangs_up"
    DROPS_THE_LINE = "drops_the_line"
    """The line breaks off without a word."""


class NoiseKind(enum.StrEnum):
    """Noises that a caller may make, or that their line carries."""

    HUM = "hum"
    COUGH = "cough"
    BEEP = "beep"
    RING = "ring"
    TYPING = "typing"
    MUSIC = "music"


@dataclass(frozen=True, slots=True)
class CallerStep:
    """One deed. `value` is text or seconds, as `Deed` says."""

    deed: Deed
    value: str | float = ""
    after_s: float | None = None
    """Begin once the agent has been speaking for so long; None: at once, of an interruption 1.2 s."""


@dataclass(frozen=True, slots=True)
class CallerAnswer:
    """What the caller does when the agent says something that contains `when`."""

    when: str
    says: tuple[str, ...] = ()
    """One after another each time it is asked; the last one for ever."""
    keys: str = ""
    then: str = ""
    """`hangs_up` or `drops_the_line`, after that."""


@dataclass(frozen=True, slots=True)
class Line:
    """How the caller's telephone line sounds; levels in decibels, of noise below full scale."""

    loudness: float = 0.45
    """Of the voice, as a factor."""
    noise_db: float | None = None
    echo_db: float | None = None
    """How much softer the agent's own voice comes back; None: not at all."""
    echo_ms: int = 120


@dataclass(frozen=True, slots=True)
class CallerPlan:
    """One caller."""

    kind: str
    """What the book calls them: the scenario's name."""
    language: str = "en"
    voice: Voice = field(default_factory=lambda: Voice("en", "en-us+klatt4", 150))
    line: Line = field(default_factory=Line)
    ring_s: float = 1.0
    """Before they answer; infinite for somebody who does not."""
    steps: tuple[CallerStep, ...] = ()
    answers: tuple[CallerAnswer, ...] = ()
    hears: tuple[str, ...] = ()
    """What else the agent may say: local recognition hears nothing but what it is told to expect."""
    farewells: tuple[str, ...] = ("goodbye",)
    """Upon which the caller lets the agent hang up."""
    again: str = "please repeat that"
    """Said to what was not understood; empty: nothing."""
    patience_s: float = 12.0
    """Silence of the agent after which the caller asks whether anybody is there, and then hangs up."""
    persona: str = ""
    """Of a caller whom a language model plays: who they are and what they want. Then steps come first."""
    turns: int = 40
    """How many turns a caller with a persona takes part in before they put the telephone down."""
    stays_s: float = 300.0
    """How long such a caller talks at most."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything that the caller can make out of the agent's words."""
        until = (str(step.value) for step in self.steps if step.deed is Deed.CONVERSES and step.value)
        found = (*(answer.when for answer in self.answers), *until, *self.hears, *self.farewells)
        return tuple(dict.fromkeys(found))
