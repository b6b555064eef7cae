"""People's door to search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from trunkline.core.door import PrincipalDep, SessionDep
from trunkline.domain.search import service
from trunkline.domain.search.schemas import FoundOut, SearchQuery

router = APIRouter(prefix="/api/search", tags=["search"])


@router.get("")
def find_everywhere(
    wanted: Annotated[SearchQuery, Query()], session: SessionDep, who: PrincipalDep
) -> FoundOut:
    """What bears some words, or part of a number: of each kind some rows, and a cursor for more."""
    found = service.search(
        session, who, wanted.q, kinds=wanted.kinds, limit=wanted.limit, cursor=wanted.cursor
    )
    return FoundOut.of(found)
