"""How errors look over HTTP: one JSON shape, `{"error": {code, message, data}}`, for all of them."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from trunkline.core.errors import Conflict, InvalidInput, NotFound, NotReady, TrunklineError
from trunkline.core.telemetry import get_logger
from trunkline.kit.cursors import InvalidCursor
from trunkline.web.bodies import NotTaken

log = get_logger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Render our errors, FastAPI's validation errors, and a database that is away."""

    @app.exception_handler(TrunklineError)
    def ours(_request: Request, error: TrunklineError) -> JSONResponse:
        return render(error)

    @app.exception_handler(NotTaken)
    def not_taken(_request: Request, refusal: NotTaken) -> JSONResponse:
        return refuse_body(refusal.error)

    @app.exception_handler(InvalidCursor)
    def elsewhere(_request: Request, error: InvalidCursor) -> JSONResponse:
        return render(
            InvalidInput(
                f"This cursor is of no use here ({error}); begin with the first page.", reason="no_cursor"
            )
        )

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"path": ".".join(str(part) for part in fault["loc"]), "fault": fault["msg"]}
            for fault in error.errors()
        ]
        return render(InvalidInput("The request is not of the expected form.", faults=faults, reason="form"))

    @app.exception_handler(HTTPException)
    def framework(_request: Request, error: HTTPException) -> JSONResponse:
        code = NotFound.code if error.status_code == NotFound.status else "refused"
        return _answer(error.status_code, code, str(error.detail), {})

    @app.exception_handler(Exception)
    def unexpected(_request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", exc_info=error)
        return render(TrunklineError("Something went wrong here; the trace id finds it in the logs."))

    @app.exception_handler(IntegrityError)
    def contradicted(_request: Request, error: IntegrityError) -> JSONResponse:
        log.warning("request_contradicted", error=str(error.orig))
        return render(Conflict("This contradicts what is there already.", reason="contradicts"))

    @app.exception_handler(DataError)
    def unstorable(_request: Request, error: DataError) -> JSONResponse:
        log.warning("request_unstorable", error=str(error.orig))
        return render(
            InvalidInput(
                "A value cannot be stored: a number out of range, or a NUL in a text.", reason="unstorable"
            )
        )

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def database_away(_request: Request, error: Exception) -> JSONResponse:
        log.warning("database_away", error=str(error))
        return render(NotReady("The database cannot be reached; try again shortly.", retry_after_s=2))


def render(error: TrunklineError) -> JSONResponse:
    """Return the answer for an error of ours, with the trace id a person can quote."""
    return _answer(error.status, error.code, error.message, error.data)


def refuse_body(error: TrunklineError) -> JSONResponse:
    """Return the answer to a request whose body is not taken: the rest of it is not waited for."""
    answer = render(error)
    answer.headers["Connection"] = "close"
    return answer


def _answer(status: int, code: str, message: str, data: dict[str, Any]) -> JSONResponse:
    headers = {"Retry-After": str(int(data["retry_after_s"]))} if "retry_after_s" in data else {}
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    return JSONResponse(
        {"error": {"code": code, "message": message, "data": data, "trace_id": trace_id}},
        status_code=status,
        headers=headers,
    )
