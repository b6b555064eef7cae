"""The turns of a call, as data: what the caller said, what the agent answered, and when.

Owns the account of one turn and its latency. Refuses to act on anything.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from trunkline.media.parting import VOICEMAIL
from trunkline.media.playback import Piece, text_heard, text_meant
from trunkline.providers.ports import InputKind, Speaking, Utterance


@dataclass(slots=True)
class CallerTurn:
    """The caller's turn on its way to the brain. Times are the loop's, in seconds."""

    kind: InputKind
    ended_at: float
    """When the last voice, or key, reached us."""
    decided_at: float
    """When it was judged to be over."""
    text: str = ""
    utterance: Utterance | None = None
    last: bool = False
    """The call ends after the brain's answer, whatever it is."""
    text_at: float = 0.0
    late_text: asyncio.Future[str] | None = None
    """Comes where the brain has heard the sound and its words are written later."""


@dataclass(slots=True, eq=False)
class AgentTurn:
    """One turn of the agent, from the first act to the last word heard."""

    number: int
    answers: CallerTurn | None
    pieces: list[Piece] = field(default_factory=list)
    first_text_at: float | None = None
    generated: bool = False
    """The brain has given all its acts."""
    sounded: bool = False
    cut: bool = False
    outdated: bool = False
    """The caller has said something else: once no tool of it is under way, nothing more of it is done."""
    resumed: bool = False
    repeated: bool = False
    """Nothing of it could be voiced, and it was said once more."""
    told: bool = False
    """What was said is on record."""
    heard_text: str = ""
    heard_ms: float | None = None
    """From the first frame's leaving to its being played, by the mark of the first piece."""
    played_ms: int = 0
    """How much of a turn that was cut had been played."""
    heard_before: str = ""
    """What had been heard of the turn that this one resumes."""
    played_before_ms: int = 0
    unheard: list[str | Speaking] = field(default_factory=list)
    """What is left to be said of a turn that was cut."""
    hang_up: str | None = None
    apologises_from: int | None = None
    """From which of its pieces on it asks pardon for a brain that has failed."""

    @property
    def failed(self) -> bool:
        """True where not all of it could be voiced: the brain takes it for said."""
        return any(piece.failed for piece in self.pieces)

    @property
    def heard_in_all(self) -> str:
        """What was heard of it, and of the turn that it resumes."""
        return f"{self.heard_before} {self.heard_text}".strip()

    @property
    def played_in_all_ms(self) -> int:
        """How much was played of it, and of the turn that it resumes."""
        return self.played_before_ms + self.played_ms

    @property
    def last_reason(self) -> str | None:
        """Why the call ends with it whatever it says; None where it does not."""
        if self.answers is None or not self.answers.last:
            return None
        return VOICEMAIL if self.answers.kind is InputKind.MACHINE else "silence"

    def cut_off(self, decided_at: float) -> None:
        """It was interrupted at this moment."""
        self.heard_text = text_heard(self.pieces, decided_at)
        self.played_ms = int(sum(piece.played_s(decided_at) for piece in self.pieces) * 1000)
        self.cut = True

    def resumption(self) -> AgentTurn:
        """Return the turn that goes on where this one was cut, as yet without what it says."""
        return AgentTurn(
            self.number, None, generated=self.generated, resumed=True, hang_up=self.hang_up,
            heard_before=self.heard_in_all, played_before_ms=self.played_in_all_ms,
        )  # fmt: skip

    def piece_played(self, piece: Piece, now: float) -> None:
        """Its first piece was played out by now: learn how long its sound was on the way to the ear."""
        first = self.pieces[0] if self.pieces else None
        if piece is first and piece.first_sent_at is not None and not self.resumed:
            self.heard_ms = max(0.0, elapsed_ms(piece.first_sent_at, now - piece.length_s))

    def account(self) -> dict[str, Any]:
        """Return what is put on record of it."""
        told = {
            "turn": self.number,
            "text": text_meant(self.pieces),
            "heard_text": self.heard_text,
            "interrupted": self.cut,
            "resumed": self.resumed,
        }
        return told if self.heard_ms is None else {**told, "heard_ms": self.heard_ms}


def forget(item: object) -> None:
    """Let go of the sound of a turn of the caller that nobody will answer."""
    if isinstance(item, CallerTurn) and item.utterance is not None:
        item.utterance.cancel()


def elapsed_ms(since: float, until: float) -> float:
    """Return the milliseconds between two of the loop's times, to a tenth."""
    return round((until - since) * 1000, 1)


def latency(agent: AgentTurn, piece: Piece, *, began_at: float, wire_at: float) -> dict[str, Any]:
    """Break a turn's latency down, now that its first frame is on the wire; empty if it answers nobody.

    An apology that comes first is neither a greeting nor an answer.
    """
    if agent.apologises_from is not None and agent.pieces.index(piece) >= agent.apologises_from:
        return {}
    caller = agent.answers
    if caller is None:
        first = agent.number == 1 and not agent.resumed
        return {"greeting_ms": elapsed_ms(began_at, wire_at)} if first else {}
    text_at = agent.first_text_at or wire_at
    audio_at = piece.first_audio_at or wire_at
    return {
        "kind": caller.kind.value,
        "endpoint_ms": elapsed_ms(caller.ended_at, caller.decided_at),
        "transcript_ms": elapsed_ms(caller.decided_at, caller.text_at),
        "first_token_ms": elapsed_ms(caller.text_at, text_at),
        "first_audio_ms": elapsed_ms(text_at, audio_at),
        "on_the_wire_ms": elapsed_ms(audio_at, wire_at),
        "decided_to_wire_ms": elapsed_ms(caller.decided_at, wire_at),
        "reply_ms": elapsed_ms(caller.ended_at, wire_at),
    }
