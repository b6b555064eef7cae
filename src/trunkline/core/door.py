"""What a domain's routes ask of the doorway: who is asking, and a transaction in their scope.

The web floor finds out who is asking and leaves it on the request; this is where routes pick it up.
A transaction commits after the endpoint has returned and before the answer is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated

from anyio import CancelScope, CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import Depends, Request
from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.db import SYSTEM, Scope, adopt, database, run_after_commit
from trunkline.core.errors import NotSignedIn

_FINISHING_THREADS = 20
_finishing: RunVar[CapacityLimiter | None] = RunVar("trunkline_finishing")


def principal(request: Request) -> Principal:
    """Return the signed-in person. Raises NotSignedIn."""
    found: Principal | None = getattr(request.state, "principal", None)
    if found is None:
        raise NotSignedIn("Sign in first.")
    return found


PrincipalDep = Annotated[Principal, Depends(principal)]


@asynccontextmanager
async def _transaction(scope: Scope) -> AsyncIterator[Session]:
    unit = database().begin(scope)
    try:
        with adopt(unit):
            yield unit.session
            await _finish(unit.session.commit)
    finally:
        await _finish(unit.session.close)
    await _finish(partial(run_after_commit, unit))


async def _finish(step: Callable[[], None]) -> None:
    """Do a step that ends a transaction, on a thread that no waiting endpoint can hold.

    Endpoints wait for connections on the common threads; were commits to wait for those threads
    too, a burst of requests would stand still, each half holding what the other waits for.
    """
    limiter = _finishing.get(None)
    if limiter is None:
        limiter = CapacityLimiter(_FINISHING_THREADS)
        _finishing.set(limiter)
    with CancelScope(shield=True):  # a request that was given up ends its transaction too
        await to_thread.run_sync(step, limiter=limiter)


async def _business_session(who: PrincipalDep) -> AsyncIterator[Session]:
    async with _transaction(who.scope) as session:
        yield session


async def _system_session() -> AsyncIterator[Session]:
    async with _transaction(SYSTEM) as session:
        yield session


SessionDep = Annotated[Session, Depends(_business_session, scope="function")]
"""A transaction in the business of whoever asks."""

SystemSessionDep = Annotated[Session, Depends(_system_session, scope="function")]
"""A transaction in the system's scope; the endpoint must have asked who may."""
