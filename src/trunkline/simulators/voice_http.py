"""What the stand-ins for voices over HTTP share: a sentence's sound as a body that comes bit by bit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.responses import JSONResponse, Response, StreamingResponse

from trunkline.simulators.speech_plans import Fault, Sentence, Voicing

_SO_MUCH_IS_HUGE = 64 * 1024 * 1024


class Dropped(Exception):
    """The body ends without its end: the server closes the connection in the middle of a chunk."""


def voiced(
    plan: Voicing, text: str, rate_hz: int, sentence: Sentence, *, encode: Callable[[bytes], bytes], kind: str
) -> Response:
    """Answer with a text's sound, and with what the plan has for it."""
    if sentence.fault is Fault.NONSENSE:
        return JSONResponse({"surprise": "no sound at all"})
    return StreamingResponse(_pieces(plan, text, rate_hz, sentence, encode), media_type=kind)


async def _pieces(
    plan: Voicing, text: str, rate_hz: int, sentence: Sentence, encode: Callable[[bytes], bytes]
) -> AsyncIterator[bytes]:
    finished = False
    try:
        sound = plan.sound(text, rate_hz)
        step = rate_hz * plan.piece_ms // 1000
        for start in range(0, len(sound), step):
            if sentence.fault is not None and start * 1000 >= sentence.after_ms * rate_hz:
                await _fail(sentence.fault)
                break
            yield encode(sound[start : start + step].tobytes())
            await asyncio.sleep(plan.pace * plan.piece_ms / 1000)
        if sentence.fault is Fault.HUGE:
            for _ in range(_SO_MUCH_IS_HUGE // 65_536):
                yield bytes(65_536)
        finished = True
    finally:
        if finished:
            plan.whole += 1
        else:
            plan.cut += 1


async def _fail(fault: Fault) -> None:
    if fault is Fault.STALL:
        await asyncio.Event().wait()
    if fault is Fault.CLOSE:
        raise Dropped
