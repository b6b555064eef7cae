"""The line to OpenAI Realtime: its events taken and told, over the SDK's connection.

Owns what is peculiar to the protocol: which response is whose, one at a time, items and their cutting,
errors and what they are worth. Every event that is used is validated by the SDK's own type; one that
does not pass is noted and left.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from openai import AsyncOpenAI, OpenAIError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import (
    ConversationItemInputAudioTranscriptionCompletedEvent,
    ConversationItemInputAudioTranscriptionDeltaEvent,
    ConversationItemInputAudioTranscriptionFailedEvent,
    InputAudioBufferCommittedEvent,
    RealtimeConversationItemFunctionCall,
    RealtimeErrorEvent,
    ResponseAudioDeltaEvent,
    ResponseAudioTranscriptDeltaEvent,
    ResponseAudioTranscriptDoneEvent,
    ResponseCreatedEvent,
    ResponseDoneEvent,
    ResponseOutputItemDoneEvent,
)
from pydantic import BaseModel, ValidationError
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from trunkline.kit.audio import ulaw_to_pcm
from trunkline.providers.openai_realtime import messages
from trunkline.providers.own_voice.line import LineBroken, LineRefused, LiveLine
from trunkline.providers.own_voice.memory import Told, ToolUse
from trunkline.providers.own_voice.options import VoiceOptions
from trunkline.providers.own_voice.reply import LiveSpeech, Reply
from trunkline.providers.own_voice.utterance import LiveUtterance
from trunkline.providers.ports import CallBrief, ToolCall, ToolSpec

_LARGEST_MESSAGE = 4 * 1024 * 1024
_MOST_UNREADABLE = 20
"""Messages that cannot be read, after which the connection is of no use."""
_HARMLESS = frozenset({"response_cancel_not_active", "input_audio_buffer_commit_empty"})
_PASSING = frozenset({"rate_limit_exceeded", "server_error"})
"""Why a response may fail that would succeed the next time."""
_AGAIN_S = 0.4

Event = TypeVar("Event", bound=BaseModel)


class OpenAILine(LiveLine[str]):
    """One call's line to OpenAI Realtime."""

    says_asides = True

    def __init__(
        self, client: AsyncOpenAI, brief: CallBrief, tools: Sequence[ToolSpec], options: VoiceOptions,
        *, model: str, voice: str, transcriber: str,
    ) -> None:  # fmt: skip
        self._client = client
        self._model, self._voice, self._transcriber = model, voice, transcriber
        self._wire: AsyncRealtimeConnection | None = None
        self._number = 0
        self._has_tried_again = False
        self._asked_for: dict[str, Reply] = {}
        self._mine: dict[str, Reply] = {}
        self._active: str | None = None
        self._waiting: Reply | None = None
        self._commits: dict[str, LiveUtterance] = {}
        self._utterances: dict[str, LiveUtterance] = {}
        self._items: set[str] = set()
        self._unreadable = 0
        self._timer: asyncio.TimerHandle | None = None
        self._takes: dict[str, Callable[[dict[str, Any]], None]] = {
            "error": self._error,
            "session.updated": self._session_updated,
            "input_audio_buffer.committed": self._committed,
            "conversation.item.input_audio_transcription.delta": self._words_delta,
            "conversation.item.input_audio_transcription.completed": self._words_completed,
            "conversation.item.input_audio_transcription.failed": self._words_failed,
            "response.created": self._response_created,
            "response.output_audio.delta": self._audio_delta,
            "response.output_audio_transcript.delta": self._transcript_delta,
            "response.output_audio_transcript.done": self._transcript_done,
            "response.output_item.done": self._item_done,
            "response.done": self._response_done,
        }
        super().__init__(brief, tools, options)

    # --- The connection -------------------------------------------------------------------

    async def _connect(self) -> None:
        limits = {"max_size": _LARGEST_MESSAGE, "compression": None}
        connecting = self._client.realtime.connect(
            model=self._model,
            websocket_connection_options=limits,  # type: ignore[arg-type]
        )
        try:
            self._wire = await connecting.enter()
        except InvalidStatus as error:
            status = error.response.status_code
            said = f"OpenAI answered the connection with {status}"
            if status in {400, 401, 403, 404}:
                raise LineRefused(said) from error
            raise LineBroken(said) from error
        except (WebSocketException, OSError, OpenAIError) as error:
            raise LineBroken(f"OpenAI cannot be reached: {error}") from error
        self._asked_for.clear()
        self._mine.clear()
        self._commits.clear()
        self._utterances.clear()
        self._items.clear()
        self._active = self._waiting = None
        self._unreadable = 0

    async def _disconnect(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for reply in (*self._asked_for.values(), *self._mine.values()):
            if reply is not self._reply:
                reply.stop()  # What was said beside the conversation is not asked for again.
        wire, self._wire = self._wire, None
        if wire is not None:
            try:
                await wire.close()
            finally:
                # A server that does not answer the close is left standing.
                wire._connection.transport.abort()

    async def _receive(self) -> None:
        assert self._wire is not None
        while True:
            try:
                raw = await self._wire.recv_bytes()
            except ConnectionClosed as end:
                raise LineBroken(f"OpenAI closed the connection: {end}") from end
            try:
                message = json.loads(raw)
                take = self._takes.get(message["type"])
                if take is not None:
                    take(message)
            except (ValidationError, ValueError, TypeError, KeyError) as error:
                self._cannot_read(error)

    async def _transmit(self, message: str) -> None:
        assert self._wire is not None
        try:
            await self._wire.send_raw(message)
        except ConnectionClosed as end:
            raise LineBroken(f"OpenAI closed the connection: {end}") from end

    def _cannot_read(self, error: Exception) -> None:
        self._unreadable += 1
        if self._unreadable == 1:
            self.troubles.append(f"unreadable: {type(error).__name__}")
        if self._unreadable >= _MOST_UNREADABLE:
            raise LineBroken("OpenAI's messages cannot be read")

    # --- What is sent ---------------------------------------------------------------------

    def _restore(self) -> None:
        session = messages.session(self._brief, self._specs, voice=self._voice, transcriber=self._transcriber)
        self._send(messages.dumped({"type": "session.update", "event_id": "session", "session": session}))
        for one in self.memory:
            if isinstance(one, LiveUtterance) and one.text is None and one.pcm:
                # Given as sound once more, so that it is written down as well.
                self._sound(one, bytes(one.pcm))
                self._commit(one)
                continue
            for item in messages.items_of(one):
                self._send(messages.dumped({"type": "conversation.item.create", "item": item}))

    def _tell(self, told: Told) -> None:
        self._send(messages.dumped({"type": "conversation.item.create", "item": messages.told(told)}))

    def _sound(self, utterance: LiveUtterance, pcm: bytes) -> None:
        self._send(messages.appended(pcm))

    def _commit(self, utterance: LiveUtterance) -> None:
        event_id = self._next_id("commit")
        self._commits[event_id] = utterance
        self._send(messages.dumped({"type": "input_audio_buffer.commit", "event_id": event_id}))

    def _discard(self, utterance: LiveUtterance) -> None:
        self._send(messages.dumped({"type": "input_audio_buffer.clear"}))

    def _request(self, reply: Reply) -> None:
        if self._active is not None or self._asked_for:
            # One response at a time: the one that was given up has not said its last yet, or not its first.
            self._waiting = reply
            return
        event_id = self._next_id("ask")
        self._asked_for[event_id] = reply
        self._send(
            messages.dumped(
                {
                    "type": "response.create",
                    "event_id": event_id,
                    "response": {"metadata": {"ask": event_id}},
                }
            )
        )

    def aside(self, text: str) -> LiveSpeech | None:
        """See `LiveLine.aside`. One response at a time: what the model is asked next waits behind it."""
        if not self._live or self._active is not None or self._asked_for:
            return None
        event_id, reply = self._next_id("aside"), Reply()
        self._asked_for[event_id] = reply
        self._send(messages.dumped(messages.said_aside(text, event_id)))
        return reply.aside(text)

    def _stop(self, reply: Reply) -> None:
        if self._waiting is reply:
            self._waiting = None
        elif reply.key:
            self._send(messages.dumped({"type": "response.cancel", "response_id": reply.key}))
        else:
            self._send(messages.dumped({"type": "response.cancel"}))

    def _truncate(self, speech: LiveSpeech, heard_ms: int) -> None:
        if speech.key not in self._items:
            # It was spoken on another connection; here its words are text, which cannot be cut.
            if speech.heard:
                self._tell(Told(f"[Of your last words the caller heard only: «{speech.heard}».]"))
        elif heard_ms <= 0:
            self._send(messages.dumped({"type": "conversation.item.delete", "item_id": speech.key}))
        else:
            self._send(
                messages.dumped(
                    {
                        "type": "conversation.item.truncate",
                        "item_id": speech.key,
                        "content_index": 0,
                        "audio_end_ms": heard_ms,
                    }
                )
            )

    def _answer_tool(self, use: ToolUse) -> None:
        items = [messages.tool_answered(use)]
        if use.connection != self.connections:
            items.insert(0, messages.tool_asked(use))
        for item in items:
            self._send(messages.dumped({"type": "conversation.item.create", "item": item}))

    def _next_id(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._number}"

    # --- What comes: the caller's words ---------------------------------------------------

    def _committed(self, message: dict[str, Any]) -> None:
        event = InputAudioBufferCommittedEvent.model_validate(message)
        if self._commits:
            utterance = self._commits.pop(next(iter(self._commits)))
            utterance.key = event.item_id
            self._utterances[event.item_id] = utterance

    def _words_delta(self, message: dict[str, Any]) -> None:
        event = ConversationItemInputAudioTranscriptionDeltaEvent.model_validate(message)
        if (utterance := self._utterances.get(event.item_id)) is not None and event.delta:
            utterance.hear_words(event.delta)

    def _words_completed(self, message: dict[str, Any]) -> None:
        event = ConversationItemInputAudioTranscriptionCompletedEvent.model_validate(message)
        if (utterance := self._utterances.pop(event.item_id, None)) is not None:
            utterance.settle(event.transcript)

    def _words_failed(self, message: dict[str, Any]) -> None:
        event = ConversationItemInputAudioTranscriptionFailedEvent.model_validate(message)
        if (utterance := self._utterances.pop(event.item_id, None)) is not None:
            utterance.fail(event.error.message or "OpenAI could not write it down")

    # --- What comes: answers --------------------------------------------------------------

    def _response_created(self, message: dict[str, Any]) -> None:
        response = ResponseCreatedEvent.model_validate(message).response
        reply = self._asked_for.pop(str((response.metadata or {}).get("ask")), None)
        self._active = response.id
        if reply is not None and response.id:
            reply.key = response.id
            self._mine[response.id] = reply
            if reply.is_over:
                self._stop(reply)

    def _of(self, response_id: str) -> Reply | None:
        """Return the answer that is waited for, if this response is it."""
        reply = self._mine.get(response_id)
        return None if reply is None or reply.is_over else reply

    def _audio_delta(self, message: dict[str, Any]) -> None:
        event = ResponseAudioDeltaEvent.model_validate(message)
        if (reply := self._of(event.response_id)) is not None:
            self._items.add(event.item_id)
            self._speech_of(reply, event.item_id).add(ulaw_to_pcm(b64decode(event.delta, validate=True)))

    def _transcript_delta(self, message: dict[str, Any]) -> None:
        event = ResponseAudioTranscriptDeltaEvent.model_validate(message)
        if (reply := self._of(event.response_id)) is not None:
            self._items.add(event.item_id)
            self._speech_of(reply, event.item_id).add_words(event.delta)

    def _transcript_done(self, message: dict[str, Any]) -> None:
        event = ResponseAudioTranscriptDoneEvent.model_validate(message)
        if (reply := self._of(event.response_id)) is not None:
            self._speech_of(reply, event.item_id).set_words(event.transcript)

    def _item_done(self, message: dict[str, Any]) -> None:
        event = ResponseOutputItemDoneEvent.model_validate(message)
        reply, item = self._of(event.response_id), event.item
        if reply is not None and isinstance(item, RealtimeConversationItemFunctionCall):
            arguments = json.loads(item.arguments or "{}")
            if not isinstance(arguments, dict):
                raise TypeError("a tool's arguments are an object")
            self._tool_asked(reply, ToolCall(item.call_id or item.id or "", item.name, arguments))

    def _response_done(self, message: dict[str, Any]) -> None:
        response = ResponseDoneEvent.model_validate(message).response
        reply = self._mine.pop(response.id or "", None)
        if response.id == self._active:
            self._active = None
        if reply is not None and not reply.is_over:
            error = response.status_details.error if response.status_details else None
            code = (error and (error.code or error.type)) or "unknown"
            if response.status != "failed":
                if response.status == "incomplete" and response.status_details:
                    self.troubles.append(f"incomplete: {response.status_details.reason}")
                self._has_tried_again = False
                self._reply_over(reply)
            elif (
                code in _PASSING and self._reply is reply and not (reply.has_sounded or self._has_tried_again)
            ):
                self.troubles.append(code)
                self._has_tried_again = True
                self._timer = asyncio.get_running_loop().call_later(_AGAIN_S, self._ask_again, reply)
            else:
                reply.fail(f"OpenAI could not answer: {code}")
        self._ask_for_waiting()

    def _ask_for_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._request(waiting)

    def _ask_again(self, reply: Reply) -> None:
        if self._live and not reply.is_over:
            reply.wait_again()
            self._request(reply)

    # --- What comes: the session and its trouble ------------------------------------------

    def _session_updated(self, _message: dict[str, Any]) -> None:
        self._healthy = True

    def _error(self, message: dict[str, Any]) -> None:
        error = RealtimeErrorEvent.model_validate(message).error
        code = error.code or error.type
        asked = self._asked_for.pop(error.event_id or "", None)
        committed = self._commits.pop(error.event_id or "", None)
        if error.event_id == "session" or code == "insufficient_quota":
            raise LineRefused(f"OpenAI refused the session: {error.message}")
        if code == "session_expired":
            raise LineBroken("OpenAI's session has expired")
        if committed is not None:
            committed.fail(error.message)
        if asked is not None and not asked.is_over:
            asked.fail(f"OpenAI refused to answer: {error.message}")
        elif code not in _HARMLESS:
            self.troubles.append(f"{code}: {error.message}"[:200])
        if asked is not None:
            self._ask_for_waiting()
