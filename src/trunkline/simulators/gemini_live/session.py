"""One session of the stand-in: its turns, the caller's activity and the one generation at a time.

Refuses to know sockets: it is handed each message and a way to send and to close.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from google.genai import types
from pydantic import ValidationError

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

_HEARS_HZ = 16_000
_SPEAKS_HZ = 24_000
UNUSABLE = 1007
REFUSED = 1008
BROKEN = 1011


@dataclass(slots=True)
class Turn:
    """Something in the conversation, as the model knows it."""

    role: str
    """`user`, `model`, `call` or `output`."""
    text: str
    audio_ms: float = 0.0


@dataclass(slots=True)
class Session:
    """One connection's session."""

    script: VoiceScript
    saved: dict[str, list[Turn]]
    """Conversations by their handle, of all sessions."""
    send: Callable[[str], Awaitable[None]]
    close: Callable[[int, str], Awaitable[None]]
    drop: Callable[[], None]
    setup: types.LiveClientSetup | None = None
    hearing: types.RealtimeInputConfig | None = None
    turns: list[Turn] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the client did wrong."""
    interruptions: int = 0
    cancelled: list[str] = field(default_factory=list)
    _activity_ms: float | None = None
    _generation: asyncio.Task[None] | None = None
    _is_waiting_for_history: bool = False
    _calls: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _number: int = 0
    _is_stalled: bool = False

    async def take(self, raw: str) -> None:
        """Take one message of the client."""
        if self._is_stalled:
            return
        try:
            given = json.loads(raw)
            # The SDK sends it and has it not among the fields of its own type of the setup.
            hearing = given.get("setup", {}).pop("realtimeInputConfig", None)
            self.hearing = types.RealtimeInputConfig.model_validate(hearing) if hearing else self.hearing
            message = types.LiveClientMessage.model_validate_json(json.dumps(given))
        except (ValidationError, ValueError, AttributeError) as error:
            self.faults.append(str(error))
            await self.close(UNUSABLE, "Request contains an invalid argument.")
            return
        self.received += sorted(message.model_dump(exclude_none=True))
        if message.setup is not None:
            await self._set_up(message.setup)
        elif self.setup is None:
            await self.close(UNUSABLE, "setup must be the first message and only the first")
        elif message.client_content is not None:
            await self._contents(message.client_content)
        elif message.realtime_input is not None:
            await self._realtime(message.realtime_input)
        elif message.tool_response is not None:
            await self._tool_response(message.tool_response)

    async def end(self) -> None:
        """The connection is gone."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- What the client may ask ----------------------------------------------------------

    async def _set_up(self, setup: types.LiveClientSetup) -> None:
        handle = setup.session_resumption.handle if setup.session_resumption else None
        if handle is not None:
            if handle not in self.saved:
                await self.close(REFUSED, "BidiGenerateContent session not found")
                return
            self.turns = [replace(turn) for turn in self.saved[handle]]
        history = setup.history_config
        self._is_waiting_for_history = bool(history and history.initial_history_in_client_content)
        self.setup = setup
        await self._message({"setupComplete": {"sessionId": f"session-{id(self):x}"}})

    async def _contents(self, given: types.LiveClientContent) -> None:
        for content in given.turns or []:
            text = "".join(part.text or "" for part in content.parts or [])
            self.turns.append(Turn(content.role or "user", text))
        if not given.turn_complete:
            return
        if self._is_waiting_for_history:
            self._is_waiting_for_history = False
            return
        await self._interrupt()
        self._generate()

    async def _realtime(self, given: types.LiveClientRealtimeInput) -> None:
        if self._is_waiting_for_history:
            self.faults.append("sound before the history was complete")
        if given.activity_start is not None:
            if self._activity_ms is not None:
                self.faults.append("an activity within an activity")
            await self._interrupt()
            self._activity_ms = 0.0
        if given.audio is not None:
            if self._activity_ms is None:
                self.faults.append("sound outside of an activity")
            elif given.audio.mime_type != f"audio/pcm;rate={_HEARS_HZ}":
                self.faults.append(f"sound of type {given.audio.mime_type}")
            else:
                self._activity_ms += len(given.audio.data or b"") * 1000 / 2 / _HEARS_HZ
        if given.activity_end is not None:
            if self._activity_ms is None:
                self.faults.append("the end of no activity")
                return
            turn = Turn("user", "", audio_ms=self._activity_ms)
            self.turns.append(turn)
            self._activity_ms = None
            self._spawn(self._write_down(turn))
            self._generate()

    async def _tool_response(self, given: types.LiveClientToolResponse) -> None:
        for response in given.function_responses or []:
            if response.id not in self._calls:
                self.faults.append(f"an answer to no call: {response.id}")
                continue
            self._calls.discard(response.id)
            self.turns.append(Turn("output", json.dumps(response.response)))
        if not self._calls:
            self._generate()

    # --- What it does ---------------------------------------------------------------------

    def _generate(self) -> None:
        self._generation = self._spawn(self._answer(self.script.next_answer()))

    async def _interrupt(self) -> None:
        """The caller speaks, or something is told: whatever is being said ends."""
        if self._calls:
            self.cancelled += sorted(self._calls)
            await self._message({"toolCallCancellation": {"ids": sorted(self._calls)}})
            self._calls.clear()
        if self._generation is not None and not self._generation.done():
            self._generation.cancel()
            self.interruptions += 1
            await self._content({"interrupted": True})
            await self._content({"turnComplete": True})

    async def _write_down(self, turn: Turn) -> None:
        words = self.script.next_words()
        if words is None:
            return
        await asyncio.sleep(self.script.transcript_after_s)
        turn.text = words
        await self._content({"inputTranscription": {"text": words, "finished": True}})

    async def _answer(self, answer: Answer) -> None:
        spoken_s = 0.0
        for part in answer:
            spoken_s += await self._perform(part)
            if isinstance(part, Use):
                return  # the client has the word now
        await self._content({"generationComplete": True})
        # The server takes it that its sound is played at the pace of speech.
        await asyncio.sleep(spoken_s / self.script.speed)
        await self._content({"turnComplete": True})
        handle = self._id("handle")
        self.saved[handle] = [replace(turn) for turn in self.turns]
        await self._message({"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}})

    async def _perform(self, part: Part) -> float:
        """Do one part of an answer; returns for how long it speaks."""
        match part:
            case Speak(text=text, word_ms=word_ms):
                return await self._speak(text, word_ms)
            case Obey():
                told = next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")
                return await self._speak(wanted_words(told), 300)
            case Use(name=name, arguments=arguments):
                key = self._id("call")
                self._calls.add(key)
                self.turns.append(Turn("call", name))
                call = {"id": key, "name": name, "args": arguments}
                await self._message({"toolCall": {"functionCalls": [call]}})
            case Fail(code=code):
                await self.close(BROKEN, code)
            case Refuse(message=message):
                await self.close(REFUSED, message)
            case Leave(within_s=within_s):
                await self._message({"goAway": {"timeLeft": f"{within_s:g}s"}})
                self._spawn(self._close_after(within_s))
            case Stall():
                self._is_stalled = True
                await asyncio.Event().wait()
            case Drop():
                self.drop()
            case Raw(text=text):
                await self.send(text)
            case Pause(seconds=seconds):
                await asyncio.sleep(seconds)
        return 0.0

    async def _close_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.close(REFUSED, "The session has lasted too long.")

    async def _speak(self, text: str, word_ms: int) -> float:
        turn = Turn("model", "")
        self.turns.append(turn)
        words = text.split()
        for number, word in enumerate(words):
            said = word if number == 0 else f" {word}"
            turn.text += said
            turn.audio_ms += word_ms
            sound = voiced(word_ms, _SPEAKS_HZ)
            step = self.script.chunk_ms * _SPEAKS_HZ // 1000 * 2
            parts = [
                {
                    "inlineData": {
                        "data": b64encode(sound[at : at + step]).decode(),
                        "mimeType": f"audio/pcm;rate={_SPEAKS_HZ}",
                    }
                }
                for at in range(0, len(sound), step)
            ]
            await self._content({"modelTurn": {"role": "model", "parts": parts}})
            await self._content({"outputTranscription": {"text": said}})
            await asyncio.sleep(word_ms / 1000 / self.script.speed)
        return len(words) * word_ms / 1000

    # --- Small things ---------------------------------------------------------------------

    async def _content(self, content: dict[str, Any]) -> None:
        await self._message({"serverContent": content})

    async def _message(self, message: dict[str, Any]) -> None:
        """Send a message, validated by the SDK's type."""
        text = json.dumps(message)
        types.LiveServerMessage.model_validate_json(text)
        if not self._is_stalled:
            await self.send(text)

    def _id(self, what: str) -> str:
        self._number += 1
        return f"{what}-{id(self):x}-{self._number}"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="gemini-stand-in")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
