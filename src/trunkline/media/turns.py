"""When the caller began, ended, interrupted: pure decisions over time and evidence.

Owns the state machine of whose turn it is, and its numbers. Two questions are left to strategies that
options may replace: how long a silence ends a turn (`Endpointing`, see `endpointing`) and how much voice
over the agent interrupts it (`BargeIn`, see `barge_in`). Refuses to know audio, clocks and sockets.

Time here is the caller's audio, counted in milliseconds, so frames that arrive in a clump are
worth as much as frames that arrive on time.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Protocol

from trunkline.media.evidence import Evidence


@dataclass(frozen=True, slots=True)
class TurnRules:
    """What makes a turn; all times in milliseconds of the caller's audio."""

    voice: float = 0.5
    """Probability from which a window counts as voice."""
    still_voice: float = 0.35
    """The same within a turn, or a voice over the agent: the tail of a word is softer than its head."""
    echo: float = 0.4
    """Share of echo from which a window is the agent's and not the caller's."""
    begin_ms: int = 64
    """Voice that opens a turn while the agent is silent."""
    breath_ms: int = 160
    """A pause this short does not start the count of voice anew."""
    least_ms: int = 96
    """Voice below which a turn was a click or a cough, and nobody's answer."""
    longest_ms: int = 30_000
    """A turn is cut off after this much, so that nothing grows without end."""

    end_ms: int = 700
    """Silence that ends a turn."""
    end_short_ms: int = 500
    """The same where a short answer out of a known few is expected."""
    end_finished_ms: int = 450
    """The same after what reads as a whole sentence, or what the model takes for one."""
    end_unfinished_ms: int = 1_400
    """The same after "and ...", a comma, a filler, or what the model takes for unfinished."""
    end_digits_ms: int = 1_200
    """The same within a number: people pause between its groups."""
    ask_model_ms: int = 200
    """Silence after which the model of turn ends is asked, where there is one."""
    over_surely: float = 0.7
    """Its probability from which the turn counts as finished."""
    over_hardly: float = 0.3
    """Its probability up to which the turn counts as unfinished."""

    barge_in_ms: int = 180
    """Voice over the agent that interrupts it, where nothing more is known of that voice."""
    barge_in_sure_ms: int = 96
    """The same where the voice articulates, or says words."""
    barge_in_hum_ms: int = 800
    """The same where it does not: "mm-hm", "uh-huh", a groan, a cough are shorter."""
    barge_in_words: int = 2
    """Words in the text so far, fillers and listener's words aside, that make a voice sure."""
    articulate: float = 0.6
    """Articulation from which a voice speaks; see `evidence.Articulation`."""
    barge_in_ratio: float = 1.4
    """How far above the noise floor that voice must lie."""
    echo_guard_ms: int = 200
    """From the start of agent audio, the line may carry our own voice back."""
    echo_guard_ratio: float = 1.8
    """The ratio that holds meanwhile."""
    between_interruptions_ms: int = 700
    greeting_protected_ms: int = 500
    """Of the greeting, nothing interrupts this much."""


class Change(enum.Enum):
    """What a window changed about whose turn it is."""

    BEGAN = "began"
    """The caller has begun to speak."""
    INTERRUPTED = "interrupted"
    """The caller speaks over the agent and means it. Comes with or after the beginning."""
    ENDED = "ended"
    """The caller has finished a turn."""
    DISMISSED = "dismissed"
    """What had begun was too short to be speech."""


@dataclass(frozen=True, slots=True)
class TurnState:
    """Whose turn it is, and the evidence so far."""

    at_ms: int = 0
    speaking: bool = False
    """The caller's turn is open."""
    voiced_ms: int = 0
    """Voice in the current run; in a turn, voice of the whole turn."""
    loud_ms: int = 0
    """Of the current run, voice loud enough to interrupt."""
    silent_ms: int = 0
    """Silence since the last voice."""
    open_ms: int = 0
    """How long the turn has been open."""
    interrupted_at_ms: int | None = None


class Endpointing(Protocol):
    """How long a silence ends a turn. Pure."""

    def patience_ms(self, seen: Evidence, rules: TurnRules) -> int:
        """Return the silence that is enough, given the newest window of it."""


