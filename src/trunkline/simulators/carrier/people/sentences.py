"""The language of the two sides: what the agent may say and what it means, and what people answer.

Data only. The left column is what recognition listens for, so it must stand here word for word as
the agent's script speaks it, in lower case and without punctuation.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from trunkline.providers.local_speech import tuning
from trunkline.providers.ports import Grammar, Voice
from trunkline.simulators.carrier.people.wishes import FIRST_HOUR, LAST_HOUR, WEEKDAYS

LANGUAGE = "en"
VOICES = tuple(
    Voice(LANGUAGE, f"en-us+{variant}", tuning.WORDS_PER_MINUTE)
    for variant in ("klatt3", "klatt4", "klatt5", "adam")
)
"""Those whose every answer was understood through the line as it is here: 1 in 70 refused at most."""


class Asked(enum.StrEnum):
    """What a sentence of the agent wants or tells; the names stand in the book."""

    INTEREST = "ask_interest"
    DAY = "ask_day"
    CONFIRM_DAY = "confirm_day"
    HOUR = "ask_hour"
    CONFIRM_HOUR = "confirm_hour"
    HALF = "ask_half"
    CONFIRM_HALF = "confirm_half"
    SLOT_TAKEN = "slot_taken"
    CLOSED = "closed"
    BOOKED = "booked"
    NOT_UNDERSTOOD = "not_understood"
    GOODBYE = "goodbye"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`value` is the weekday, the hour (`9` to `16`) or the half (`0` or `30`) that is to be confirmed."""

    asked: Asked
    value: str = ""


QUESTIONS = frozenset(
    {
        Asked.INTEREST,
        Asked.DAY,
        Asked.CONFIRM_DAY,
        Asked.HOUR,
        Asked.CONFIRM_HOUR,
        Asked.HALF,
        Asked.CONFIRM_HALF,
    }
)

_HOUR_WORDS = {
    9: "nine",
    10: "ten",
    11: "eleven",
    12: "twelve",
    13: "one",
    14: "two",
    15: "three",
    16: "four",
}
_HALF_WORDS = {False: "on the hour", True: "half past"}

_DAYS = [(Meaning(Asked.CONFIRM_DAY, day), day) for day in WEEKDAYS]
_HOURS = [
    (Meaning(Asked.CONFIRM_HOUR, str(hour)), f"{_HOUR_WORDS[hour]} o'clock")
    for hour in range(FIRST_HOUR, LAST_HOUR + 1)
]
_HALVES = [(Meaning(Asked.CONFIRM_HALF, "30" if half else "0"), words) for half, words in _HALF_WORDS.items()]

AGENT_SAYS: dict[str, Meaning] = {
    "would you like to book an appointment": Meaning(Asked.INTEREST),
    "which day of the week would you like": Meaning(Asked.DAY),
    "which hour of the day would you like": Meaning(Asked.HOUR),
    "would you like it on the hour or at half past": Meaning(Asked.HALF),
    **{f"did you say {words}": meaning for meaning, words in [*_DAYS, *_HOURS, *_HALVES]},
    "sorry that time is already taken": Meaning(Asked.SLOT_TAKEN),
    "sorry we are closed at that time": Meaning(Asked.CLOSED),
    "sorry i did not understand that": Meaning(Asked.NOT_UNDERSTOOD),
    "your appointment is booked": Meaning(Asked.BOOKED),
    "goodbye": Meaning(Asked.GOODBYE),
    # What needs no answer stands here so that it is not taken for something else.
    **dict.fromkeys(
        (
            "hello",
            "are you still there",
            "you can also press one for yes or two for no",
            "you can also press a number from one for monday to five for friday",
            "you can also type the hour with two digits such as zero nine or one four",
            "you can also press one for the full hour or two for the half hour",
            "thank you for your time",
            "thank you for calling",
            "i understand we will not call you again",
            "of course we will call you another time",
            "we will call you again",
            "sorry i cannot book that right now",
            "someone will call you back",
            "i cannot hear you",
            "sorry we do not seem to understand each other",
        ),
        Meaning(Asked.OTHER),
    ),
}

HEARING = Grammar(tuple(AGENT_SAYS))


class Words:
    """What people say."""

    YES = "yes"
    NO = "no"
    REFUSAL = "no thank you"
    LATER = "call me later"
    OPT_OUT = "don't call me again"
    AGAIN = "please repeat that"
    OFFICE = "hello this is the office"
    OFFICE_BYE = "that is all goodbye"
    ANYBODY = "hello"
    INTERRUPTIONS = ("what did you say", "please repeat that")
    """What somebody says who will not wait for the end of a sentence, one after the other."""
    VOICEMAIL = (
        "Hello. You have reached my voicemail. I can not take your call right now. "
        "Please leave a message after the tone."
    )


class Keys:
    """What people press."""

    YES = "1"
    NO = "2"


def understand(heard: str) -> Meaning | None:
    """Return what a recognised sentence means; None for words that mean nothing to us."""
    return AGENT_SAYS.get(heard)


def spoken_day(weekday: str) -> str:
    return f"{weekday} please"


def spoken_hour(hour: int) -> str:
    return f"{_HOUR_WORDS[hour]} o'clock"


def spoken_half(half: bool) -> str:
    # With its preposition: bare, it is too short for recognition to be sure of.
    return f"at {_HALF_WORDS[half]}" if half else _HALF_WORDS[half]


def keyed_day(weekday: str) -> str:
    return str(WEEKDAYS.index(weekday) + 1)


def keyed_hour(hour: int) -> str:
    return f"{hour:02d}"


def keyed_half(half: bool) -> str:
    return "2" if half else "1"
