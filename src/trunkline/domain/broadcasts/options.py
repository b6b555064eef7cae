"""What a broadcast is told: what to say, from where, and at what pace. As data, kept with its run."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trunkline.domain.inbox.service import LONGEST_TEXT


class Wording(BaseModel):
    """What everybody is told, with names in braces where facts of theirs go: a template, or free words."""

    model_config = ConfigDict(extra="forbid")

    template: Annotated[str, Field(max_length=512)] | None = None
    language: Annotated[str, Field(max_length=20)] | None = None
    body: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=50)] = []
    """What stands in the template's variables, in order."""
    header: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1)] = []
    buttons: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=10)] = []
    text: Annotated[str, Field(max_length=LONGEST_TEXT)] = ""
    """Free words, where no template is named; they reach only people who wrote within a day."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Wording:
        if (self.template is None) == (not self.text.strip()):
            raise ValueError("a broadcast says a template or free words, one of both")
        if self.template is not None and self.language is None:
            raise ValueError("a template is sent in a language")
        return self

    @property
    def patterns(self) -> list[str]:
        """Every text in which names may stand in braces."""
        return [self.text, *self.body, *self.header, *self.buttons]


class Breaker(BaseModel):
    """When a broadcast rests for a while because its messages fail: not the people, but the way to them."""

    model_config = ConfigDict(extra="forbid")

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    of_last: Annotated[int, Field(ge=4, le=200)] = 20
    """Judged by this many messages, the newest, once there are so many."""
    within_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    pause_s: Annotated[float, Field(gt=0, le=86_400)] = 120


class BroadcastOptions(BaseModel):
    """How one broadcast is sent."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    wording: Wording
    pause_least_s: Annotated[float, Field(ge=0, le=3_600)] = 3.0
    pause_most_s: Annotated[float, Field(ge=0, le=3_600)] = 4.0
    """Between two messages it waits for a time between these two."""
    breaker: Breaker = Breaker()

    @model_validator(mode="after")
    def _has_a_pace(self) -> BroadcastOptions:
        if self.pause_most_s < self.pause_least_s:
            raise ValueError("the longest pause is shorter than the shortest")
        return self
