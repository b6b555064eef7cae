"""What of people goes over HTTP."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from trunkline.core.access import Role


class SignInIn(BaseModel):
    """Who wants in."""

    email: str
    password: str


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

    email: str
    name: str
    password: str
    role: Role
    language: str = "en"


class BusinessChoice(BaseModel):
    """The business whose pages a system admin wants to see."""

    business_id: UUID
