"""What of people goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from trunkline.core.access import Role
from trunkline.domain.people.models import Posted

EmailAddress = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^\x00]*$")]
Password = Annotated[str, StringConstraints(max_length=1000)]
"""Hashing takes time with length; nobody's password is longer."""


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""What stands behind the # of a link."""


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


class ColleagueOut(BaseModel):
    """A person of the business, as everybody there knows them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str


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


class RoleIn(BaseModel):
    """What a person may do from now on."""

    model_config = ConfigDict(extra="forbid")

    role: Role


class InvitationIn(BaseModel):
    """Who is to join, and what they may do then."""

    model_config = ConfigDict(extra="forbid")

    email: EmailAddress
    role: Role
    language: str | None = None
    """Of the letter, and of the pages at first; missing: the business's."""


class InvitationOut(BaseModel):
    """An invitation that nobody has taken up or taken back."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str
    role: Role
    language: str
    invited_by: str
    posted: Posted
    refusal: str | None
    """What the mail server said, where it takes no letter for this address."""
    created_at: datetime
    expires_at: datetime


class InvitationSent(InvitationOut):
    """One that was just made or sent again."""

    link: str | None
    """Where there is no mail, the link to pass on by hand. It is shown this once."""


class LinkIn(BaseModel):
    """What a link proves."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret


class OfferOut(BaseModel):
    """What an invitation offers, for whoever has its link."""

    model_config = ConfigDict(from_attributes=True)

    business: str
    email: str
    role: Role
    language: str
    invited_by: str


class JoinIn(BaseModel):
    """An invited person joins."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret
    name: Name
    password: Password
    language: str


class AddressIn(BaseModel):
    """Who has forgotten their password."""

    model_config = ConfigDict(extra="forbid")

    email: EmailAddress


class LinkAsked(BaseModel):
    """The same for every address, whether or not anybody has it."""

    mail: bool
    """Whether this installation sends mail; without, an operator makes links at the terminal."""


class NewPasswordIn(BaseModel):
    """A new password, by a link."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret
    password: Password


class MeIn(BaseModel):
    """What of oneself changes."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    language: str | None = None


class PasswordIn(BaseModel):
    """A new password, by the old one."""

    model_config = ConfigDict(extra="forbid")

    current: Password
    new: Password


class SessionOut(BaseModel):
    """A session of one's own."""

    id: UUID
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    current: bool
