"""Speech to text by Deepgram: utterances on connections that outlive them.

An utterance ends with `Finalize`, whose answer says that nothing is outstanding; its connection then waits,
kept alive, for the next utterance of any call. So a call pays for connecting once at most, and while the
caller already speaks. A connection whose end of an utterance is in doubt is never used again: no word may
reach another call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from trunkline.providers.deepgram import wire
from trunkline.providers.deepgram.line import Holder, Line
from trunkline.providers.deepgram.utterance import DeepgramUtterance
from trunkline.providers.ports import Grammar

_GLOBAL_HOST = "api.deepgram.com"
"""Only there a stream's hints can be replaced."""
_MOST_IDLE = 50
_CLEARING_S = 1.0
"""How long a cancelled utterance's connection has to come clean."""


class DeepgramSpeechToText:
    """The `SpeechToText` port on `/v1/listen`. Takes every language; Deepgram refuses those it does not have.

    `finish_s` bounds the wait for the last words after an utterance's end, `idle_s` how long a connection is
    kept for the next one. `reconfigures` says whether the server can replace a stream's hints; None judges by
    address. `on_reconnect` is told why, each time that an utterance goes on on another connection.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "wss://api.deepgram.com",
        model: str = "nova-3",
        connect_s: float = 3.0,
        finish_s: float = 2.5,
        keep_alive_s: float = 4.0,
        idle_s: float = 60.0,
        reconfigures: bool | None = None,
        on_reconnect: Callable[[str], None] | None = None,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._model = model
        self._connect_s = connect_s
        self._finish_s = finish_s
        self._on_reconnect = on_reconnect
        self._keep_alive_s = keep_alive_s
        self._idle_s = idle_s
        known = urlsplit(base_url).hostname == _GLOBAL_HOST if reconfigures is None else reconfigures
        self._reconfigures = known and wire.takes_keyterms(model)
        self._lines: set[Line] = set()
        self._idle: dict[Line, asyncio.TimerHandle] = {}

    def open(self, *, language: str, grammar: Grammar | None) -> DeepgramUtterance:
        """Begin an utterance; the phrases of a grammar go along as hints."""
        hints = wire.hints_of(grammar.phrases if grammar else (), model=self._model)
        return DeepgramUtterance(
            self, language=language, hints=hints, finish_s=self._finish_s, on_reconnect=self._on_reconnect
        )

    async def close(self) -> None:
        """End every connection. Returns once none is left."""
        for timer in self._idle.values():
            timer.cancel()
        self._idle.clear()
        tasks = [line.task for line in self._lines]
        for line in tuple(self._lines):
            line.hang_up()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_CLEARING_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # For utterances.

    def take_line(self, holder: Holder, *, language: str, hints: tuple[str, ...]) -> Line:
        """Return a connection with these settings: one that waits, or else a new one."""
        url = wire.listen_url(self._base_url, model=self._model, language=language, hints=())
        line = self._waiting_line(url, hints)
        if line is None:
            line = Line(
                wire.listen_url(self._base_url, model=self._model, language=language, hints=hints),
                api_key=self._api_key,
                hints=hints,
                settings=url,
                connect_s=self._connect_s,
                keep_alive_s=self._keep_alive_s,
                on_gone=self._forget,
            )
            self._lines.add(line)
        line.holder = holder
        return line

    def give_back(self, line: Line) -> None:
        """Take a connection on which nothing is outstanding, for the next utterance."""
        line.holder = None
        if len(self._idle) >= _MOST_IDLE:
            line.hang_up()
            return
        self._idle[line] = asyncio.get_running_loop().call_later(self._idle_s, self._let_go, line)

    def clear(self, line: Line) -> None:
        """Take a connection in the middle of an utterance: it comes clean soon, or is closed."""
        timer = asyncio.get_running_loop().call_later(_CLEARING_S, line.hang_up)
        line.holder = _Clearing(self, line, timer)
        line.send(wire.FINALIZE)

    def _waiting_line(self, settings: str, hints: tuple[str, ...]) -> Line | None:
        fitting = [line for line in reversed(self._idle) if line.settings == settings]
        same = [line for line in fitting if line.hints == hints]
        line = next(iter(same or (fitting if self._reconfigures else [])), None)
        if line is not None:
            self._idle.pop(line).cancel()
            if line.hints != hints:
                line.hints = hints
                line.send(wire.configure(hints))
        return line

    def _let_go(self, line: Line) -> None:
        self._idle.pop(line, None)
        line.hang_up()

    def _forget(self, line: Line) -> None:
        self._lines.discard(line)
        if timer := self._idle.pop(line, None):
            timer.cancel()


class _Clearing:
    """Holds a connection until the words that nobody wants any more have come."""

    def __init__(self, stt: DeepgramSpeechToText, line: Line, timer: asyncio.TimerHandle) -> None:
        self._stt = stt
        self._line = line
        self._timer = timer

    def told(self, result: wire.Result) -> None:
        if result.from_finalize:
            self._timer.cancel()
            self._stt.give_back(self._line)

    def lost(self, _reason: str, *, refused: bool) -> None:
        self._timer.cancel()
