"""What of leads goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from trunkline.domain.leads.import_models import ImportFault
from trunkline.domain.leads.rules import consent_time

Consent = Literal["express", "written", "withdrawn"]
"""What can be noted. `none`, nothing said, is how a lead begins; what somebody has said is not unsaid."""


ConsentTime = Annotated[AwareDatetime, AfterValidator(consent_time)]
"""From 1990 to tomorrow."""

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
"""A word or two under which a business finds leads again."""


OwnValues = Annotated[dict[str, str | float | bool | None], Field(max_length=50)]
"""What is to stand in fields of the business's own, by key."""


class ConsentChange(BaseModel):
    """What a person has said to being called by an AI: yes, yes in writing, or no."""

    model_config = ConfigDict(extra="forbid")

    consent: Consent
    consent_at: ConsentTime | None = None
    """When it was said; missing, now."""
    consent_source: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    """How: a form's name, say."""


class LeadListOut(BaseModel):
    """A list of leads and how many stand in it."""

    id: UUID
    name: str
    leads: int
    created_at: datetime


class ColumnOut(BaseModel):
    """A column of a file, from 1 on, and which of our fields it holds, if any."""

    column: int
    header: str
    field: str | None


class PreviewRowOut(BaseModel):
    """A row of a file: what would become of it, or the reason why nothing can."""

    line: int
    reason: str | None = None
    code: str | None = None
    facts: dict[str, str] = {}
    """`reason` for pages: `code`, and what stands in its words."""
    phone: str | None = None
    name: str | None = None
    email: str | None = None
    notes: str | None = None
    consent: str | None = None
    consent_at: datetime | None = None
    consent_source: str | None = None
    own: dict[str, str | float | bool] = {}
    """What would stand in fields of the business's own, by key."""


class PreviewOut(BaseModel):
    """What a file's import would begin with. `encoding` is null for a workbook."""

    encoding: str | None
    fields: list[str]
    """Every field that a column can hold."""
    columns: list[ColumnOut]
    rows: list[PreviewRowOut]


class SaidOfAll(BaseModel):
    """What was said of everybody in a file: their consent, when and how it was given."""

    consent: str
    consent_at: datetime | None
    consent_source: str | None


class LeadImportOut(BaseModel):
    """An import and how far it is: of `rows` read, some were imported and the others are faults."""

    id: UUID
    list_id: UUID
    name: str
    filename: str
    encoding: str | None
    mapping: dict[str, int]
    state: str
    error: str | None
    rows: int
    expected: int | None
    """About how many rows the file has, as far as can be told before they are read."""
    imported: int
    created: int
    updated: int
    faults: int
    said_of_all: SaidOfAll | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None


class ImportFaultOut(BaseModel):
    """A row that could not be used: its line in the file, why, and what stands there."""

    line: int
    reason: str
    code: str | None
    facts: dict[str, str]
    """`reason` for pages: `code`, null for old rows, and what stands in its words."""
    row: str

    @classmethod
    def of(cls, fault: ImportFault) -> ImportFaultOut:
        """Return a fault as it goes over HTTP."""
        return cls(
            line=fault.line, reason=fault.reason, code=fault.code, facts=fault.facts, row=fault.content
        )


class ImportFaultsOut(BaseModel):
    """A page of the rows of a file that could not be used."""

    faults: list[ImportFaultOut]
    next_cursor: str | None


FieldCondition = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}=", max_length=1_050)]


