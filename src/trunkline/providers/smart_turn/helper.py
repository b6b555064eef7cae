"""The program that runs Smart Turn: `python -m trunkline.providers.smart_turn.helper`.

A request is `{"model": path}` with 8 kHz PCM as its body; the answer is `{"over": probability}`.
"""

from __future__ import annotations

import signal
from functools import cache
from typing import Any

import onnxruntime

from trunkline.kit.processes import die_with_parent
from trunkline.kit.resample import resample
from trunkline.providers.local_speech.wire import Message, serve
from trunkline.providers.ports import SAMPLE_RATE
from trunkline.providers.smart_turn.features import RATE, features


@cache
def _session(path: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, sess_options=options, providers=["CPUExecutionProvider"])


def handle(request: dict[str, Any], body: bytes) -> Message:
    """Judge one turn."""
    heard = features(resample(body, SAMPLE_RATE, RATE))
    (over,) = _session(request["model"]).run(None, {"input_features": heard})
    return {"over": float(over.reshape(-1)[0])}, b""


if __name__ == "__main__":
    die_with_parent(signal.SIGKILL)
    serve(handle)
