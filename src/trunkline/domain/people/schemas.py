"""What of people goes over HTTP."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trunkline.core.access import Role

EmailAddress = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\x00]*$")]
Password = Annotated[str, StringConstraints(max_length=1000)]
"""Hashing takes time with length; nobody's password is longer."""


class SignInIn(BaseModel):
    """Who wants in."""

    model_config = ConfigDict(extra="forbid")

    email: EmailAddress
    password: Password


class Me(BaseModel):
    """Who you are and where you stand."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    email: str
    name: str
    language: str
    role: Role | None
    business_id: UUID | None
    is_system_admin: bool


class UserOut(BaseModel):
    """A person of the business."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    name: str
    role: Role
    language: str


class UserIn(BaseModel):
    """A person to be let in."""

    model_config = ConfigDict(extra="forbid")

    email: EmailAddress
    name: str = Field(max_length=200)
    password: Password
    role: Role
    language: str = "en"


class BusinessChoice(BaseModel):
    """The business whose pages a system admin wants to see."""

    model_config = ConfigDict(extra="forbid")

    business_id: UUID
