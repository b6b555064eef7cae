"""Everything about a call's sound and patience that may be tuned, with its default and unit."""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.media.answering import MachineRules, OnMachine
from trunkline.media.barge_in import ByVoice
from trunkline.media.endpointing import ByText
from trunkline.media.turns import BargeIn, Endpointing, TurnRules
from trunkline.media.watchdog import WatchRules
from trunkline.providers.ports import EndOfTurn, Voice


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """One call's settings. Suffixes give the unit: `_ms`, `_s`; frames are 20 ms."""

    voice: Voice = field(default_factory=lambda: Voice("en"))
    turns: TurnRules = field(default_factory=TurnRules)
    endpointing: Endpointing = field(default_factory=ByText)
    """Decides how long a silence ends the caller's turn."""
    barge_in: BargeIn = field(default_factory=ByVoice)
    """Decides how much voice over the agent interrupts it."""
    end_of_turn: EndOfTurn | None = None
    """A model that hears whether a turn is over; None: text and silence decide."""
    watch: WatchRules = field(default_factory=WatchRules)
    machine: MachineRules | None = field(default_factory=MachineRules)
    """None: nobody listens for machines; inbound calls are never asked."""
    on_machine: OnMachine = OnMachine.HANG_UP
    message: str = ""
    """What is left on a machine, in the agent's voice, where `on_machine` says so."""

    preroll_ms: int = 400
    """Audio before the recognised beginning of speech that the recogniser gets as well."""
    transcript_timeout_s: float = 6.0
    late_transcript_s: float = 0.6
    """How long to wait for the words of whoever spoke over the agent, where a brain hears for itself."""
    transcript_grace_s: float = 3.0
    """How long the caller's last words are waited for once the call is over."""
    voice_timeout_s: float = 4.0
    """Longest wait for the next stretch of a sentence's audio."""
    voice_failures: int = 3
    """Sentences in a row that could not be spoken, after which the call ends."""
    sentence_pause_ms: int = 250
    """Silence between the sentences of one turn."""

    lead_s: float = 0.08
    """How far ahead of the caller's ear audio is sent."""
    queue_frames: int = 400
    mark_grace_s: float = 1.0
    """How long after its computed end a piece's mark is still waited for."""

    comfort_noise: bool = False
    """Soft noise where the agent is silent; 50 messages a second more on the wire."""

    keypad_pause_s: float = 3.0
    """A pause after a key that submits the entry."""
    audio_pause_s: float = 1.0
    """Missing audio after which an open turn of the caller is closed."""
    tool_timeout_s: float = 20.0
    """The call room has a deadline of its own; this one only keeps a lost tool from holding the call."""
    tool_grace_s: float = 12.0
    """How long a tool already under way may finish after the call has ended, so that its outcome is known:
    longer than the call room's deadline for it."""
    farewell: str = ""
    """Said before a call is ended for its length; empty: nothing."""
    apology: str = ""
    """Said before a call is ended because its brain can not go on; empty: nothing."""
