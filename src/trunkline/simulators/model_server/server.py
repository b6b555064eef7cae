"""A stand-in as a process: one event loop, one HTTP server, no threads and no database."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from trunkline.simulators.loop_server import serving_app
from trunkline.simulators.model_server.plan import Answer, Asked, Fault, Plan, answer_of
from trunkline.simulators.model_server.wire import Embeds, ListsModels, Refused, Wire

_INSTEAD = (Fault.TOO_MANY, Fault.ERROR, Fault.OVERLOADED)


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A stand-in that takes requests at `base_url`; `plan` is what it answers and what it was asked."""

    base_url: str
    plan: Plan


@asynccontextmanager
async def serving(
    wire: Wire, plan: Plan | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[RunningModel]:
    """Serve on the running loop while the block runs. Raises OSError if the port is taken."""
    plan = plan or Plan()
    app = Starlette(routes=_Api(wire, plan).routes())
    async with serving_app(app, host=host, port=port) as at:
        yield RunningModel(f"http://{at}", plan)


async def main(wire: Wire, plan: Plan, *, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; the process's entry. `on_ready` gets the address."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with serving(wire, plan, host=host, port=port) as running:
        on_ready(running.base_url)
        await over.wait()


class _Api:
    """The provider's door, and the one by which answers are planned."""

    def __init__(self, wire: Wire, plan: Plan) -> None:
        self._wire = wire
        self._plan = plan

    def routes(self) -> list[Route]:
        wire = self._wire
        return [
            *([Route(wire.models_path, self._models)] if isinstance(wire, ListsModels) else ()),
            *(
                [Route(wire.embeddings_path, self._embeddings, methods=["POST"])]
                if isinstance(wire, Embeds)
                else ()
            ),
            Route(wire.path, self._answer, methods=["POST"]),
            Route("/control/answers", self._then, methods=["POST"]),
            Route("/control/asked", self._asked, methods=["GET"]),
        ]

    async def _models(self, request: Request) -> Response:
        assert isinstance(self._wire, ListsModels)
        try:
            return JSONResponse(self._wire.models(self._plan, request.headers))
        except Refused as refusal:
            return JSONResponse(self._wire.error(refusal.status, str(refusal)), refusal.status)

    async def _embeddings(self, request: Request) -> Response:
        wire, plan = self._wire, self._plan
        assert isinstance(wire, Embeds)
        if plan.embedding_fault is not None:
            status = plan.embedding_fault.status or 500
            return JSONResponse(wire.error(status, "as planned"), status)
        try:
            return JSONResponse(wire.embeddings(plan, request.headers, await request.json()))
        except Refused as refusal:
            plan.refused.append(str(refusal))
            return JSONResponse(wire.error(refusal.status, str(refusal)), refusal.status)

    async def _answer(self, request: Request) -> Response:
        wire, plan = self._wire, self._plan
        try:
            try:
                body = await request.json()
            except ValueError as error:
                raise Refused(400, "the body is no JSON") from error
            asked = wire.read(plan, request.path_params, request.headers, body)
        except Refused as refusal:
            plan.refused.append(str(refusal))
            return JSONResponse(wire.error(refusal.status, str(refusal)), refusal.status)
        answer = plan.next_answer(asked)
        if answer.fault in _INSTEAD:
            status = answer.fault.status or 500
            return JSONResponse(wire.error(status, "as planned"), status, headers={"retry-after": "20"})
        return _Stream(wire, plan, asked, answer)

    async def _then(self, request: Request) -> Response:
        try:
            self._plan.then(*(answer_of(data) for data in await request.json()))
        except (ValueError, AttributeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)

    async def _asked(self, _request: Request) -> Response:
        plan = self._plan
        asked = [asdict(one) for one in plan.asked]
        told = {"asked": asked, "refused": plan.refused, "open": plan.open, "abandoned": plan.abandoned}
        return JSONResponse(told)


class _CutOff(Exception):
    """Raised to have the connection cut: an answer without its end is what the server makes of it."""


class _Stream(Response):
    """One answer's body, and the watch for whoever leaves before its end."""

    def __init__(self, wire: Wire, plan: Plan, asked: Asked, answer: Answer) -> None:
        super().__init__(media_type="text/event-stream")
        self._wire = wire
        self._plan = plan
        self._asked = asked
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._plan.open += 1
        write = asyncio.ensure_future(self._write(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait([write, gone], return_when=asyncio.FIRST_COMPLETED)
            if not write.done():
                self._plan.abandoned += 1
        finally:
            for task in (write, gone):
                task.cancel()
            done = await asyncio.gather(write, gone, return_exceptions=True)
            self._plan.open -= 1
        if isinstance(done[0], _CutOff):
            raise done[0]

    async def _write(self, send: Send) -> None:
        wire, asked, answer = self._wire, self._asked, self._answer
        if answer.fault is Fault.MUTE:
            await asyncio.Event().wait()
        if answer.first_s:
            await asyncio.sleep(answer.first_s)
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream")],
            }
        )
        for frame in wire.opening(asked):
            await _send(send, frame)
        for number, text in enumerate(answer.pieces):
            if answer.fault is not None and number == answer.after:
                break
            for frame in wire.piece(asked, text):
                await _send(send, frame)
            if answer.pace_s:
                await asyncio.sleep(answer.pace_s)
        if answer.fault is not None:
            await self._fail(answer.fault, send)
        else:
            for frame in wire.closing(asked, answer.tools):
                await _send(send, frame)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _fail(self, fault: Fault, send: Send) -> None:
        match fault:
            case Fault.STALL:
                await asyncio.Event().wait()
            case Fault.BREAK_OFF:
                raise _CutOff
            case Fault.END_EARLY:
                return
            case Fault.NONSENSE:
                await _send(send, b"event: message\ndata: {half a thou\n\n")
            case Fault.WRONG_SHAPE:
                await _send(send, b'data: {"weather": ["rain"]}\n\n')
            case Fault.LATE_ERROR:
                for frame in self._wire.late_error():
                    await _send(send, frame)


async def _send(send: Send, frame: bytes) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(data: object, *, name: str = "") -> bytes:
    """Return one server-sent event."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
