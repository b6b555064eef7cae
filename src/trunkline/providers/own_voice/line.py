"""The line to a model that hears and speaks: kept up, renewed, restored, and given up when it must be.

Owns the connection's life, what goes out on it and in which order, the caller's utterances on their
way and the one answer that is waited for. A subclass says it in its provider's messages. Refuses to
know telephones and what is worth saying.

After a break everything is told again from what is remembered; what was on its way out is forgotten.
"""

from __future__ import annotations

import abc
import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

from trunkline.providers.own_voice import prompt
from trunkline.providers.own_voice.memory import Memory, Told, ToolUse
from trunkline.providers.own_voice.options import VoiceOptions
from trunkline.providers.own_voice.reply import LiveSpeech, Reply
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import CallBrief, ToolCall, ToolResult, ToolSpec

_MOST_UNSENT = 3_000
"""Messages that may wait to be sent: a minute of sound. With more the connection is taken for dead."""
_MOST_TROUBLES = 20
_DISCONNECT_S = 1.0

Message = TypeVar("Message")


class LineBroken(Exception):
    """The connection is lost or of no more use; another one may do."""


class LineRefused(Exception):
    """The provider will not have us: trying again is of no use."""


class LiveLine(abc.ABC, Generic[Message]):
    """One call's line. Made in a running loop; it begins to connect at once."""

    says_asides: ClassVar[bool] = False
    """The provider can have the model say something that is no part of the conversation."""

    def __init__(self, brief: CallBrief, tools: Sequence[ToolSpec], options: VoiceOptions) -> None:
        self._brief = brief
        self._specs = tuple(tools)
        self._options = options
        self.memory: list[Memory] = list(brief.past)
        self.troubles: deque[str] = deque(maxlen=_MOST_TROUBLES)
        """What the provider complained of last and was not fatal; whoever puts it on record empties it."""
        self.last_turn: LiveUtterance | None = None
        """The caller's turn that ended last; whoever answers it empties it. Another may have begun since."""
        self.connections = 0
        self._live = False
        self._healthy = False
        self._failure = ""
        self._reply: Reply | None = None
        self._ears: deque[LiveUtterance] = deque()
        self._out: deque[Message] = deque()
        self._out_news = asyncio.Event()
        self._renewal = asyncio.Event()
        self._wants_renewal = False
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), name=f"call-{brief.call_id}-brain")

    # --- The provider's messages ----------------------------------------------------------

    @abc.abstractmethod
    async def _connect(self) -> None:
        """Open a connection and its session. Raises LineBroken, LineRefused."""

    @abc.abstractmethod
    async def _disconnect(self) -> None:
        """Let go of the connection, whatever state it is in."""

    @abc.abstractmethod
    async def _receive(self) -> None:
        """Take what comes until the connection ends. Raises LineBroken, LineRefused."""

    @abc.abstractmethod
    async def _transmit(self, message: Message) -> None:
        """Send one message. Raises LineBroken."""

    @abc.abstractmethod
    def _restore(self) -> None:
        """Tell a new connection what is remembered."""

    @abc.abstractmethod
    def _tell(self, told: Told) -> None:
        """Tell the model something that it is to answer next, or, where it is told more, to know by then."""

    @abc.abstractmethod
    def _sound(self, utterance: LiveUtterance, pcm: bytes) -> None:
        """Give more of the caller's voice."""

    @abc.abstractmethod
    def _commit(self, utterance: LiveUtterance) -> None:
        """The caller's turn has ended."""

    @abc.abstractmethod
    def _discard(self, utterance: LiveUtterance) -> None:
        """What was given of this utterance was no turn."""

    @abc.abstractmethod
    def _request(self, reply: Reply) -> None:
        """Ask for an answer to what was given last."""

    @abc.abstractmethod
    def _stop(self, reply: Reply) -> None:
        """Nobody wants this answer any more."""

    @abc.abstractmethod
    def _truncate(self, speech: LiveSpeech, heard_ms: int) -> None:
        """The caller has heard only so much of this."""

    @abc.abstractmethod
    def _answer_tool(self, use: ToolUse) -> None:
        """Give a tool's result."""

    # --- What the conversation does -------------------------------------------------------

    def listen(self) -> LiveUtterance:
        """Open an utterance; its sound goes out behind those before it."""
        utterance = LiveUtterance(self)
        if self._failure:
            utterance.fail(self._failure)
        self._ears.append(utterance)
        return utterance

    def tell(self, told: Told) -> None:
        """Tell the model something, which the next answer asked for takes into account."""
        self.memory.append(told)
        if self._live:
            self._tell(told)

    def ask(self) -> Reply:
        """Ask for an answer to what was told, heard or looked up. Failures are told by the reply."""
        reply = Reply()
        if self._failure:
            reply.fail(self._failure)
            return reply
        self._reply = reply
        if self._live:
            self._request(reply)
        return reply

    def aside(self, text: str) -> LiveSpeech | None:
        """Have the model say this beside the conversation. None: it cannot, or not now."""
        return None

    def tool_answered(self, call: ToolCall, result: ToolResult) -> None:
        """A tool has answered; the next answer asked for takes it into account."""
        use = next(
            (one for one in reversed(self.memory) if isinstance(one, ToolUse) and one.call is call), None
        )
        if use is not None:
            use.result = result
            if self._live:
                self._answer_tool(use)

    def abandon(self, reply: Reply) -> None:
        """Stop an answer that nobody waits for any more."""
        if self._reply is reply:
            self._reply = None
        if not reply.is_over:
            if self._live:
                self._stop(reply)
            reply.stop()
        self._renew_if_quiet()

    def cut(self, speech: LiveSpeech, heard: str, heard_ms: int) -> None:
        """The caller has heard only so much of a speech."""
        speech.heard = heard
        if self._live:
            self._truncate(speech, heard_ms)

    async def close(self) -> None:
        """Hang up. Safe to call twice; never raises."""
        self._failure = self._failure or "the line is closed"
        self._task.cancel()
        await asyncio.wait([self._task])
        for one in (*self._ears, *self.memory):
            if isinstance(one, LiveUtterance) and one.text is None:
                one.fail(self._failure)

    # --- The caller's utterances (Ears) ---------------------------------------------------

    def more(self, utterance: LiveUtterance, pcm: bytes) -> None:
        """Send sound at once if it is this utterance's turn."""
        if self._live and self._ears and self._ears[0] is utterance:
            self._sound(utterance, pcm)

    def finished(self, utterance: LiveUtterance) -> None:
        """The utterance is a turn of the caller."""
        self.memory.append(utterance)
        self.last_turn = utterance
        self._advance()

    def dropped(self, utterance: LiveUtterance) -> None:
        """The utterance was nothing."""
        if self._ears and self._ears[0] is utterance and self._live:
            self._discard(utterance)
        self._ears.remove(utterance)
        self._flush_head()
        self._advance()
        self._renew_if_quiet()

    def _advance(self) -> None:
        while self._ears and self._ears[0].is_finished:
            utterance = self._ears.popleft()
            if self._live:
                self._commit(utterance)
            self._flush_head()

    def _flush_head(self) -> None:
        if self._live and self._ears and self._ears[0].pcm:
            self._sound(self._ears[0], bytes(self._ears[0].pcm))

    # --- What the subclass tells ----------------------------------------------------------

    def _send(self, message: Message) -> None:
        """Put a message in line."""
        self._out.append(message)
        self._out_news.set()

    def _tool_asked(self, reply: Reply, call: ToolCall) -> None:
        """The model wants a tool used."""
        self.memory.append(ToolUse(call, self.connections))
        reply.tool(call)

    def _speech_of(self, reply: Reply, key: str) -> LiveSpeech:
        """Return the speech of this name, remembered from its beginning."""
        if reply.speeches and reply.speeches[0].is_aside:
            return reply.speeches[0]
        count = len(reply.speeches)
        speech = reply.speech(key)
        if len(reply.speeches) > count:
            self.memory.append(speech)
        return speech

    def _reply_over(self, reply: Reply) -> None:
        """An answer has come to its end: the connection works."""
        self._healthy = True
        reply.end()
        if self._reply is reply:
            self._reply = None
        self._renew_if_quiet()

    def _renew_soon(self) -> None:
        """Replace the connection as soon as nobody speaks."""
        self._wants_renewal = True
        self._renew_if_quiet()

    def _renew_if_quiet(self) -> None:
        if self._wants_renewal and self._reply is None and not self._ears:
            self._renewal.set()

    # --- The connection's life ------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._one_connection()
                if self._healthy:
                    failures = 0
                    continue
                why = "the provider ends every connection at once"
            except LineRefused as refusal:
                self._give_up(str(refusal))
                return
            except (LineBroken, OSError, TimeoutError) as trouble:
                why = str(trouble) or "the provider did not answer in time"
            if self._healthy:
                failures = 0
            if failures >= len(self._options.pauses_s):
                self._give_up(why)
                return
            self.troubles.append(why)
            if self._options.on_reconnect is not None:
                self._options.on_reconnect(why)
            await asyncio.sleep(self._options.pauses_s[failures])
            failures += 1

    async def _one_connection(self) -> None:
        """Hold one connection to its end; returns when it is to be replaced."""
        self._healthy = self._wants_renewal = False
        self._renewal.clear()
        timer: asyncio.TimerHandle | None = None
        try:
            async with asyncio.timeout(self._options.connect_s):
                await self._connect()
            self.connections += 1
            self._out.clear()
            self._live = True
            self._resume()
            timer = asyncio.get_running_loop().call_later(self._options.renew_after_s, self._renew_soon)
            await self._exchange()
        finally:
            self._live = False
            if timer is not None:
                timer.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(_DISCONNECT_S):
                    await self._disconnect()

    async def _exchange(self) -> None:
        loop = asyncio.get_running_loop()
        name = f"call-{self._brief.call_id}-brain"
        tasks = [
            loop.create_task(self._receive(), name=f"{name}-rx"),
            loop.create_task(self._write(), name=f"{name}-tx"),
            loop.create_task(self._renewed(), name=f"{name}-renewal"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live = False
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()
        if tasks[0] in done:
            raise LineBroken("the provider hung up")

    async def _renewed(self) -> None:
        await self._renewal.wait()

    async def _write(self) -> None:
        while True:
            if len(self._out) > _MOST_UNSENT:
                raise LineBroken("the provider takes nothing any more")
            while self._out:
                await self._transmit(self._out.popleft())
            self._out_news.clear()
            await self._out_news.wait()

    def _resume(self) -> None:
        """Stand on a new connection where the one before stood."""
        self._restore()
        self._flush_head()
        reply = self._reply
        if reply is None:
            return
        reply.breaks += self.connections > 1
        if reply.breaks > len(self._options.pauses_s):
            # Every connection is well until it is to answer: another one will be no better.
            self._reply = None
            reply.fail("the provider breaks off with every answer")
            return
        if reply.has_sounded:
            for speech in reply.speeches:
                speech.break_off()
            told = Told(prompt.cut_off(reply.speeches[-1].text))
            self.memory.append(told)
            self._tell(told)
        reply.key = ""
        reply.wait_again()
        self._request(reply)

    def _give_up(self, why: str) -> None:
        self._failure = why
        if self._reply is not None:
            self._reply.fail(why)
        for utterance in (*self._ears, *(one for one in self.memory if isinstance(one, LiveUtterance))):
            if utterance.text is None:
                utterance.fail(why)
