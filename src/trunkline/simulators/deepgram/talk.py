"""What one of the stand-in's connections has heard and has to say: results by the sound that came.

Pure: bytes counted in, messages out, in the shapes of Deepgram's own SDK.
"""

from __future__ import annotations

import uuid
from typing import Any

from trunkline.simulators.speech_plans import Fault, Hearing, Turn

_BYTES_PER_MS = 8


class Talk:
    """The turns of one connection, one after the other."""

    def __init__(self, plan: Hearing) -> None:
        self._plan = plan
        self._request_id = str(uuid.uuid4())
        self._came_ms = 0.0
        self._turn: Turn | None = None
        self._began_ms = 0.0
        self._told = 0
        self._failed = False

    def hear(self, count: int) -> tuple[list[dict[str, Any]], Fault | None]:
        """Take so many bytes of sound. Return what is told now, and the fault that is due."""
        if self._turn is None:
            self._turn = self._plan.next_turn()
            self._began_ms, self._told, self._failed = self._came_ms, 0, False
        self._came_ms += count / _BYTES_PER_MS
        turn, answers = self._turn, []
        lasted_ms = self._came_ms - self._began_ms
        while self._told < len(turn.interim) and lasted_ms >= (self._told + 1) * self._plan.every_ms:
            answers.append(self._result(turn.interim[self._told], final=False))
            self._told += 1
        if turn.fault is Fault.SILENT and lasted_ms > turn.after_ms:
            answers.append(self._result("" if self._failed else turn.text, final=True))
            self._failed = True
        fault = (
            turn.fault if turn.fault is not None and lasted_ms > turn.after_ms and not self._failed else None
        )
        if fault in {Fault.REORDERED, Fault.SILENT}:
            return answers, None
        self._failed = self._failed or fault is not None
        return answers, fault

    def end(self, *, finalize: bool) -> tuple[list[dict[str, Any]], Fault | None]:
        """The turn is over: everything that is outstanding becomes final."""
        turn, self._turn = self._turn, None
        if turn is None:
            return ([self._result("", final=True, finalize=True)] if finalize else []), None
        lasted_ms = round(self._came_ms - self._began_ms)
        self._plan.heard_ms.append(lasted_ms)
        if turn.fault is Fault.SILENT:
            return [], None
        text = turn.text.format(ms=lasted_ms)
        answers = [self._result(text, final=True, finalize=finalize, confidence=turn.confidence)]
        if turn.fault is Fault.REORDERED:
            # Words of before our first sound, and an interim result that the final one has overtaken.
            early = self._result("words of somebody else", final=True)
            early |= {"start": 0.0, "duration": self._began_ms / 1000}
            answers = [early, *answers]
        return answers, None

    def metadata(self) -> dict[str, Any]:
        return {
            "type": "Metadata", "transaction_key": "deprecated", "request_id": self._request_id, "sha256": "0"
            * 64, "created": "2026-01-01T00:00:00.000Z", "duration": self._came_ms / 1000, "channels": 1,
        }  # fmt: skip

    def configured(self, keyterms: list[str] | None) -> dict[str, Any]:
        return {"type": "ConfigureSuccess", "request_id": self._request_id, "keyterms": keyterms}

    def _result(
        self, text: str, *, final: bool, finalize: bool = False, confidence: float = 0.7
    ) -> dict[str, Any]:
        words = [
            {
                "word": word,
                "start": self._began_ms / 1000,
                "end": self._came_ms / 1000,
                "confidence": confidence,
            }
            for word in text.split()
        ]
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": self._began_ms / 1000,
            "duration": (self._came_ms - self._began_ms) / 1000,
            "is_final": final,
            "speech_final": final,
            "from_finalize": finalize,
            "channel": {"alternatives": [{"transcript": text, "confidence": confidence, "words": words}]},
            "metadata": {
                "request_id": self._request_id,
                "model_uuid": self._request_id,
                "model_info": {"name": "stand-in", "version": "1", "arch": "none"},
            },
        }
