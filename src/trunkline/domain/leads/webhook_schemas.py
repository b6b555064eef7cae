"""What of lead webhooks goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trunkline.domain.leads.lead_schemas import Tags
from trunkline.domain.leads.own_fields import MOST
from trunkline.domain.leads.rules import FIELDS

WebhookName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
SentName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

Mapped = Annotated[dict[str, SentName], Field(max_length=len(FIELDS) + MOST)]


class WebhookIn(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid")

    name: WebhookName
    """Also the source of the leads that it brings."""
    status_id: UUID | None = None
    """Where new leads begin; missing: in the initial status."""
    list_id: UUID | None = None
    tags: Tags = Field(default_factory=list)
    mapping: Mapped = Field(default_factory=dict)
    """Our field -> the name under which it is sent; `outer.inner` for what stands in another."""


class WebhookChange(BaseModel):
    """Other facts about a webhook. A field that is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    version: int
    # Made when they are missing, so that whoever is described the API need not send them.
    name: Annotated[WebhookName, Field(default_factory=str)]
    is_on: Annotated[bool, Field(default_factory=bool)]
    status_id: UUID | None = None
    list_id: UUID | None = None
    tags: Tags = Field(default_factory=list)
    mapping: Mapped = Field(default_factory=dict)


class WebhookOut(BaseModel):
    """A webhook. Its secret is told once, when it is made."""

    id: UUID
    name: str
    url: str
    is_on: bool
    status_id: UUID | None
    list_id: UUID | None
    tags: list[str]
    mapping: dict[str, str]
    last_four: str
    old_until: datetime | None
    """Until when the secret before is taken too."""
    version: int
    created_by: str
    created_at: datetime


class WebhookWithSecret(WebhookOut):
    """The same, and its new secret: shown this once."""

    secret: str


class WebhooksOut(BaseModel):
    """The business's webhooks, how many it can have, and the fields that can be mapped."""

    webhooks: list[WebhookOut]
    most: int
    fields: list[str]


class RotateIn(BaseModel):
    """Whether the old secret ends now; else it is taken for a day more."""

    model_config = ConfigDict(extra="forbid")

    at_once: bool = False


class DeliveryOut(BaseModel):
    """One thing that came, and what came of it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    at: datetime
    key: str | None
    status: int
    lead_id: UUID | None
    is_test: bool
    answer: dict[str, Any]
    body: str


class DeliveriesOut(BaseModel):
    """The last deliveries, newest first."""

    deliveries: list[DeliveryOut]


class TrialIn(BaseModel):
    """What a sender would send."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[dict[str, Any], Field(max_length=200)]


class TrialOut(BaseModel):
    """What the sender would get, and what was read of the person."""

    status: int
    answer: dict[str, Any]
    fields: dict[str, str | None]
