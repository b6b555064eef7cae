"""The machine: what one call does when no person has answered, from the suspicion to the message left.

Owns the suspicion and the choice made beforehand: hang up, leave a message once the machine
records, or carry on; and until when a suspicion counts. Refuses to know audio beyond what `answering`
tells of it, and who pays for it.

A message begins after the beep, or when the machine has been silent for a while. If the beep comes
only then, the message is begun again, because what was said before it is not on the tape. What has to
be disclosed comes first in it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from functools import partial

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.media.agent_turn import CallerTurn
from trunkline.media.answering import GreetingEnd, MachineDetector, OnMachine
from trunkline.media.options import SessionOptions
from trunkline.media.parting import MACHINE_NOTE, VOICEMAIL
from trunkline.media.scribe import EventKind, Scribe
from trunkline.media.talk import Talk
from trunkline.media.vad import Window
from trunkline.providers.ports import Act, AnsweredBy, CallBrief, HangUp, InputKind, Say

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")

_A_PERSON = 2
"""So many exchanges, and a beep is a microwave's, and the carrier mistaken. What is said still counts."""


class Exchanges:
    """How often whoever is there has spoken and then heard the answer out: a recorded greeting goes on."""

    def __init__(self, talk: Talk) -> None:
        self.count = 0
        self._talk = talk
        self._was_speaking = False
        self._spoke_in: int | None = None
        """The agent's turn that was spoken to, until its answer is heard out or talked over."""

    def hear(self, *, speaking: bool) -> None:
        """Take the next window, `speaking` while the caller's turn is open."""
        talk = self._talk
        if speaking:
            self._spoke_in = None
        elif self._was_speaking:
            self._spoke_in = talk.turns
        elif self._spoke_in is not None and talk.turns > self._spoke_in and talk.quiet:
            self._spoke_in = None
            self.count += 1
        self._was_speaking = speaking


class Machine:
    """One call's dealings with a machine. Found at most once, by whoever notices it first."""

    def __init__(
        self,
        *,
        options: SessionOptions,
        brief: CallBrief,
        talk: Talk,
        scribe: Scribe,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._rules = options.machine if brief.direction == "outbound" else None
        self._detector = None if self._rules is None else MachineDetector(self._rules)
        self._end: GreetingEnd | None = None
        # What was disclosed to begin with went over the machine's greeting: it is not on the tape.
        self._sentences = [*_sentences(brief.filled(brief.disclosure)), *_sentences(options.message)]
        self._talk = talk
        self._scribe = scribe
        self._clock = clock
        self._quiet_ms = 0
        self._exchanges = Exchanges(talk)
        self._known = False
        self._noted = False
        self._began_after = ""
        talk.hears_machine = self._by_words

    def hear(self, window: Window, *, voice: bool, speaking: bool) -> bool:
        """Judge one window, `speaking` while the caller's turn is open. True: that turn is nobody's."""
        if self._end is not None:
            after = self._end.hear(pcm=window.pcm, level=window.level, voice=voice)
            if after is not None:
                self._leave(after)
            return False
        self._exchanges.hear(speaking=speaking)
        self._quiet_ms = 0 if voice else self._quiet_ms + len(window.pcm) // BYTES_PER_MS
        if self._detector is None:
            return False
        found = self._detector.hear(pcm=window.pcm, level=window.level, voice=voice, speaking=speaking)
        return found is not None and self._found("heard", found)

    def told(self, answered_by: AnsweredBy) -> bool:
        """Take the carrier's word. True: what the caller is saying is nobody's turn."""
        if answered_by is AnsweredBy.HUMAN:
            self._detector = None
        if self._rules is None or answered_by not in {AnsweredBy.MACHINE, AnsweredBy.FAX}:
            return False
        return self._found("carrier", answered_by.value)

    def _by_words(self) -> bool:
        if self._rules is None or self._options.on_machine is not OnMachine.LEAVE_MESSAGE:
            return False
        self._found("words", VOICEMAIL)
        return self._talk.unattended

    def _found(self, by: str, what: str) -> bool:
        if self._rules is None or self._known or self._talk.closing:
            return False
        if by != "words" and self._exchanges.count >= _A_PERSON:
            self._note(by, what)
            return False
        self._known = True
        self._detector = None
        # There is nobody to talk to and nothing to leave a message on.
        action = OnMachine.HANG_UP if what == AnsweredBy.FAX else self._options.on_machine
        self._scribe.record(EventKind.MACHINE_FOUND, by=by, what=what, action=action.value)
        if action is OnMachine.CARRY_ON:
            return False
        self._scribe.record(EventKind.NOTE, name=MACHINE_NOTE.name, value=MACHINE_NOTE.value)
        if action is OnMachine.HANG_UP:
            now = self._clock()
            self._talk.caller_turn(CallerTurn(InputKind.MACHINE, now, now, text=what, last=True))
        else:
            self._talk.unattended = True
            self._talk.perform(_silence)
            self._end = GreetingEnd(self._rules, quiet_ms=self._quiet_ms, beeped=what == "beep")
        return True

    def _note(self, by: str, what: str) -> None:
        """Put on record what a machine might have been; once, and the talk goes on."""
        self._detector = None
        if not self._noted:
            self._noted = True
            action = OnMachine.CARRY_ON.value
            self._scribe.record(EventKind.MACHINE_FOUND, by=by, what=what, action=action)

    def _leave(self, after: str) -> None:
        if after == "endless":
            self._talk.perform(_hang_up)
        elif self._began_after != "beep":
            self._began_after = after
            self._talk.perform(partial(self._message, after))

    async def _message(self, after: str) -> AsyncIterator[Act]:
        for sentence in self._sentences:
            yield Say(sentence)
        heard = await self._talk.heard_out()
        if heard:
            text = " ".join(self._sentences)
            self._scribe.record(EventKind.MESSAGE_LEFT, text=text, heard_text=heard, after=after)
        yield HangUp(VOICEMAIL)


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


async def _silence() -> AsyncIterator[Act]:
    """Say nothing: what was being said ends here."""
    acts: tuple[Act, ...] = ()
    for act in acts:
        yield act


async def _hang_up() -> AsyncIterator[Act]:
    yield HangUp(VOICEMAIL)
