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
from trunkline.core.toolbox import ToolCaller, of_use, specs_of
from trunkline.domain.agents import service as agents
from trunkline.domain.calls import service as calls
from trunkline.domain.calls.models import Call
from trunkline.domain.control.store import last_failed
from trunkline.domain.control.tools import built_in_tools
from trunkline.domain.leads import service as leads
from trunkline.domain.outbound.machines import machines_of_call
from trunkline.domain.outbound.options import Detection, Machines
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
    prompt = agents.ready(session, business_id, call.agent_id)
    lead = leads.get_lead(session, business_id, call.lead_id) if call.lead_id else None
    past: tuple[Line, ...] = ()
    greeting = prompt.greeting
    if leg == 1:
        machines = machines_of_call(session, business_id, call.id) or Machines()
    else:
        # Who comes back is known to be a person.
        machines = Machines(detection=Detection.OFF)
        past = max(_written(session, call), tuple(said), key=len)
        failed = last_failed(session, business_id, call.id)
        greeting = (NOBODY_THERE if failed is not None else BACK_AGAIN).get(prompt.language) or greeting
    # Who calls us knows whom they have called.
    discloses = call.direction == "outbound" and leg == 1
    built_in = built_in_tools(prompt.transfer_to, registry.carrier(call.carrier).capabilities)
    # A written dialogue has no use for it.
    scripted = registry.brain_kind(prompt.brain) == "scripted"
    keys, fault = _keys_of(session, business_id)
    allowed = of_use((*prompt.tools, *built_in), prompt.lacking)
    return Preparation(
        business_id=business_id,
        brief=CallBrief(
            call_id=str(call.id),
            direction=call.direction,
            language=prompt.language,
            business_name=prompt.business_name,
            greeting=greeting,
            instructions=prompt.instructions,
            knowledge="" if scripted else prompt.knowledge,
            about="" if scripted or lead is None else leads.facts_of(lead),
            script=prompt.script,
            tools=specs_of(allowed),
            local_now=clock.now().astimezone(ZoneInfo(prompt.time_zone)),
            variables={
                "business_name": prompt.business_name,
                "agent_name": prompt.agent_name,
                "lead_name": lead.name if lead else "",
                **leads.own_words(session, business_id, lead),
            },
            disclosure=CallingRules.model_validate(prompt.calling_rules).disclosure if discloses else "",
            voice=prompt.voice.get("name", ""),
            past=past,
        ),
        brain=prompt.brain,
        agent_version=prompt.agent_version,
        voice=Voice(**{"language": prompt.language, **prompt.voice}),
        caller=ToolCaller(
            business_id=business_id,
            call_id=call.id,
            agent_id=call.agent_id,
            lead_id=call.lead_id,
            phone=_number_of(call, region=prompt.region),
        ),
        allowed=allowed,
        machines=machines,
        records=prompt.record_calls,
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
        prepared = prepare(session, call, leg=1)
        return prepared if registry.connects(prepared.brain) else None


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
