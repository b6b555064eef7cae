"""What goes over HTTP of single leads: in lists, on the board, on their own page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from trunkline.domain.leads.models import Lead
from trunkline.domain.leads.record_schemas import AddressOut
from trunkline.domain.leads.schemas import LeadConditions, OwnValues, Tag
from trunkline.domain.leads.statuses import MOST, Statuses

Colour = Literal[
    "gray", "red", "pink", "grape", "violet", "indigo", "blue", "cyan", "teal", "green", "lime", "yellow",
    "orange",
]  # fmt: skip
"""Names of colours, of which pages make what suits light and dark."""

StatusName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Tags = Annotated[list[Tag], Field(max_length=20), AfterValidator(lambda tags: sorted(set(tags)))]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=320)]
Notes = Annotated[str, Field(min_length=1, max_length=10_000)]


class StatusOut(BaseModel):
    """A status of the business's leads."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    colour: str
    position: int
    is_closed: bool
    is_initial: bool


class StatusIn(BaseModel):
    """A new status; it comes behind the others."""

    model_config = ConfigDict(extra="forbid")

    name: StatusName
    colour: Colour = "gray"
    is_closed: bool = False


class StatusChange(BaseModel):
    """What becomes of a status. A field that is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: StatusName = ""
    colour: Colour = "gray"
    is_closed: bool = False
    position: Annotated[int, Field(ge=1, le=MOST)] = 1


class LeadOut(BaseModel):
    """A lead."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    phone: str
    name: str
    email: str | None
    notes: str | None
    source: str
    consent: str
    consent_at: datetime | None
    consent_source: str | None
    status_id: UUID
    owner_id: UUID | None
    fields: dict[str, Any]
    """What stands in the fields of the business's own, by key."""
    tags: list[str]
    version: int
    created_at: datetime

    @staticmethod
    def of(lead: Lead, statuses: Statuses) -> LeadOut:
        """Return a lead as it is shown: with a status also where its row has none."""
        own = {name: getattr(lead, name) for name in LeadOut.model_fields if name != "status_id"}
        return LeadOut(**own, status_id=statuses.of(lead).id)


class ListOfLead(BaseModel):
    """A list in which a lead stands."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str


class LeadDetail(LeadOut):
    """A lead, the lists in which it stands, and its numbers and addresses, the main number among them."""

    lists: list[ListOfLead]
    addresses: list[AddressOut]


class LeadsQuery(LeadConditions):
    """Which leads, in which order, from where on, how many."""

    order: Literal["newest", "name", "board"] = "newest"
    """`board`: as people have put them; of one status alone."""
    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class BoardQuery(LeadConditions):
    """Which leads, and how many cards each column begins with."""

    cards: Annotated[int, Field(ge=1, le=50)] = 20

    @model_validator(mode="after")
    def _has_all_columns(self) -> BoardQuery:
        if self.status_id:
            raise ValueError("the board has every status as a column")
        return self


class LeadsOut(BaseModel):
    """A page of leads."""

    leads: list[LeadOut]
    next_cursor: str | None
    """Asks for the page behind it; none: there are no more."""


class CountOut(BaseModel):
    """How many leads meet the conditions."""

    count: int


class BoardColumnOut(BaseModel):
    """A column of the board: how many leads stand there, and the first of them."""

    status: StatusOut
    count: int
    leads: list[LeadOut]
    next_cursor: str | None
    """Asks `GET /api/leads` with `order=board` and this status for more."""


class BoardOut(BaseModel):
    """The board."""

    columns: list[BoardColumnOut]


class LeadIn(BaseModel):
    """Somebody new."""

    model_config = ConfigDict(extra="forbid")

    phone: Annotated[str, Field(min_length=1, max_length=50)]
    """As the business's people write numbers, or in E.164."""
    name: Name = ""
    email: Email | None = None
    notes: Notes | None = None
    tags: Tags = Field(default_factory=list)
    status_id: UUID | None = None
    """Missing: the initial one."""
    owner_id: UUID | None = None
    fields: OwnValues = Field(default_factory=dict)
    list_id: UUID | None = None
    """A list at whose end they are put."""


class LeadEdit(BaseModel):
    """Other facts about a lead. A field that is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    version: int
    """Of the lead as it was read; if it has changed since, nothing is changed."""
    name: Name = ""
    email: Email | None = None
    notes: Notes | None = None
    tags: Tags = Field(default_factory=list)
    owner_id: UUID | None = None
    fields: OwnValues = Field(default_factory=dict)
    """Of the business's own fields those that change; null empties one."""


class MoveIn(BaseModel):
    """Where a card is put."""

    model_config = ConfigDict(extra="forbid")

    status_id: UUID
    after: UUID | None = None
    """The lead behind which it stands; none: it stands first."""


class NoteIn(BaseModel):
    """A note on a lead."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


class NoteOut(BaseModel):
    """A note on a lead. The files on it stand in its entry of the timeline."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    text: str
    author: str
    created_at: datetime
    edited_at: datetime | None


class TimelineEntryOut(BaseModel):
    """One thing that happened with a lead; `data` is of its kind."""

    at: datetime
    kind: str
    """`created`, `edited`, `merged`, `status`, `consent`, `note`, `call`, `appointment` or `suppressed`."""
    actor: str | None
    data: dict[str, Any]


class TimelineOut(BaseModel):
    """A page of a lead's timeline, newest first."""

    entries: list[TimelineEntryOut]
    next_cursor: str | None


class TagsOut(BaseModel):
    """The tags that are in use."""

    tags: list[str]
