"""The line to Gemini Live: its messages taken and told, over the SDK's session.

Owns what is peculiar to the protocol: activities of the caller that we begin and end, turns of the
model in a row, resumption by handle, notice of the end. The server can neither be told to stop nor to
forget what was not heard: an answer that nobody wants is let pass, and what was heard is told.

An activity begins only when it is surely a turn, because its end makes the model answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.kit.resample import StreamResampler
from trunkline.providers.call_prompt import GONE_ON, on_the_line
from trunkline.providers.gemini_live import messages
from trunkline.providers.own_voice.line import LineBroken, LineRefused, LiveLine
from trunkline.providers.own_voice.memory import Memory, Told, ToolUse
from trunkline.providers.own_voice.options import VoiceOptions
from trunkline.providers.own_voice.reply import LiveSpeech, Reply
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import SAMPLE_RATE, CallBrief, ToolCall, ToolSpec

_HEARS_HZ = 16_000
_SPEAKS_HZ = 24_000
_RATE = re.compile(r"rate=(\d+)")
_SURELY_MS = 800
"""So much sound, the pre-roll included, is no cough any more."""
_BATCH_MS = 60
"""Sound is sent in pieces of this length."""
_REFUSALS = frozenset({1007, 1008})
"""Close codes for a key, a model or a session that will never do."""
_MOST_UNREADABLE = 20
_WORDS_S = 1.5
"""How long after an answer the words that it answers are still waited for."""
_EMPTY_S = 1.0
"""How long after the end of a turn that said nothing something may still come."""
_BEFORE_END_S = 1.0
"""How long before an announced end we leave, whatever is going on."""

Sending = Callable[[AsyncSession], Awaitable[None]]


class GeminiLine(LiveLine[Sending]):
    """One call's line to Gemini Live."""

    def __init__(
        self, client: genai.Client, brief: CallBrief, tools: Sequence[ToolSpec], options: VoiceOptions,
        *, model: str, voice: str,
    ) -> None:  # fmt: skip
        self._client = client
        self._model, self._voice = model, voice
        self._context: AbstractAsyncContextManager[AsyncSession] | None = None
        self._wire: AsyncSession | None = None
        self._handle: str | None = None
        self._handle_covers = 0
        """How many of the things remembered the handle's session knows."""
        self._expected: deque[Reply] = deque()
        self._was_interrupted = False
        self._notes: list[str] = []
        self._to_tell: Told | None = None
        self._tool_answers: list[ToolUse] = []
        self._cancelled: set[str] = set()
        self._is_active = False
        self._held = bytearray()
        self._up = StreamResampler(SAMPLE_RATE, _HEARS_HZ)
        self._down = StreamResampler(_SPEAKS_HZ, SAMPLE_RATE)
        self._hearing: LiveUtterance | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unreadable = 0
        super().__init__(brief, tools, options)

    # --- The connection -------------------------------------------------------------------

    async def _connect(self) -> None:
        has_history = self._handle is None and bool(messages.contents_of(self._past()))
        config = messages.session(
            self._brief, self._specs, voice=self._voice, handle=self._handle, has_history=has_history
        )
        context = self._client.aio.live.connect(model=self._model, config=config)
        try:
            self._wire = await context.__aenter__()
        except errors.APIError as error:
            handle, self._handle = self._handle, None
            # A handle that has grown old is no reason to give up: all is told again.
            if error.code in _REFUSALS and handle is None:
                raise LineRefused(f"Gemini refused the session: {error}") from error
            raise LineBroken(f"Gemini closed the connection: {error}") from error
        except InvalidStatus as error:
            status = error.response.status_code
            if status in {400, 401, 403, 404}:
                raise LineRefused(f"Gemini answered the connection with {status}") from error
            raise LineBroken(f"Gemini answered the connection with {status}") from error
        except (WebSocketException, OSError, ValueError) as error:
            raise LineBroken(f"Gemini cannot be reached: {error}") from error
        self._context = context
        self._expected.clear()
        self._was_interrupted = self._is_active = False
        self._tool_answers, self._to_tell = [], None
        self._held.clear()
        self._unreadable = 0

    async def _disconnect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        context, self._context = self._context, None
        wire, self._wire = self._wire, None
        if context is not None and wire is not None:
            try:
                await context.__aexit__(None, None, None)
            finally:
                # A server that does not answer the close is left standing.
                wire._ws.transport.abort()

    async def _receive(self) -> None:
        assert self._wire is not None
        while True:
            try:
                # The SDK ends its iteration with each turn.
                async for message in self._wire.receive():
                    self._take(message)
            except errors.APIError as error:
                if error.code in _REFUSALS and not self._healthy:
                    raise LineRefused(f"Gemini refused the session: {error}") from error
                if isinstance(error.code, int) and error.code >= 1000:
                    raise LineBroken(f"Gemini closed the connection: {error}") from error
                self._cannot_read(error)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                self._cannot_read(error)

    async def _transmit(self, message: Sending) -> None:
        assert self._wire is not None
        try:
            await message(self._wire)
        except ConnectionClosed as end:
            raise LineBroken(f"Gemini closed the connection: {end}") from end

    def _cannot_read(self, error: Exception) -> None:
        self._unreadable += 1
        if self._unreadable == 1:
            self.troubles.append(f"unreadable: {type(error).__name__}")
        if self._unreadable >= _MOST_UNREADABLE:
            raise LineBroken("Gemini's messages cannot be read")

    # --- What is sent ---------------------------------------------------------------------

    def _past(self) -> list[Memory]:
        """Return what a new session does not know yet and is not about to be asked."""
        past = self._unknown()
        if past and isinstance(past[-1], Told):
            past.pop()
        return past

    def _unknown(self) -> list[Memory]:
        return self.memory[self._handle_covers :] if self._handle is not None else list(self.memory)

    def _restore(self) -> None:
        past = self._past()
        last = self._unknown()[-1:]
        self._to_tell = last[0] if last and isinstance(last[0], Told) else None
        contents = messages.contents_of(past)
        if contents:
            # A session that was resumed is in the midst of its history; a new one waits for it.
            self._send_content(contents, answer=self._handle is None)
        if self._handle is None:
            self._notes.clear()
        for one in past:
            if isinstance(one, LiveUtterance) and one.text is None and one.pcm:
                self._sound(one, bytes(one.pcm))
                self._commit(one)

    def _tell(self, told: Told) -> None:
        if self._to_tell is not None:
            # The turn that was to answer it was given up before it was asked for.
            self._notes.append(self._to_tell.text)
        self._to_tell = told

    def _sound(self, utterance: LiveUtterance, pcm: bytes) -> None:
        self._hear(utterance)
        self._held += pcm
        is_sure = self._is_active or (len(self._held) >= _SURELY_MS * BYTES_PER_MS and not self._expected)
        if is_sure and len(self._held) >= _BATCH_MS * BYTES_PER_MS:
            self._give_sound()

    def _hear(self, utterance: LiveUtterance) -> None:
        if self._hearing is not utterance:
            if self._hearing is not None and self._hearing.is_finished:
                self._hearing.settle()
            self._hearing = utterance

    def _give_sound(self) -> None:
        if not self._is_active:
            self._is_active = True
            self._up = StreamResampler(SAMPLE_RATE, _HEARS_HZ)
            self._send(lambda wire: wire.send_realtime_input(activity_start=types.ActivityStart()))
        self._send_sound(self._up.feed(bytes(self._held)))
        self._held.clear()

    def _send_sound(self, data: bytes) -> None:
        if data:
            blob = types.Blob(data=data, mime_type=f"audio/pcm;rate={_HEARS_HZ}")
            self._send(lambda wire: wire.send_realtime_input(audio=blob))

    def _commit(self, utterance: LiveUtterance) -> None:
        # Its end would make the model answer; that is sent when the answer is asked for.
        self._give_sound()
        self._send_sound(self._up.flush())
        self._up = StreamResampler(SAMPLE_RATE, _HEARS_HZ)

    def _discard(self, utterance: LiveUtterance) -> None:
        self._held.clear()

    def _request(self, reply: Reply) -> None:
        told, self._to_tell = self._to_tell, None
        if self._is_active:
            # The caller has spoken since: the server has taken its calls back and takes no answers.
            self._notes += [messages.used(use) for use in self._tool_answers]
            self._tool_answers = []
        texts = [*self._notes, *([told.text] if told is not None else [])]
        contents = [messages.said("user", text) for text in texts]
        if self._tool_answers:
            answers = [messages.tool_answered(use) for use in self._tool_answers]
            self._send(lambda wire: wire.send_tool_response(function_responses=answers))
        elif self._is_active:
            if contents:
                self._send_content(contents, answer=False)
            self._is_active = False
            self._send(lambda wire: wire.send_realtime_input(activity_end=types.ActivityEnd()))
            self._notes.clear()
        else:
            self._send_content(contents or [messages.said("user", on_the_line(GONE_ON))], answer=True)
            self._notes.clear()
        self._tool_answers = []
        self._expected.append(reply)

    def _send_content(self, contents: list[types.Content], *, answer: bool) -> None:
        turns: list[Any] = list(contents)
        self._send(lambda wire: wire.send_client_content(turns=turns, turn_complete=answer))

    def _stop(self, reply: Reply) -> None:
        """Nothing can be said; what still comes of it is let pass."""

    def _truncate(self, speech: LiveSpeech, heard_ms: int) -> None:
        heard = f"Of your last words the caller heard only: «{speech.heard}»."
        self._notes.append(f"[{heard if speech.heard else 'The caller heard nothing of your last words.'}]")

    def _answer_tool(self, use: ToolUse) -> None:
        if use.connection == self.connections and use.call.key not in self._cancelled:
            self._tool_answers.append(use)
        else:
            self._notes.append(messages.used(use))

    # --- What comes -----------------------------------------------------------------------

    def _take(self, message: types.LiveServerMessage) -> None:
        if message.server_content is not None:
            self._content(message.server_content)
        if message.tool_call is not None:
            self._tools_asked(message.tool_call)
        if message.tool_call_cancellation is not None:
            self._tools_cancelled(message.tool_call_cancellation.ids or [])
        update = message.session_resumption_update
        if update is not None and update.resumable and update.new_handle:
            self._handle, self._handle_covers = update.new_handle, self._covered()
        if message.go_away is not None:
            self._leave(message.go_away.time_left or "")

    def _covered(self) -> int:
        """Return how much of what is remembered the session knows: what is being asked it may not."""
        count = len(self.memory)
        if self._to_tell is not None:
            return next(at for at, one in enumerate(self.memory) if one is self._to_tell)
        if self._expected:
            while count and isinstance(self.memory[count - 1], Told | LiveUtterance | LiveSpeech):
                count -= 1
                if not isinstance(self.memory[count], LiveSpeech):
                    break
        return count

    def _content(self, content: types.LiveServerContent) -> None:
        if content.input_transcription is not None and self._hearing is not None:
            self._hearing.hear_words(content.input_transcription.text or "")
            if content.input_transcription.finished:
                self._hearing.settle()
        reply = self._expected[0] if self._expected else None
        if reply is not None:
            self._sound_of(reply, content)
        if content.interrupted and reply is not None and (reply.is_over or reply.speeches):
            self._turn_over(reply)
            self._was_interrupted = True
        elif content.generation_complete and reply is not None and reply.speeches:
            self._all_said(reply)
        if content.turn_complete:
            self._turn_complete()

    def _sound_of(self, reply: Reply, content: types.LiveServerContent) -> None:
        parts = (content.model_turn.parts if content.model_turn else None) or []
        for part in parts:
            blob = part.inline_data
            if blob is not None and blob.data and not reply.is_over:
                found = _RATE.search(blob.mime_type or "")
                self._voice_of(reply, int(found[1]) if found else _SPEAKS_HZ).add(self._down.feed(blob.data))
        words = content.output_transcription.text if content.output_transcription else None
        if words and (reply.speeches or not reply.is_over):
            # Words may come behind the sound, also when all of it has come.
            speech = reply.speeches[-1] if reply.speeches else self._voice_of(reply, _SPEAKS_HZ)
            speech.add_words(words)

    def _voice_of(self, reply: Reply, rate: int) -> LiveSpeech:
        if not reply.key:
            reply.key = f"{self.connections}.{len(self.memory)}"
            self._down = StreamResampler(rate, SAMPLE_RATE)
        return self._speech_of(reply, reply.key)

    def _all_said(self, reply: Reply) -> None:
        if not reply.is_over:
            reply.speeches[-1].add(self._down.flush())
            if self._hearing is not None and self._hearing.is_finished:
                # Words and answers come in no order; what has not come by then will not.
                asyncio.get_running_loop().call_later(_WORDS_S, self._hearing.settle)
            self._reply_over(reply)

    def _turn_complete(self) -> None:
        if self._was_interrupted:
            self._was_interrupted = False
            return
        reply = self._expected[0] if self._expected else None
        if reply is None:
            return
        if not reply.speeches and not reply.is_over:
            # An answer without a word, or the late end of the turn before: time will tell.
            asyncio.get_running_loop().call_later(_EMPTY_S, self._was_empty, reply)
            return
        if reply.speeches:
            self._all_said(reply)
        self._turn_over(reply)

    def _was_empty(self, reply: Reply) -> None:
        if reply in self._expected and not reply.speeches:
            self._turn_over(reply)

    def _turn_over(self, reply: Reply) -> None:
        self._expected.remove(reply)
        if not reply.is_over:
            self._reply_over(reply)

    def _tools_asked(self, asked: types.LiveServerToolCall) -> None:
        reply = self._expected[0] if self._expected else None
        if reply is None:
            return
        for call in asked.function_calls or []:
            if call.name and not reply.is_over:
                self._tool_asked(reply, ToolCall(call.id or "", call.name, call.args or {}))
        self._turn_over(reply)

    def _tools_cancelled(self, ids: list[str]) -> None:
        self._cancelled.update(ids)
        for use in self._tool_answers:
            if use.call.key in ids:
                self._notes.append(messages.used(use))
        self._tool_answers = [use for use in self._tool_answers if use.call.key not in ids]

    def _leave(self, time_left: str) -> None:
        seconds = float(time_left.rstrip("s") or 0)
        delay_s = max(0.0, seconds - _BEFORE_END_S)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._renewal.set)
        self._renew_soon()
