"""What of how leads move goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

OutcomeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class StatusMoveOut(BaseModel):
    """That a lead went from one status into another; names are those of that moment."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    before_id: UUID
    before_name: str
    status_id: UUID
    status_name: str
    cause: str
    """`person`, `bulk`, `import`, `call`, `webhook`, `tool` or `automation`."""
    source_id: UUID | None
    """The call, bulk run or webhook that it came from."""
    actor: str
    at: datetime


class StatusMovesOut(BaseModel):
    """A page of a lead's changes of status, newest first."""

    changes: list[StatusMoveOut]
    next_cursor: str | None


class StatusRules(BaseModel):
    """How calls move leads."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    is_on: bool = False
    goes_back: bool = False
    """Also into a status that comes before the one where the lead stands."""
    reopens: bool = False
    """Also out of a closed status."""
    least_confidence: Annotated[Decimal, Field(ge=0, le=1, decimal_places=2)] = Decimal("0.65")
    """How sure the AI agent must be of an outcome that it has only concluded from what was said."""
    rules: Annotated[dict[OutcomeName, UUID], Field(max_length=50)] = Field(default_factory=dict)
    """A call's outcome -> the status into which its lead goes."""


class StatusRulesOut(StatusRules):
    """The same, and what calls commonly come to."""

    known_outcomes: list[str]
