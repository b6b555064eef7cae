"""One session of the stand-in: its conversation, its sound buffer and the one response at a time.

Refuses to know sockets: it is handed each message and a way to send.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from openai.types import realtime as types
from pydantic import BaseModel, ValidationError

from trunkline.kit.audio import pcm_to_ulaw
from trunkline.simulators.voice_script import (
    Answer,
    Drop,
    Fail,
    Leave,
    Obey,
    Part,
    Pause,
    Raw,
    Refuse,
    Speak,
    Stall,
    Use,
    VoiceScript,
    voiced,
    wanted_words,
)

_RATE = 8_000
_LEAST_COMMIT_MS = 100


@dataclass(slots=True)
class Item:
    """One item of the conversation, as the model knows it."""

    id: str
    role: str
    """`system`, `user`, `assistant`, `call` or `output`."""
    text: str
    audio_ms: float = 0.0
    truncated_ms: int | None = None


@dataclass(slots=True)
class Session:
    """One connection's session. Times are the loop's."""

    script: VoiceScript
    send: Callable[[str], Awaitable[None]]
    drop: Callable[[], None]
    settings: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    received: list[tuple[float, str]] = field(default_factory=list)
    """When which type of message came."""
    faults: list[str] = field(default_factory=list)
    """What the client did wrong."""
    asides: list[str] = field(default_factory=list)
    """What was said beside the conversation, word for word as it was told."""
    _is_aside: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _response: asyncio.Task[None] | None = None
    _cancelled: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _number: int = 0
    _is_stalled: bool = False

    async def begin(self) -> None:
        """Greet the client."""
        await self._event(types.SessionCreatedEvent, type="session.created", session=self._view())

    async def take(self, raw: str) -> None:
        """Take one message of the client."""
        loop = asyncio.get_running_loop()
        if self._is_stalled:
            return
        try:
            message = json.loads(raw)
            kind = message["type"]
            event_type, answer = self._client_events()[kind]
            event: Any = event_type.model_validate(message)
        except (ValueError, KeyError, ValidationError) as error:
            await self._error("invalid_request_error", f"unusable message: {error!r}"[:300], None)
            return
        self.received.append((loop.time(), kind))
        await answer(event)

    async def end(self) -> None:
        """The connection is gone."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- What the client may ask ----------------------------------------------------------

    def _client_events(self) -> dict[str, tuple[type[BaseModel], Callable[[Any], Awaitable[None]]]]:
        return {
            "session.update": (types.SessionUpdateEvent, self._update),
            "conversation.item.create": (types.ConversationItemCreateEvent, self._create_item),
            "conversation.item.delete": (types.ConversationItemDeleteEvent, self._delete_item),
            "conversation.item.truncate": (types.ConversationItemTruncateEvent, self._truncate_item),
            "input_audio_buffer.append": (types.InputAudioBufferAppendEvent, self._append),
            "input_audio_buffer.commit": (types.InputAudioBufferCommitEvent, self._commit),
            "input_audio_buffer.clear": (types.InputAudioBufferClearEvent, self._clear),
            "response.create": (types.ResponseCreateEvent, self._create_response),
            "response.cancel": (types.ResponseCancelEvent, self._cancel_response),
        }

    async def _update(self, event: types.SessionUpdateEvent) -> None:
        self.settings.update(event.session.to_dict(mode="json"))
        await self._event(types.SessionUpdatedEvent, type="session.updated", session=self._view())

    async def _create_item(self, event: types.ConversationItemCreateEvent) -> None:
        given = event.item.to_dict(mode="json")
        item = Item(str(given.get("id") or self._id("item")), *_role_and_text(given))
        self.items.append(item)
        await self._event(
            types.ConversationItemAdded,
            type="conversation.item.added",
            item={**given, "id": item.id},
        )

    async def _delete_item(self, event: types.ConversationItemDeleteEvent) -> None:
        if self._item(event.item_id) is None:
            await self._error("item_delete_invalid_item_id", "no such item", event.event_id)
            return
        self.items = [item for item in self.items if item.id != event.item_id]
        await self._event(
            types.ConversationItemDeletedEvent, type="conversation.item.deleted", item_id=event.item_id
        )

    async def _truncate_item(self, event: types.ConversationItemTruncateEvent) -> None:
        item = self._item(event.item_id)
        if item is None or item.role != "assistant" or event.audio_end_ms > item.audio_ms:
            await self._error("invalid_value", f"cannot truncate {event.item_id}", event.event_id)
            return
        item.truncated_ms = event.audio_end_ms
        # As the provider does: no text is kept that was not heard.
        item.text = ""
        await self._event(
            types.ConversationItemTruncatedEvent,
            type="conversation.item.truncated",
            item_id=item.id,
            audio_end_ms=event.audio_end_ms,
            content_index=event.content_index,
        )

    async def _append(self, event: types.InputAudioBufferAppendEvent) -> None:
        self._buffer += b64decode(event.audio, validate=True)

    async def _clear(self, _event: types.InputAudioBufferClearEvent) -> None:
        self._buffer.clear()
        await self._event(types.InputAudioBufferClearedEvent, type="input_audio_buffer.cleared")

    async def _commit(self, event: types.InputAudioBufferCommitEvent) -> None:
        heard_ms = len(self._buffer) * 1000 / _RATE
        if heard_ms < _LEAST_COMMIT_MS:
            await self._error("input_audio_buffer_commit_empty", "buffer too small", event.event_id)
            return
        self._buffer.clear()
        item = Item(self._id("item"), "user", "", audio_ms=heard_ms)
        self.items.append(item)
        await self._event(
            types.InputAudioBufferCommittedEvent, type="input_audio_buffer.committed", item_id=item.id
        )
        self._spawn(self._write_down(item))

    async def _create_response(self, event: types.ResponseCreateEvent) -> None:
        if self._response is not None and not self._response.done():
            await self._error(
                "conversation_already_has_active_response", "one response at a time", event.event_id
            )
            return
        self._cancelled = False
        asked: dict[str, Any] = event.response.to_dict(mode="json") if event.response else {}
        metadata = dict(asked.get("metadata") or {})
        self._is_aside = asked.get("conversation") == "none"
        if self._is_aside:
            answer: Answer = (Speak(wanted_words(_role_and_text(asked["input"][-1])[1])),)
        else:
            answer = self.script.next_answer()
        self._response = self._spawn(self._respond(answer, metadata, event.event_id))

    async def _cancel_response(self, event: types.ResponseCancelEvent) -> None:
        if self._response is None or self._response.done():
            await self._error("response_cancel_not_active", "no response is active", event.event_id)
            return
        self._cancelled = True

    # --- What it does ---------------------------------------------------------------------

    async def _write_down(self, item: Item) -> None:
        words = self.script.next_words()
        await asyncio.sleep(self.script.transcript_after_s)
        kind = "conversation.item.input_audio_transcription"
        if words is None:
            await self._event(
                types.ConversationItemInputAudioTranscriptionFailedEvent, type=f"{kind}.failed",
                item_id=item.id, content_index=0, error={"message": "could not be made out"},
            )  # fmt: skip
            return
        item.text = words
        await self._event(
            types.ConversationItemInputAudioTranscriptionDeltaEvent, type=f"{kind}.delta",
            item_id=item.id, content_index=0, delta=words,
        )  # fmt: skip
        await self._event(
            types.ConversationItemInputAudioTranscriptionCompletedEvent, type=f"{kind}.completed",
            item_id=item.id, content_index=0, transcript=words, usage={"type": "duration", "seconds": 1.0},
        )  # fmt: skip

    async def _respond(self, answer: Answer, metadata: dict[str, str], asked_by: str | None) -> None:
        if isinstance(answer[0], Refuse):
            await self._error(answer[0].code, answer[0].message, asked_by)
            return
        response = {"id": self._id("resp"), "object": "realtime.response", "metadata": metadata}
        await self._event(
            types.ResponseCreatedEvent,
            type="response.created",
            response={**response, "status": "in_progress", "output": []},
        )
        status, details = "completed", None
        for index, part in enumerate(answer):
            failure = await self._perform(part, response["id"], index)
            if failure is not None:
                status, details = "failed", {"type": "failed", "error": {"code": failure, "type": failure}}
                break
            if self._cancelled:
                status, details = "cancelled", {"type": "cancelled", "reason": "client_cancelled"}
                break
        await self._event(
            types.ResponseDoneEvent,
            type="response.done",
            response={**response, "status": status, "status_details": details, "output": []},
        )
        await self._event(types.RateLimitsUpdatedEvent, type="rate_limits.updated", rate_limits=[])

    async def _perform(self, part: Part, response_id: Any, index: int) -> str | None:
        """Do one part of an answer; returns the code where the answer fails by it."""
        match part:
            case Speak(text=text, word_ms=word_ms):
                await self._speak(text, word_ms, response_id, index)
            case Obey():
                told = next((item.text for item in reversed(self.items) if item.role == "system"), "")
                await self._speak(wanted_words(told), 300, response_id, index)
            case Use():
                await self._use(part, response_id, index)
            case Fail(code=code):
                return code
            case Refuse(code=code, message=message):
                await self._error(code, message, None)
            case Stall():
                self._is_stalled = True
                await asyncio.Event().wait()
            case Drop():
                self.drop()
            case Leave(within_s=within_s):
                await asyncio.sleep(within_s)
                await self._error("session_expired", "Your session hit the maximum duration.", None)
                self.drop()
            case Raw(text=text):
                await self.send(text)
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
        return None

    async def _speak(self, text: str, word_ms: int, response_id: str, index: int) -> None:
        item = Item(self._id("item"), "assistant", "")
        if self._is_aside:
            self.asides.append(text)
        else:
            self.items.append(item)
        about = {
            "response_id": response_id, "item_id": item.id, "output_index": index, "content_index": 0,
        }  # fmt: skip
        for number, word in enumerate(text.split()):
            if self._cancelled:
                break
            said = word if number == 0 else f" {word}"
            item.text += said
            await self._event(
                types.ResponseAudioTranscriptDeltaEvent,
                type="response.output_audio_transcript.delta",
                delta=said,
                **about,
            )
            sound = pcm_to_ulaw(voiced(word_ms, _RATE))
            item.audio_ms += len(sound) * 1000 / _RATE
            step = self.script.chunk_ms * _RATE // 1000
            for at in range(0, len(sound), step):
                await self._event(
                    types.ResponseAudioDeltaEvent,
                    type="response.output_audio.delta",
                    delta=b64encode(sound[at : at + step]).decode(),
                    **about,
                )
            await asyncio.sleep(word_ms / 1000 / self.script.speed)
        await self._event(
            types.ResponseAudioTranscriptDoneEvent, type="response.output_audio_transcript.done",
            transcript=item.text, **about,
        )  # fmt: skip
        await self._event(types.ResponseAudioDoneEvent, type="response.output_audio.done", **about)

    async def _use(self, part: Use, response_id: str, index: int) -> None:
        item = Item(self._id("item"), "call", part.name)
        self.items.append(item)
        await self._event(
            types.ResponseOutputItemDoneEvent,
            type="response.output_item.done",
            response_id=response_id,
            output_index=index,
            item={
                "type": "function_call", "id": item.id, "name": part.name,
                "call_id": self._id("call"), "arguments": json.dumps(part.arguments), "status": "completed",
            },
        )  # fmt: skip

    # --- Small things ---------------------------------------------------------------------

    async def _event(self, kind: type[BaseModel], **data: Any) -> None:
        """Send an event, validated by the SDK's type."""
        event = kind.model_validate({"event_id": self._id("event"), **data})
        if not self._is_stalled:
            await self.send(event.model_dump_json(exclude_none=True))

    async def _error(self, code: str, message: str, event_id: str | None) -> None:
        self.faults.append(code)
        await self._event(
            types.RealtimeErrorEvent,
            type="error",
            error={
                "type": "invalid_request_error", "code": code, "message": message, "event_id": event_id,
            },
        )  # fmt: skip

    def _view(self) -> dict[str, Any]:
        return {**self.settings, "type": "realtime", "id": "sess_1", "object": "realtime.session"}

    def _item(self, item_id: str) -> Item | None:
        return next((item for item in self.items if item.id == item_id), None)

    def _id(self, what: str) -> str:
        self._number += 1
        return f"{what}_{id(self):x}_{self._number}"

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name="openai-stand-in")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _role_and_text(given: dict[str, Any]) -> tuple[str, str]:
    if given["type"] == "function_call":
        return "call", str(given["name"])
    if given["type"] == "function_call_output":
        return "output", str(given["output"])
    (content,) = given["content"]
    return str(given["role"]), str(content.get("text") or content.get("transcript") or "")
