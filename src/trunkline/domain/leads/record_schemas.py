"""What goes over HTTP of one person's record: addresses, fields of the business's own, merging."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trunkline.domain.leads.addresses import Channel
from trunkline.domain.leads.own_fields import MOST, MOST_CHOICES
from trunkline.domain.leads.own_values import Kind

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Choice = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Choices = Annotated[list[Choice], Field(max_length=MOST_CHOICES)]


class FieldOut(BaseModel):
    """A field that the business gave its leads."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    key: str
    label: str
    kind: Kind
    choices: list[str]
    position: int
    in_table: bool
    is_archived: bool


class FieldIn(BaseModel):
    """A new field; it comes behind the others."""

    model_config = ConfigDict(extra="forbid")

    label: Label
    kind: Kind
    key: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None
    """Missing: made of the label."""
    choices: Choices = Field(default_factory=list)
    in_table: bool = False


class FieldChange(BaseModel):
    """What becomes of a field. What is not named stays as it is; so do key and kind."""

    model_config = ConfigDict(extra="forbid")

    label: Label = ""
    choices: Choices = Field(default_factory=list)
    position: Annotated[int, Field(ge=1, le=MOST)] = 1
    in_table: bool = False
    is_archived: bool = False


class AddressIn(BaseModel):
    """A further number or address of a lead."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel
    address: Annotated[str, Field(min_length=1, max_length=320)]
    """A number as the business's people write it, or in E.164; or an e-mail address."""


class MainNumberIn(BaseModel):
    """Which of a lead's numbers is called from now on."""

    model_config = ConfigDict(extra="forbid")

    phone: Annotated[str, Field(min_length=1, max_length=50)]
    version: int
    """Of the lead as it was read."""


class DuplicateOut(BaseModel):
    """Somebody who may be the same person."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    phone: str
    email: str | None
    created_at: datetime


class DuplicatesOut(BaseModel):
    """Who may be the same person; a handful at most."""

    leads: list[DuplicateOut]


class SideOut(BaseModel):
    """One of two leads that may be merged: what of it can stand only once."""

    id: UUID
    version: int
    phone: str
    name: str
    email: str | None
    notes: str | None
    status_id: UUID
    owner_id: UUID | None
    fields: dict[str, Any]
    tags: list[str]
    consent: str
    created_at: datetime


class CountedOut(BaseModel):
    """How many rows of a table each of the two has; all of them are kept."""

    table: str
    kept: int
    gone: int


class MergePreviewOut(BaseModel):
    """What a merge would do."""

    kept: SideOut
    gone: SideOut
    differing: list[str]
    """Of what both have something, and not the same: `take` chooses. `field:` goes before a field's key."""
    tags: list[str]
    """What the one that is kept has afterwards; and so the next."""
    consent: str
    counts: list[CountedOut]
    busy: str | None
    """Why it cannot be done now: `in_dial` or `in_call`."""


class MergeIn(BaseModel):
    """Whom to take in, and what of theirs is to stand where both have something."""

    model_config = ConfigDict(extra="forbid")

    other_id: UUID
    """Is no more afterwards."""
    version: int
    other_version: int
    """Of the two as they were read; if one has changed since, nothing is changed."""
    take: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)] = Field(
        default_factory=list
    )


class AddressOut(BaseModel):
    """A number or address of a lead. Its main e-mail address is `email`, which others may share."""

    model_config = ConfigDict(from_attributes=True)

    channel: Channel
    address: str
