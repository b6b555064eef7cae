"""Scenario files: what a caller does and what must come of it, read from YAML.

Owns the shape of the file and the faults it may have, each with its line. What the callers then do is
`simulators.callers`' business, what holds is `grades`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from trunkline.core.errors import StartRefused
from trunkline.kit.faults import in_words
from trunkline.providers.ports import Voice
from trunkline.providers.scripted import READY_MADE
from trunkline.sim.yaml_lines import Located, Unreadable, read
from trunkline.simulators.callers import CallerAnswer, CallerPlan, CallerStep, Deed, Line, NoiseKind

LIBRARY = Path(__file__).parent / "scenarios"
_SECONDS = {Deed.GOES_SILENT, Deed.STOPS_SENDING}
_WORDLESS = {Deed.HANGS_UP, Deed.DROPS_THE_LINE}
_NOBODY_COMES = "never"

Words = Annotated[
    tuple[str, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]
"""One text, or several."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Part):
    """One deed: `says: hello`, or bare `hangs_up`; with `after`, seconds of the agent's speech."""

    deed: Deed
    value: str | float = ""
    after: float | None = Field(None, ge=0, le=600)

    @model_validator(mode="before")
    @classmethod
    def _one_deed(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {value: ""}
        if not isinstance(value, dict):
            raise ValueError("a step is a deed, such as `says: hello`")
        deeds = [key for key in value if key != "after"]
        if len(deeds) != 1:
            raise ValueError("a step has exactly one deed, and perhaps `after`")
        name, argument = deeds[0], value[deeds[0]]
        if name not in set(Deed):
            raise ValueError(f"{name!r} is no deed; there are {', '.join(Deed)}")
        return {"deed": name, "value": _argument(Deed(name), argument), "after": value.get("after")}


def _argument(deed: Deed, argument: Any) -> str | float:
    if deed in _WORDLESS or (deed is Deed.CONVERSES and argument in {"", None}):
        if argument not in {"", None, True}:
            raise ValueError(f"{deed} takes nothing")
        return ""
    if deed in _SECONDS or (deed is Deed.WAITS and argument != "agent"):
        if isinstance(argument, bool) or not isinstance(argument, int | float) or not 0 <= argument <= 600:
            raise ValueError(f"{deed} takes seconds, up to 600{' or `agent`' if deed is Deed.WAITS else ''}")
        return float(argument)
    if not isinstance(argument, str | int) or isinstance(argument, bool) or not str(argument).strip():
        raise ValueError(f"{deed} takes a text")
    if deed is Deed.KEYS and set(str(argument)) - set("0123456789*#"):
        raise ValueError("keys are 0 to 9, * and #; in quotes, so that a zero in front stays")
    if deed is Deed.SOUNDS and argument not in set(NoiseKind):
        raise ValueError(f"{argument!r} is no sound; there are {', '.join(NoiseKind)}")
    return str(argument)


class Answer(_Part):
    """What the caller does when the agent says something with `when` in it."""

    when: str = Field(min_length=1)
    says: Words = ()
    keys: str = Field("", pattern=r"^[0-9*#]*$")
    then: Literal["", "hangs_up", "drops_the_line"] = ""


class CallerPart(_Part):
    """The caller: voice, line and patience."""

    voice: str = Field("en-us+klatt4", pattern=r"^[\w+ ./-]+$")
    """The local voice's name, as espeak calls it: a language's, and perhaps a variant."""
    speed: int = Field(150, ge=80, le=400)
    """Words a minute."""
    loudness: float = Field(0.45, gt=0, le=1)
    noise_db: float | None = Field(None, le=-6, ge=-90)
    echo_db: float | None = Field(None, le=0, ge=-60)
    echo_ms: int = Field(120, ge=20, le=1000)
    picks_up_after: float | Literal["never"] = 1.0
    """Seconds of ringing, where the agent calls."""
    patience: float = Field(12.0, gt=0, le=120)
    again: str = "please repeat that"
    turns: int = Field(40, ge=1, le=200)
    """Of one with a persona: turns after which they hang up, done or not."""
    stays: float = Field(300.0, gt=0, le=900)
    """Of one with a persona: seconds after which they do."""

    @field_validator("voice")
    @classmethod
    def _is_there(cls, value: str) -> str:
        from trunkline.providers.local_speech.voices import fault_of_voice  # noqa: PLC0415 - for callers alone

        if fault := fault_of_voice(value):
            raise ValueError(fault)
        return value


class Count(_Part):
    """Between so many and so many."""

    least: int = 0
    most: int = 10_000


class Booked(_Part):
    """When an appointment is expected to be, in the business's time."""

    weekday: str
    time: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class Expect(_Part):
    """What must hold. What is not given is not graded, save that everything is recorded once."""

    disposition: Words = ()
    end_reason: Words = ()
    ended_by: Literal["agent", "caller"] | None = None
    appointments: int | None = Field(None, ge=0)
    appointment: Booked | None = None
    do_not_call: bool | None = None
    rings: int | None = Field(None, ge=0)
    """How often each caller's telephone may have rung: a second dial shows here."""
    tools: Words = ()
    """Tools that must have been used, and have worked."""
    agent_says: Words = ()
    """Of the transcript, what the caller has heard of the agent."""
    agent_never_says: Words = ()
    caller_said: Words = ()
    """Of the transcript, what was understood of the caller."""
    heard: Words = ()
    """What must have been made out at the caller's own ear."""
    caller_turns: Count | None = None
    interruptions: Count | None = None
    said_at_most: int | None = Field(None, ge=1)
    """How often the agent may say the same sentence."""
    troubles: Words | None = None
    """Troubles that the record may have."""
    greeting_ms: int | None = Field(None, ge=0)
    reply_p50_ms: int | None = Field(None, ge=0)
    reply_p95_ms: int | None = Field(None, ge=0)
    interruption_ms: int | None = Field(None, ge=0)
    worst_gap_ms: int | None = Field(None, ge=0)
    within_s: float | None = Field(None, gt=0)
    """How long a call may last."""


class Scenario(_Part):
    """One scenario."""

    name: str
    about: str = Field(min_length=1)
    like: str = ""
    """Another scenario of the library, of which this says only what differs."""
    direction: Literal["inbound", "outbound"] = "inbound"
    script: str = ""
    """The ready-made dialogue of the agent, where no other agent is given."""
    language: Literal["en", "he"] = "en"
    slow: bool = False
    """True for one that takes more than half a minute."""
    caller: CallerPart = CallerPart()
    persona: str = ""
    """Of a caller whom a language model plays."""
    model: str = ""
    """Which one plays them, by its name in the settings; empty: the first there is."""
    steps: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()
    hears: Words = ()
    farewells: Words = ("goodbye",)
    picks: tuple[dict[str, str], ...] = ()
    """What `{name}` in texts stands for, call by call."""
    variants: tuple[Scenario, ...] = Field((), exclude=True)
    """The scenario with each of its picks filled in; the reader of files makes them."""
    expect: Expect = Expect()

    @property
    def dialogue(self) -> str:
        """The name of the ready-made dialogue that it is held with."""
        return self.script or ("appointment" if self.direction == "outbound" else "appointment_inbound")

    def of_call(self, index: int) -> Scenario:
        """Return it as the index-th call holds it, with its picks filled in."""
        return self.variants[index % len(self.variants)] if self.variants else self

    def plan(self) -> CallerPlan:
        """Return what its caller is going to do; picks must have been filled in."""
        caller = self.caller
        rings_for = float("inf") if caller.picks_up_after == _NOBODY_COMES else float(caller.picks_up_after)
        return CallerPlan(
            kind=self.name,
            language=self.language,
            voice=Voice(self.language, caller.voice if self.language == "en" else "", caller.speed),
            line=Line(caller.loudness, caller.noise_db, caller.echo_db, caller.echo_ms),
            ring_s=rings_for,
            steps=tuple(CallerStep(step.deed, step.value, step.after) for step in self.steps),
            answers=tuple(CallerAnswer(one.when, one.says, one.keys, one.then) for one in self.answers),
            hears=self.hears,
            farewells=self.farewells,
            again=caller.again,
            patience_s=caller.patience,
            persona=self.persona,
            turns=caller.turns,
            stays_s=caller.stays,
        )


def library() -> list[str]:
    """Return the names of the scenarios that come with Trunkline."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def find(name_or_path: str) -> Scenario:
    """Read a scenario by its file, or by its name in the library. Raises StartRefused."""
    path = Path(name_or_path)
    if not path.suffix and name_or_path in library():
        path = LIBRARY / f"{name_or_path}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise StartRefused(
            f"There is no scenario {name_or_path}: {reason}. `trunkline sim list` names those that there are."
        ) from error
    return read_scenario(text, name=path.stem, file=str(path))


def read_scenario(text: str, *, name: str, file: str) -> Scenario:
    """Read a scenario's text. Raises StartRefused with each fault as `file:line: reason`."""
    try:
        located = read(text)
    except Unreadable as error:
        raise StartRefused(f"{file}:{error.line}: {error}.") from error
    if not isinstance(located.data, dict):
        raise StartRefused(f"{file}:1: a scenario is a mapping, such as `about: ...`.")
    own, base_fault = _with_base(located, file)
    try:
        scenario = _validated({"name": name, **own})
    except ValidationError as error:
        raise StartRefused("\n".join([*base_fault, *_faults(error, located, file)])) from error
    except KeyError as error:
        line = located.line_of(("picks",))
        raise StartRefused(f"{file}:{line}: nothing is picked for {{{error.args[0]}}}.") from error
    except (ValueError, IndexError) as error:
        raise StartRefused(f"{file}:1: braces stand for what is picked: {error}.") from error
    if base_fault:
        raise StartRefused("\n".join(base_fault))
    if scenario.dialogue not in READY_MADE:
        line, known = located.line_of(("script",)), ", ".join(READY_MADE)
        raise StartRefused(f"{file}:{line}: there is no dialogue {scenario.dialogue!r}; there is {known}.")
    return scenario


def _validated(data: dict[str, Any]) -> Scenario:
    """Raises ValidationError; KeyError and ValueError for braces that cannot be filled in."""
    picks = _Picks.model_validate({"picks": data.get("picks", ())}).picks
    if not picks:
        return Scenario.model_validate(data)
    plain = {key: value for key, value in data.items() if key != "picks"}
    variants = tuple(Scenario.model_validate(_filled(plain, row)) for row in picks)
    return variants[0].model_copy(update={"picks": picks, "variants": variants})


class _Picks(_Part):
    picks: tuple[dict[str, str], ...] = ()


def _with_base(located: Located, file: str) -> tuple[dict[str, Any], list[str]]:
    """Return the file's data laid over that of the scenario it is like, and the fault where there is none."""
    own: dict[str, Any] = located.data
    base_name = own.get("like")
    if base_name is None:
        return own, []
    if base_name not in library():
        line = located.line_of(("like",))
        # Without it, so that the other faults of the file are told as well.
        rest = {key: value for key, value in own.items() if key != "like"}
        return rest, [f"{file}:{line}: there is no scenario {base_name!r} to be like."]
    base_text = (LIBRARY / f"{base_name}.yaml").read_text(encoding="utf-8")
    base, _ = _with_base(read(base_text), f"{base_name}.yaml")
    if "steps" in own or "answers" in own:
        base = {key: value for key, value in base.items() if key != "steps"}
    merged = {key: value for key, value in base.items() if key != "slow"} | own
    for part in ("caller", "expect"):
        if isinstance(base.get(part), dict) and isinstance(own.get(part), dict):
            merged[part] = base[part] | own[part]
    return merged, []


def _faults(error: ValidationError, located: Located, file: str) -> list[str]:
    faults = []
    for fault in error.errors(include_url=False, include_input=False):
        path = tuple(part for part in fault["loc"] if isinstance(part, str | int))
        where = ".".join(str(part) for part in path)
        reason = in_words(fault)
        faults.append(f"{file}:{located.line_of(path)}: {where + ': ' if where else ''}{reason}")
    return faults


def _filled(value: Any, picks: Mapping[str, str]) -> Any:
    """Fill in picks throughout. Raises KeyError for a name that nothing is picked for."""
    if isinstance(value, str):
        return value.format_map(picks) if "{" in value else value
    if isinstance(value, dict):
        return {key: _filled(part, picks) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(part, picks) for part in value]
    return value