class BargeIn(Protocol):
    """How much voice over the agent interrupts it. Pure."""

    def enough_ms(self, seen: Evidence, rules: TurnRules) -> int:
        """Return the loud voice that is enough, given its newest window."""


class Silence:
    """Endpointing by silence alone."""

    def patience_ms(self, seen: Evidence, rules: TurnRules) -> int:
        return rules.end_short_ms if seen.short_answer else rules.end_ms


class Loudness:
    """Barge-in by voice alone, whatever it says."""

    def enough_ms(self, _seen: Evidence, rules: TurnRules) -> int:
        return rules.barge_in_ms


SILENCE: Endpointing = Silence()
LOUDNESS: BargeIn = Loudness()


def step(
    state: TurnState,
    seen: Evidence,
    rules: TurnRules,
    endpointing: Endpointing = SILENCE,
    barge_in: BargeIn = LOUDNESS,
) -> tuple[TurnState, Change | None]:
    """Judge one window. At most one change a window; a turn ends only after it began."""
    at_ms = state.at_ms + seen.length_ms
    voice = is_voice(state, seen, rules)
    if not voice and not state.speaking and not state.voiced_ms:
        # The common case of a call: nobody says anything.
        return replace(state, at_ms=at_ms), None
    silent_ms = 0 if voice else state.silent_ms + seen.length_ms
    run_goes_on = silent_ms < rules.breath_ms
    loud_ms = state.loud_ms if run_goes_on else 0
    if voice and seen.own_level > seen.floor * _ratio(seen, rules):
        loud_ms += seen.length_ms
    voiced_ms = state.voiced_ms + seen.length_ms if voice else state.voiced_ms
    if not state.speaking and not run_goes_on:
        voiced_ms = 0
    after = TurnState(
        at_ms=at_ms,
        speaking=state.speaking,
        voiced_ms=voiced_ms,
        loud_ms=loud_ms,
        silent_ms=silent_ms,
        open_ms=state.open_ms + seen.length_ms if state.speaking else 0,
        interrupted_at_ms=state.interrupted_at_ms,
    )
    if voice and _may_interrupt(after, seen, rules) and loud_ms >= barge_in.enough_ms(seen, rules):
        return replace(after, speaking=True, loud_ms=0, interrupted_at_ms=at_ms), Change.INTERRUPTED
    if state.speaking:
        return _maybe_end(after, seen, rules, endpointing)
    if voice and seen.agent_ms is None and voiced_ms >= rules.begin_ms:
        return replace(after, speaking=True), Change.BEGAN
    return after, None


def is_voice(state: TurnState, seen: Evidence, rules: TurnRules) -> bool:
    """True if the window holds the caller's voice, and not mostly the agent's that comes back."""
    within = state.speaking or (state.voiced_ms and seen.agent_ms is not None)
    threshold = rules.still_voice if within else rules.voice
    return seen.probability >= threshold and seen.echo < rules.echo


def _ratio(seen: Evidence, rules: TurnRules) -> float:
    if seen.agent_ms is not None and seen.agent_ms < rules.echo_guard_ms:
        return rules.echo_guard_ratio
    return rules.barge_in_ratio


def _may_interrupt(state: TurnState, seen: Evidence, rules: TurnRules) -> bool:
    if seen.agent_ms is None:
        return False
    if seen.greeting and seen.agent_ms < rules.greeting_protected_ms:
        return False
    last = state.interrupted_at_ms
    return last is None or state.at_ms - last >= rules.between_interruptions_ms


def _maybe_end(
    state: TurnState, seen: Evidence, rules: TurnRules, endpointing: Endpointing
) -> tuple[TurnState, Change | None]:
    if state.open_ms < rules.longest_ms and (
        not state.silent_ms or state.silent_ms < endpointing.patience_ms(seen, rules)
    ):
        return state, None
    quiet = TurnState(at_ms=state.at_ms, interrupted_at_ms=state.interrupted_at_ms)
    return quiet, Change.ENDED if state.voiced_ms >= rules.least_ms else Change.DISMISSED


def cut_short(state: TurnState) -> TurnState:
    """Return to silence without judging what was open: audio stopped coming, or a key was pressed."""
    return TurnState(at_ms=state.at_ms, interrupted_at_ms=state.interrupted_at_ms)
