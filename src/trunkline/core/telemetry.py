"""Logs: structured, with trace id, business and job on every line, and secrets taken out."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from trunkline.kit.ids import new_id

_SECRET_KEYS = re.compile(r"password|secret|token|authorization|api_?key|cookie|signature", re.IGNORECASE)
_SECRET_VALUES = re.compile(r"(://[^:/@\s]*:)[^@\s]+(@)|(bearer\s+)\S+", re.IGNORECASE)
_HIDDEN = "[redacted]"


def configure_logging(*, style: Literal["json", "console"], level: str) -> None:
    """Set up structlog and let the standard library's loggers flow through the same pipe."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # RQ tells of every wake-up at INFO; the ledger's own lines say what matters.
    for chatty in ("rq.worker", "httpx", "httpcore", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        # What the level leaves out costs nothing.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values under secret-sounding keys, and credentials inside any text."""
    for key, value in event.items():
        event[key] = _HIDDEN if _SECRET_KEYS.search(key) and value is not None else _redact_value(value)
    return event


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_VALUES.sub(lambda m: f"{m[1] or m[3]}{_HIDDEN}{m[2] or ''}", value)
    if isinstance(value, dict):
        return {
            key: _HIDDEN if _SECRET_KEYS.search(str(key)) else _redact_value(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_redact_value(inner) for inner in value]
    return value


def current_trace_id() -> str:
    """Return the trace id of the work in hand, or a fresh one where nobody has bound any.

    It binds nothing itself: on a pool's thread that would hold for whatever comes next.
    """
    return str(structlog.contextvars.get_contextvars().get("trace_id") or new_id().hex)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger named after a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
