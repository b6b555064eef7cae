"""A brain made of several: whoever fails or stays silent too long is replaced, the call goes on.

Owns the account of what was heard, the deadline to the first sound and the handing over: the next brain
is opened with what was said so far and answers the caller's last turn. Refuses to know which brains
they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from trunkline.providers.brain_fallback.account import Account, Tapped
from trunkline.providers.brain_fallback.utterance import Repeatable
from trunkline.providers.ports import (
    Act,
    Brain,
    BrainFailed,
    CallBrief,
    Conversation,
    Heard,
    InputKind,
    Note,
    Say,
    Sound,
    SpeechFailed,
    SpeechToText,
    TellFailure,
    ToolResult,
    ToolRunner,
    Transcript,
)

_LOOK_S = 0.05
"""How often a deadline that a tool has put off is looked at."""


@dataclass(frozen=True, slots=True)
class FallbackOptions:
    """How patient it is. Suffixes give the unit."""

    first_sound_s: float = 5.0
    """Longest wait for a turn to begin to sound; a tool that is under way does not count."""
    greeting_s: float = 2.5
    """The same for the opening, while another brain is left: nobody waits that long for a hello."""
    filler_after_s: float = 1.0
    """A caller who has waited so long when a brain is replaced is told to wait."""
    filler: Mapping[str, str] | None = None
    """What they are told, by language; None: nothing."""
    words_s: float = 4.0
    """Longest wait for a recogniser, where the next brain has no ears of its own."""


class FallbackBrain:
    """Opens conversations with the first of its brains that can hold them."""

    def __init__(
        self,
        brains: Sequence[Brain],
        options: FallbackOptions | None = None,
        *,
        stt: SpeechToText | None = None,
        names: Sequence[str] = (),
        on_failure: TellFailure | None = None,
    ) -> None:
        """`stt` makes words of what a brain with ears has heard, for one that has none.

        `names` are what the brains are called when one is told to have failed; without, by their kind.
        """
        if not brains:
            raise ValueError("there is no brain to fall back from")
        called = names or tuple(type(brain).__name__ for brain in brains)
        self._brains = tuple(zip(called, brains, strict=True))
        self._on_failure = on_failure
        self._options = options or FallbackOptions()
        self._stt = stt

    def open(self, brief: CallBrief, tools: ToolRunner) -> FallbackConversation:
        """Begin a conversation. Raises ValueError where none of the brains can use the brief."""
        return FallbackConversation(
            self._brains, brief, tools, self._options, stt=self._stt, on_failure=self._on_failure
        )


class FallbackConversation:
    """One call's conversation, by one brain after another."""

    def __init__(
        self,
        brains: Sequence[tuple[str, Brain]],
        brief: CallBrief,
        tools: ToolRunner,
        options: FallbackOptions,
        *,
        stt: SpeechToText | None,
        on_failure: TellFailure | None,
    ) -> None:
        self._left = list(brains)
        self._brief = brief
        self._tools = tools
        self._options = options
        self._stt = stt
        self._on_failure = on_failure
        self._name = ""
        """Who is at work."""
        self._account = Account(brief.past)
        self._last_turn: Repeatable | None = None
        """The caller's turn that ended last and is not answered. Another may have begun since."""
        self._closing: set[asyncio.Task[None]] = set()
        self._tools_running = 0
        self._due_at = 0.0
        self._current = self._open_next(brief)

    # --- The port -------------------------------------------------------------------------

    def begin(self) -> AsyncIterator[Act]:
        return self._perform(self._current.begin(), None, None)

    def hear(self, heard: Heard) -> AsyncIterator[Act]:
        utterance, self._last_turn = self._last_turn, None
        if heard.kind is not InputKind.SPEECH:
            utterance = None
        self._account.next_turn(partial(_words_of, heard, utterance))
        return self._perform(self._current.hear(heard), heard, utterance)

    def interrupted(self, said: str, *, played_ms: int) -> None:
        its_words, its_ms = self._account.heard(said, played_ms)
        self._current.interrupted(its_words, played_ms=its_ms)

    def listen(self) -> Repeatable | None:
        inner = self._current.listen()
        return None if inner is None else Repeatable(inner, finished=self._turn_ended)

    async def close(self) -> None:
        await self._current.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def _turn_ended(self, utterance: Repeatable) -> None:
        self._last_turn = utterance

    # --- A turn ---------------------------------------------------------------------------

    async def _perform(
        self, acts: AsyncIterator[Act], heard: Heard | None, utterance: Repeatable | None
    ) -> AsyncGenerator[Act, None]:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        has_filled = False
        while True:
            try:
                opening = heard is None and bool(self._left)
                limit_s = self._options.greeting_s if opening else self._options.first_sound_s
                async with aclosing(self._in_time(acts, limit_s)) as timely:
                    async for act in timely:
                        yield act
                return
            except BrainFailed as failure:
                if not self._left:
                    raise
                failed = self._name
                yield Note("brain_replaced", f"{failed}: {failure}"[:200])
                waited_s = loop.time() - began_at
                filler = (self._options.filler or {}).get(self._brief.language.partition("-")[0])
                if filler and not has_filled and waited_s >= self._options.filler_after_s:
                    has_filled = True
                    self._account.said(filler)
                    yield Say(filler)
                acts = await self._taken_over(heard, utterance, failure)
                if self._on_failure is not None:
                    self._on_failure(failed, str(failure), self._name)

    async def _in_time(self, acts: AsyncIterator[Act], limit_s: float) -> AsyncGenerator[Act, None]:
        """Yield a brain's acts. Raises BrainFailed when it does not begin to sound in time."""
        loop = asyncio.get_running_loop()
        self._due_at = loop.time() + limit_s
        has_sounded = False
        coming: asyncio.Future[Act | None] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(_next(acts))
                while not has_sounded and not coming.done():
                    wait_s = self._due_at - loop.time()
                    if wait_s <= 0 and not self._tools_running:
                        raise BrainFailed(f"no sound within {limit_s:g} s")
                    await asyncio.wait([coming], timeout=max(wait_s, _LOOK_S))
                act = await coming
                if act is None:
                    return
                has_sounded = has_sounded or isinstance(act, Say | Sound)
                yield self._noted(act)
        finally:
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.wait([coming])
            aclose = getattr(acts, "aclose", None)
            if aclose is not None:
                await cast("Callable[[], Awaitable[None]]", aclose)()

    def _noted(self, act: Act) -> Act:
        if isinstance(act, Say):
            self._account.said(act.text)
        elif isinstance(act, Sound):
            tapped = Tapped(act.speaking)
            self._account.said(tapped)
            return Sound(tapped)
        return act

    async def _use_tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        self._tools_running += 1
        try:
            result = await self._tools(name, arguments)
        finally:
            self._tools_running -= 1
            self._due_at = asyncio.get_running_loop().time() + self._options.first_sound_s
        self._account.used(name, arguments, result)
        return result

    # --- The handing over -----------------------------------------------------------------

    def _open_next(self, brief: CallBrief) -> Conversation:
        """Open the next brain that can use the brief. Raises ValueError where there is none."""
        refusal: ValueError | None = None
        while self._left:
            name, brain = self._left.pop(0)
            try:
                conversation = brain.open(brief, self._use_tool)
            except ValueError as error:
                refusal = refusal or error
            else:
                self._name = name
                return conversation
        assert refusal is not None  # none is left only behind one that refused
        raise refusal

    async def _taken_over(
        self, heard: Heard | None, utterance: Repeatable | None, failure: BrainFailed
    ) -> AsyncIterator[Act]:
        """Let the next brain begin where the last one failed."""
        task = asyncio.get_running_loop().create_task(
            self._current.close(), name=f"call-{self._brief.call_id}-brain-closing"
        )
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._account.replaced()
        try:
            self._current = self._open_next(replace(self._brief, past=self._account.lines()))
        except ValueError as error:
            raise failure from error
        if heard is None:
            return self._current.begin()
        return self._current.hear(await self._heard_again(heard, utterance))

    async def _heard_again(self, heard: Heard, utterance: Repeatable | None) -> Heard:
        """Give the caller's turn to the brain now at work: as words, or as the sound that it was."""
        if utterance is None or heard.text:
            return heard
        if utterance.text_so_far:
            return replace(heard, text=utterance.text_so_far)
        ears = self._current.listen()
        if ears is None and self._stt is not None:
            with suppress(ValueError):
                ears = self._stt.open(language=self._brief.language, grammar=None)
        if ears is None:
            return heard
        ears.feed(bytes(utterance.pcm))
        try:
            async with asyncio.timeout(self._options.words_s):
                transcript = await ears.finish()
        except (SpeechFailed, TimeoutError):
            return heard
        finally:
            ears.cancel()
        utterance.rescued(transcript.later or _known(transcript))
        return replace(heard, text=transcript.text, confidence=transcript.confidence)


def _words_of(heard: Heard, utterance: Repeatable | None) -> str:
    if heard.kind is not InputKind.SPEECH:
        return ""
    return heard.text or (utterance.text_so_far if utterance is not None else "")


async def _next(acts: AsyncIterator[Act]) -> Act | None:
    return await anext(acts, None)


def _known(transcript: Transcript) -> Callable[[], Awaitable[Transcript]]:
    async def later() -> Transcript:
        return transcript

    return later
