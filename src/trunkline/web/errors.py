"""How errors look over HTTP: one JSON shape, `{"error": {code, message, data}}`, for all of them."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trunkline.core.errors import InvalidInput, NotReady, TrunklineError
from trunkline.core.telemetry import get_logger

log = get_logger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Render our errors, FastAPI's validation errors, and a database that is away."""

    @app.exception_handler(TrunklineError)
    def ours(_request: Request, error: TrunklineError) -> JSONResponse:
        return render(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            {"path": ".".join(str(part) for part in fault["loc"]), "fault": fault["msg"]}
            for fault in error.errors()
        ]
        return render(InvalidInput("The request is not of the expected form.", faults=faults))

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    def database_away(_request: Request, error: Exception) -> JSONResponse:
        log.warning("database_away", error=str(error))
        return render(NotReady("The database cannot be reached; try again shortly.", retry_after_s=2))


def render(error: TrunklineError) -> JSONResponse:
    """Return the answer for an error of ours, with the trace id a person can quote."""
    headers = {}
    if "retry_after_s" in error.data:
        headers["Retry-After"] = str(int(error.data["retry_after_s"]))
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    return JSONResponse(
        {"error": {"code": error.code, "message": error.message, "data": error.data, "trace_id": trace_id}},
        status_code=error.status,
        headers=headers,
    )
