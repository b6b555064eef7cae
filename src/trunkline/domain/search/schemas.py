"""What of search goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.search.service import Answer, Group, Hit


class SearchQuery(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=200)]
    """Words, the beginnings of words, or part of a number."""
    kinds: Annotated[list[str], Field(max_length=20)] = []
    """What kinds of rows are wanted; none: all that the person may read."""
    limit: Annotated[int, Field(ge=1, le=50)] = 5
    """Of each kind."""
    cursor: Annotated[str | None, Field(max_length=2_000)] = None
    """Goes on with one kind where its `next_cursor` ended."""


class HitOut(BaseModel):
    """A row that was found."""

    id: UUID
    part: int
    """The number of the call's event, of what was said; 0 elsewhere."""
    at: datetime
    title: str
    title_marks: list[list[int]]
    """From which letter to which words stand that were looked for."""
    excerpt: str
    excerpt_marks: list[list[int]]
    data: dict[str, Any]
    """Facts of the kind: see docs/reference/search.md."""

    @classmethod
    def of(cls, hit: Hit) -> HitOut:
        """Return a hit as it goes over HTTP."""
        return cls(
            id=hit.place.id, part=hit.place.part, at=hit.place.at, title=hit.title,
            title_marks=[list(mark) for mark in hit.title_marks], excerpt=hit.excerpt,
            excerpt_marks=[list(mark) for mark in hit.excerpt_marks],
            data=dict(hit.described.data),
        )  # fmt: skip


class GroupOut(BaseModel):
    """What was found of one kind."""

    kind: str
    hits: list[HitOut]
    next_cursor: str | None

    @classmethod
    def of(cls, group: Group) -> GroupOut:
        """Return a group as it goes over HTTP."""
        hits = [HitOut.of(hit) for hit in group.hits]
        return cls(kind=group.kind, hits=hits, next_cursor=group.next_cursor)


class FoundOut(BaseModel):
    """What was found."""

    groups: list[GroupOut]
    meant: dict[str, list[str]]
    """Word that is nowhere -> words that were looked for in its place."""

    @classmethod
    def of(cls, answer: Answer) -> FoundOut:
        """Return an answer as it goes over HTTP."""
        return cls(groups=[GroupOut.of(group) for group in answer.groups], meant=answer.meant)
