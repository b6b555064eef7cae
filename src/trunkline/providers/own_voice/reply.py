"""One answer of a model that speaks: its sound, words and tools as they come in.

Owns the way from the provider's messages, which are pushed, to the conversation and the speaker, which
wait for them. Refuses to know messages and telephones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.ports import BrainFailed, SpeechFailed, ToolCall

_LETTERS_A_SECOND = 14.0
"""How fast a voice speaks, where only part of the sound is there."""
_LONGEST_MS = 120_000
"""Sound of one speech that is kept for the caller; whoever makes more does not come to an end."""


class LiveSpeech:
    """Speech on its way: PCM and words, each as it comes. `key` is the provider's name of it."""

    def __init__(self, key: str = "", *, is_aside: bool = False) -> None:
        self.key = key
        self.is_aside = is_aside
        """It is said beside the conversation: the model does not know of it, nor is it told."""
        self.audio_ms = 0.0
        """How much sound has come."""
        self.heard: str | None = None
        """What the caller heard of it, where that was not all."""
        self.is_whole = False
        """True once all of it has come; what was stopped never is."""
        self._words: list[str] = []
        self._audio: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._why = ""

    @property
    def text(self) -> str:
        """The words known by now."""
        return "".join(self._words).strip()

    @property
    def remembered(self) -> str:
        """The words that belong in the conversation."""
        return self.text if self.heard is None else self.heard

    # --- What the provider tells ----------------------------------------------------------

    def add(self, pcm: bytes) -> None:
        """More sound has come."""
        if self._ended:
            return
        if self.audio_ms >= _LONGEST_MS:
            self.fail("the model does not stop speaking")
            return
        self.audio_ms += len(pcm) / BYTES_PER_MS
        self._audio.append(pcm)
        self._news.set()

    def add_words(self, words: str) -> None:
        """More words are known; they bring their own spaces. An aside's are known from the beginning."""
        if not self.is_aside:
            self._words.append(words)

    def set_words(self, words: str) -> None:
        """All the words are known."""
        self._words = [words]

    def end(self, *, is_whole: bool = True) -> None:
        """No more of its sound will come."""
        if not self._ended:
            self.is_whole = is_whole
        self._ended = True
        self._news.set()

    def break_off(self) -> None:
        """No more will come, and not all has: keep the words that have their sound."""
        if not self._ended:
            letters = int(self.audio_ms / 1000 * _LETTERS_A_SECOND)
            words = self.text
            if len(words) > letters:
                self._words = [words[:letters].rpartition(" ")[0]]
            self.end(is_whole=False)

    def fail(self, why: str) -> None:
        """No more will come, and that is to be told."""
        if not self._ended:
            self._why = why
            self.end(is_whole=False)

    # --- What the speaker takes -----------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return more sound. Raises SpeechFailed."""
        while not self._audio:
            if self._why:
                raise SpeechFailed(self._why)
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._audio.popleft()

    async def aclose(self) -> None:
        """Nobody listens any more."""
        self._ended = True
        self._audio.clear()


class Reply:
    """One answer: pieces of speech and tools asked for, in the order in which they began."""

    def __init__(self) -> None:
        self.key = ""
        """The provider's name of it, once that is known."""
        self.speeches: list[LiveSpeech] = []
        self.is_over = False
        self.breaks = 0
        """How many connections were lost while it was waited for."""
        self._items: deque[LiveSpeech | ToolCall] = deque()
        self._news = asyncio.Event()
        self._why = ""
        self._has_begun = False
        self._touched_at = asyncio.get_running_loop().time()

    @property
    def has_sounded(self) -> bool:
        """True once any sound of it has come."""
        return any(speech.audio_ms for speech in self.speeches)

    # --- What the provider tells ----------------------------------------------------------

    def speech(self, key: str) -> LiveSpeech:
        """Return the speech of this name; a new one is told to whoever waits."""
        self._touch()
        for speech in self.speeches:
            if speech.key == key:
                return speech
        speech = LiveSpeech(key)
        self.speeches.append(speech)
        self._items.append(speech)
        self._has_begun = True
        return speech

    def aside(self, text: str) -> LiveSpeech:
        """Make it one speech beside the conversation, of words that are known before their sound."""
        speech = LiveSpeech(is_aside=True)
        speech.set_words(text)
        self.speeches.append(speech)
        return speech

    def tool(self, call: ToolCall) -> None:
        """The model wants a tool used."""
        self._touch()
        self._items.append(call)
        self._has_begun = True

    def end(self) -> None:
        """There is no more of it."""
        self.is_over = True
        for speech in self.speeches:
            speech.end()
        self._touch()

    def stop(self) -> None:
        """Nobody wants more of it."""
        self.is_over = True
        for speech in self.speeches:
            speech.end(is_whole=False)
        self._touch()

    def fail(self, why: str) -> None:
        """It will not come to its end."""
        if not self.is_over:
            self._why = why
            self.is_over = True
            for speech in self.speeches:
                speech.break_off()
            self._touch()

    def wait_again(self) -> None:
        """It is asked for once more: its time begins anew."""
        self._touch()

    def _touch(self) -> None:
        self._touched_at = asyncio.get_running_loop().time()
        self._news.set()

    # --- What the conversation takes ------------------------------------------------------

    async def items(self, *, first_s: float, stall_s: float) -> AsyncIterator[LiveSpeech | ToolCall]:
        """Yield what it is made of. Raises BrainFailed, also when nothing comes for too long."""
        loop = asyncio.get_running_loop()
        while True:
            while self._items:
                yield self._items.popleft()
            if self._why:
                raise BrainFailed(self._why)
            if self.is_over:
                return
            patience_s = stall_s if self._has_begun else first_s
            if loop.time() >= self._touched_at + patience_s:
                self.fail(f"the model fell silent for {patience_s:g} s")
                continue
            self._news.clear()
            try:
                async with asyncio.timeout_at(self._touched_at + patience_s):
                    await self._news.wait()
            except TimeoutError:
                continue
