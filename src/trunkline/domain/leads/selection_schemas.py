"""Whom somebody means, as it is said over HTTP."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trunkline.domain.leads.schemas import LeadFilter
from trunkline.domain.leads.selection import Whom


class WhomIn(BaseModel):
    """Some people: those of a list, those that a filter finds, or chosen ones."""

    model_config = ConfigDict(extra="forbid")

    list_id: UUID | None = None
    filter: LeadFilter | None = None
    lead_ids: list[UUID] = Field(default_factory=list, max_length=10_000)

    @property
    def whom(self) -> Whom:
        return Whom(self.list_id, self.lead_ids, self.filter)
