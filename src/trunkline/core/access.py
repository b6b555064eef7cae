"""Who is asking and what they may do. Decides; knows neither passwords nor HTTP."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID

from trunkline.core.db import Scope, of_business
from trunkline.core.errors import Forbidden


class Role(enum.StrEnum):
    """What a person may do in their business, in rising order."""

    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person. `business_id` is the business whose pages they are on, if any."""

    user_id: UUID
    email: str
    name: str
    language: str
    role: Role | None
    business_id: UUID | None
    is_system_admin: bool

    @property
    def business(self) -> UUID:
        """The business whose pages this person is on. Raises Forbidden `no_business`."""
        if self.business_id is None:
            raise Forbidden("Choose a business first.", reason="no_business")
        return self.business_id

    @property
    def scope(self) -> Scope:
        """The scope of everything this person does now. Raises Forbidden `no_business`."""
        return of_business(self.business)

    def require(self, least: Role) -> None:
        """Go on only with at least this role. Raises Forbidden `insufficient_role`."""
        if self.is_system_admin:
            return
        if self.role is None or self.role.rank < least.rank:
            raise Forbidden(f"This needs the role {least.value}.", reason="insufficient_role")

    def require_system_admin(self) -> None:
        """Go on only as a system admin. Raises Forbidden `insufficient_role`."""
        if not self.is_system_admin:
            raise Forbidden("This is for system admins.", reason="insufficient_role")
