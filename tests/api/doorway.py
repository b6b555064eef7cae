"""The application in the test's own process, and people who come to its door."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from fastapi import FastAPI
from starlette.exceptions import StarletteDeprecationWarning

from support.installation import TOKEN_KEY
from support.world import PASSWORD
from trunkline.core.settings import ServiceRole
from trunkline.domain.control.places import ControlPlaces, install_places
from trunkline.providers.ports import Grammar, Utterance, Voice
from trunkline.web.app import create_app
from trunkline.web.garbage import Garbage
from trunkline.web.hired import Speech
from trunkline.web.parts import AppParts

with warnings.catch_warnings():
    # Starlette asks for a client library of another name; the one we ship with speaks just as well.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

__all__ = ["HEADERS", "TestClient", "build_app", "open_door", "sign_in"]

HEADERS = {"X-Trunkline": "1"}
"""What our own page sends with every request."""


class Silence:
    """Speech that nobody hears: these tests hold no calls."""

    window_samples = 256

    def open(self, *, language: str, grammar: Grammar | None) -> Utterance:
        raise AssertionError("nobody speaks here")

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        raise AssertionError("nobody listens here")
        yield b""

    def probability(self, pcm: bytes) -> float:
        return 0.0

    async def close(self) -> None:
        """Nothing is open."""


def build_app(
    *,
    role: ServiceRole = ServiceRole.API,
    public_url: str = "http://testserver",
    spool: Path | None = None,
    max_calls: int = 5,
    speech: Speech | None = None,
    upkeep: Callable[[], None] = lambda: None,
    redis_url: str | None = None,
    metrics_token: str | None = None,
) -> FastAPI:
    """Return the application as a process would build it, and have carriers sent to where it is."""
    media_url, longest_call = "ws" + public_url.removeprefix("http"), timedelta(minutes=10)
    install_places(ControlPlaces(public_url, media_url, TOKEN_KEY, longest_call))
    return create_app(
        AppParts(
            role=role,
            public_url=public_url,
            media_url=media_url,
            token_key=TOKEN_KEY,
            spool=spool or Path(tempfile.gettempdir()) / "trunkline-no-spool",
            max_calls=max_calls,
            longest_call=longest_call,
            speech=speech or Speech(stt=Silence(), tts=Silence(), vad=Silence),
            upkeep=upkeep,
            redis_url=redis_url,
            metrics_token=metrics_token,
        )
    )


@contextmanager
def open_door(app: FastAPI, *, base_url: str = "http://testserver") -> Iterator[TestClient]:
    """Run the application and yield a visitor who has not signed in.

    The collector is left alone: of all that the tests have loaded it would be a fifth of a second each time.
    """
    with patch.object(Garbage, "settle"), TestClient(app, base_url=base_url, headers=HEADERS) as visitor:
        yield visitor


def sign_in(visitor: TestClient, email: str, password: str = PASSWORD) -> None:
    """Sign a visitor in; their cookie is in the client from now on."""
    answer = visitor.post("/api/sign-in", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
