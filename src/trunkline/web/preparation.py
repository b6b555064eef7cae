"""What a live call needs to know before its first word, read from the database at once.

Owns the brief that a brain is given and who its tools act for. Refuses to let anybody in: the call room
has spent the token by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from trunkline.core import registry, vault
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.toolbox import ToolCaller, specs_of
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.control.store import last_failed
from trunkline.domain.control.tools import built_in_tools
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound.machines import machines_of_call
from trunkline.domain.outbound.options import Detection, Machines
from trunkline.domain.tenants import service as tenants
from trunkline.domain.tenants.calling_rules import CallingRules
from trunkline.kit import clock
from trunkline.kit.phone import InvalidPhone, to_e164
from trunkline.providers.ports import CallBrief, Line, Voice
from trunkline.web.sentences import BACK_AGAIN, NOBODY_THERE


@dataclass(frozen=True, slots=True)
class Preparation:
    """What was read from the database before a call's first word."""

    business_id: UUID
    brief: CallBrief
    brain: str
    agent_version: int
    voice: Voice
    caller: ToolCaller
    allowed: tuple[str, ...]
    machines: Machines
    records: bool = False
    """The business has its calls recorded."""
    leg: int = 1
    """Which stretch with the agent this is; later ones have a past."""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The business's own keys, by provider."""
    fault: str = ""
    """Why the call cannot be held, whatever its agent is."""


def prepare(session: Session, call: Call, *, leg: int, said: Sequence[Line] = ()) -> Preparation:
    """Return what a call needs before its first word. Raises TrunklineError.

    `said` is what this process knows of earlier legs, and may not have written yet.
    """
    business_id = call.business_id
    assert call.agent_id is not None  # a call is only connected once it has an agent
    agent = agents.get_agent(session, business_id, call.agent_id)
    business = tenants.get_business(session, business_id)
    lead = leads.get_lead(session, business_id, call.lead_id) if call.lead_id else None
    past: tuple[Line, ...] = ()
    greeting = agent.greeting
    if leg == 1:
        machines = machines_of_call(session, business_id, call.id) or Machines()
    else:
        # Who comes back is known to be a person.
        machines = Machines(detection=Detection.OFF)
        past = max(_written(session, call), tuple(said), key=len)
        failed = last_failed(session, business_id, call.id)
        greeting = (NOBODY_THERE if failed is not None else BACK_AGAIN).get(agent.language) or greeting
    rules = CallingRules.model_validate(business.calling_rules)
    # Who calls us knows whom they have called.
    discloses = call.direction == "outbound" and leg == 1
    built_in = built_in_tools(agent.transfer_to, registry.carrier(call.carrier).capabilities)
    # A written dialogue has no use for it.
    scripted = registry.brain_kind(agent.brain) == "scripted"
    knowledge = "" if scripted else agents.knowledge_told_to(session, business_id, agent.id)
    keys, fault = _keys_of(session, business_id)
    allowed = tuple(dict.fromkeys((*agent.tools, *built_in)))
    return Preparation(
        business_id=business_id,
        brief=CallBrief(
            call_id=str(call.id),
            direction=call.direction,
            language=agent.language,
            business_name=business.name,
            greeting=greeting,
            instructions=agent.instructions,
            knowledge=knowledge,
            script=agent.script,
            tools=specs_of(allowed),
            local_now=clock.now().astimezone(ZoneInfo(business.time_zone)),
            variables={
                "business_name": business.name,
                "agent_name": agent.name,
                "lead_name": lead.name if lead else "",
            },
            disclosure=rules.disclosure if discloses else "",
            voice=agents.voice_of(agent).get("name", ""),
            past=past,
        ),
        brain=agent.brain,
        agent_version=agent.version,
        voice=Voice(**{"language": agent.language, **agents.voice_of(agent)}),
        caller=ToolCaller(
            business_id=business_id,
            call_id=call.id,
            agent_id=agent.id,
            lead_id=call.lead_id,
            phone=_number_of(call, region=business.region),
        ),
        allowed=allowed,
        machines=machines,
        records=business.record_calls,
        leg=leg,
        keys=keys,
        fault=fault,
    )


def prepare_early(business_id: UUID, call_id: UUID) -> Preparation | None:
    """Read what a call's brain needs, if that is one that had better be opened before the call is there."""
    with unit_of_work(of_business(business_id)) as session:
        call = calls.get_call(session, business_id, call_id)
        if call.agent_id is None:
            return None
        agent = agents.get_agent(session, business_id, call.agent_id)
        return prepare(session, call, leg=1) if registry.connects(agent.brain) else None


def _keys_of(session: Session, business_id: UUID) -> tuple[dict[str, str], str]:
    """Return the business's keys, or why they cannot be used; the installation's never stand in for those."""
    try:
        return vault.open_keys(session, business_id), ""
    except vault.VaultClosed as error:
        return {}, error.message


def _number_of(call: Call, *, region: str) -> str | None:
    """Return the number of the person on the line, read as it is for leads; None: there is none to read."""
    if call.carrier == calls.BROWSER:
        return None  # an e-mail address stands in its place
    try:
        return to_e164(call.theirs, region=region)
    except InvalidPhone:
        return None


def _written(session: Session, call: Call) -> tuple[Line, ...]:
    said = calls.lines_of(session, call.business_id, call.id)
    return tuple(Line("agent" if who == "agent" else "caller", text) for who, text in said)
