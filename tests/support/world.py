"""A business with everything that a run needs, made by the public verbs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work
from trunkline.core.runs.models import Run
from trunkline.domain.agents import service as agents
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.flow_models import CauseKind
from trunkline.domain.leads.movement import Cause
from trunkline.domain.leads.rules import LeadRow
from trunkline.domain.leads.selection import Whom
from trunkline.domain.outbound import service as outbound
from trunkline.domain.outbound.options import RunOptions
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.scripted import ready_made

PASSWORD = "correct horse battery"
ALL_DAY = {"from": "00:00", "to": "24:00"}
BY_TEST = Cause(CauseKind.PERSON, "test")
TOOLS = ["book_appointment", "do_not_call", "find_free_slots", "request_callback"]


@dataclass(frozen=True, slots=True)
class World:
    """One business."""

    business_id: UUID
    agent_id: UUID
    number: str
    email: str
    list_id: UUID
    phones: tuple[str, ...]

    @property
    def scope(self) -> Scope:
        return of_business(self.business_id)

    def make_run(
        self, *, concurrency: int = 3, max_attempts: int = 1, retry_delay_s: float = 0, **options: Any
    ) -> Run:
        """Make a pending run over the business's list; `options` are more of the run's own."""
        options = RunOptions(
            agent_id=self.agent_id,
            from_number=self.number,
            concurrency=concurrency,
            max_attempts=max_attempts,
            retry_delay_s=retry_delay_s,
            **options,
        )
        with unit_of_work(self.scope) as session:
            return outbound.create_run(
                session, self.business_id, title="A run", options=options, whom=Whom(self.list_id),
                actor="test",
            )  # fmt: skip


def make_world(
    name: str, *, number: str, phones: tuple[str, ...], window: dict[str, str] | None = None
) -> World:
    """Found a business with an owner, an agent, a number and a list of leads."""
    business_id = new_id()
    email = f"owner@{name.lower()}.example"
    with unit_of_work(SYSTEM) as session:
        tenants.create_business(
            session, name=name, calling_window=window or ALL_DAY, actor="test", business_id=business_id
        )
    with unit_of_work(of_business(business_id)) as session:
        people.create_user(
            session, business_id=business_id, email=email, name="Owner", password=PASSWORD,
            role=Role.OWNER, actor="test",
        )  # fmt: skip
        agent = agents.create_agent(
            session, business_id, name="Agent", language="en", script=ready_made("appointment"),
            tools=TOOLS, actor="test",
        )  # fmt: skip
        business = tenants.get_business(session, business_id)
        tenants.add_number(session, business, number=number, agent_id=agent.id)
        everybody = leads.make_list(session, business_id, "Everybody")
        rows = [LeadRow(line, phone, "Lead") for line, phone in enumerate(phones, 1)]
        leads.put_people(
            session, business_id, everybody.id, rows,
            source="list:Everybody", moment=clock.now(), actor="system",
        )  # fmt: skip
        return World(business_id, agent.id, number, email, everybody.id, phones)
