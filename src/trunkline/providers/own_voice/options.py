"""How patient a brain with a voice of its own is, whoever's it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VoiceOptions:
    """How patient a brain with a voice of its own is. Suffixes give the unit."""

    first_sound_s: float = 6.0
    """Longest wait for an answer to begin."""
    stall_s: float = 4.0
    """Longest silence of the provider in the midst of an answer."""
    connect_s: float = 4.0
    """Longest wait for one connection, its session included."""
    pauses_s: tuple[float, ...] = (0.1, 0.5, 1.5)
    """Before each new attempt to connect; after as many in a row the line is given up."""
    renew_after_s: float = 55 * 60
    """Age at which a connection is replaced, as soon as nobody speaks."""
    tool_rounds: int = 6
    """How often in one turn the model may ask for tools."""
    digits: int = 16
    """Longest keypad entry; 0 offers no keypad."""
    filler_after_s: float = 1.5
    """How long the agent may be silent before a phrase fills it while a tool is at work."""
    filler_again_s: float = 5.0
    """The same after something was said."""
    fillers_a_turn: int = 2
    """For models that can say something beside the conversation; 0: they never do."""
    on_reconnect: Callable[[str], None] | None = None
    """Is told why, each time that another connection has to be made because one failed."""
