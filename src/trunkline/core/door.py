"""What a domain's routes ask of the doorway: who is asking, and a transaction in their scope.

The web floor finds out who is asking and leaves it on the request; this is where routes pick it up.
A transaction commits after the endpoint has returned and before the answer is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from trunkline.core.access import Principal
from trunkline.core.db import SYSTEM, Scope, adopt, database, run_after_commit
from trunkline.core.errors import NotSignedIn


def principal(request: Request) -> Principal:
    """Return the signed-in person. Raises NotSignedIn."""
    found: Principal | None = getattr(request.state, "principal", None)
    if found is None:
        raise NotSignedIn("Sign in first.")
    return found


PrincipalDep = Annotated[Principal, Depends(principal)]


async def _transaction(scope: Scope) -> AsyncIterator[Session]:
    unit = database().begin(scope)
    try:
        with adopt(unit):
            yield unit.session
            await run_in_threadpool(unit.session.commit)
    finally:
        await run_in_threadpool(unit.session.close)
    await run_in_threadpool(run_after_commit, unit)


async def _business_session(who: PrincipalDep) -> AsyncIterator[Session]:
    async for session in _transaction(who.scope):
        yield session


async def _system_session() -> AsyncIterator[Session]:
    async for session in _transaction(SYSTEM):
        yield session


SessionDep = Annotated[Session, Depends(_business_session, scope="function")]
"""A transaction in the business of whoever asks."""

SystemSessionDep = Annotated[Session, Depends(_system_session, scope="function")]
"""A transaction in the system's scope; the endpoint must have asked who may."""