class LeadConditions(BaseModel):
    """What leads must meet, all of it. A condition that we do not know would choose more people than was
    meant, so it is refused."""

    model_config = ConfigDict(extra="forbid")

    status_id: Annotated[list[UUID], Field(max_length=50)] = Field(default_factory=list)
    """One of these statuses."""
    list_id: UUID | None = None
    tag: Tag | None = None
    consent: Literal["none", "express", "written", "withdrawn"] | None = None
    source: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    owner_id: UUID | Literal["nobody"] | None = None
    field: Annotated[list[FieldCondition], Field(max_length=10)] = Field(default_factory=list)
    """`key=value`: what stands in a field of the business's own; all of these."""
    search: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Part of the name, number, e-mail address or notes, in upper or lower case; a number in any form."""
    created_from: AwareDatetime | None = None
    created_before: AwareDatetime | None = None


class LeadFilter(LeadConditions):
    """Which leads: those that meet every condition. `everybody` alone means all there are."""

    everybody: bool = False

    @model_validator(mode="after")
    def _says_whom(self) -> LeadFilter:
        conditions = self.model_dump(exclude={"everybody"}, exclude_defaults=True)
        if self.everybody == bool(conditions):
            raise ValueError("give conditions, or everybody and no condition")
        return self


class LeadChanges(BaseModel):
    """What becomes of every chosen lead. A field that is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    email: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    notes: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    source: Annotated[str, Field(min_length=1, max_length=300)] = ""
    consent: Consent = "withdrawn"
    consent_at: ConsentTime | None = None
    consent_source: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    status_id: UUID | None = None
    owner_id: UUID | None = None
    own_fields: OwnValues = Field(default_factory=dict)
    """Of the business's own fields those that change; null empties one."""
    add_tag: Tag | None = None
    remove_tag: Tag | None = None
    add_to_list: UUID | None = None
    remove_from_list: UUID | None = None

    @model_validator(mode="after")
    def _says_what(self) -> LeadChanges:
        told = {"consent_at", "consent_source"} & self.model_fields_set
        if told and "consent" not in self.model_fields_set:
            raise ValueError("say which consent was given when and how: name consent too")
        others = (
            self.status_id, self.own_fields, self.add_tag, self.remove_tag, self.add_to_list,
            self.remove_from_list,
        )  # fmt: skip
        if not self.fields and self.consent_change is None and not any(others):
            raise ValueError("nothing is to be changed")
        if self.add_to_list is not None and self.add_to_list == self.remove_from_list:
            raise ValueError("leads cannot be put into a list and taken out of it at once")
        if self.add_tag is not None and self.add_tag == self.remove_tag:
            raise ValueError("leads cannot be given a tag that is taken from them")
        return self

    @property
    def fields(self) -> dict[str, Any]:
        """The columns to be set and their values; null empties one."""
        return self.model_dump(
            include={"name", "email", "notes", "source", "owner_id"} & self.model_fields_set
        )

    @property
    def consent_change(self) -> ConsentChange | None:
        """The consent that is to be noted, if any."""
        if "consent" not in self.model_fields_set:
            return None
        return ConsentChange(
            consent=self.consent, consent_at=self.consent_at, consent_source=self.consent_source
        )


class BulkDeleteIn(BaseModel):
    """Chosen leads, the leads of a list, or those that a filter finds: one of the three."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    lead_ids: list[UUID] = Field(default_factory=list, max_length=10_000)
    list_id: UUID | None = None
    filter: LeadFilter | None = None

    @model_validator(mode="after")
    def _says_one_way(self) -> BulkDeleteIn:
        if [bool(self.lead_ids), self.list_id is not None, self.filter is not None].count(True) != 1:
            raise ValueError("give one of lead_ids, list_id and filter")
        return self


class BulkUpdateIn(BulkDeleteIn):
    """The same, and what is to be changed."""

    changes: LeadChanges


class BulkProgressOut(BaseModel):
    """Exact counts of a bulk run's leads; all but `total` and `reasons` add up to `total`."""

    model_config = ConfigDict(from_attributes=True)

    total: int
    queued: int
    done: int
    skipped: int
    failed: int
    cancelled: int
    reasons: dict[str, int]
    """Why leads were skipped, and how many for each reason."""


class BulkRunOut(BaseModel):
    """A bulk update or delete and how far it is."""

    id: UUID
    kind: str
    title: str
    state: str
    error: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: BulkProgressOut
