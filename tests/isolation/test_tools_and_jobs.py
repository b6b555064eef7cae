"""The agent's door and the workers' door: every tool and every job of A, handed what belongs to B.

A tool or a job without a case fails the test, so a new one cannot be forgotten.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from isolation.peering import Picture, Rows, picture_of, put_back, rows_of
from isolation.population import SCHEDULED, Inhabitant, Town, populate
from support.inbox import PNG
from support.inbox_ai import UNANSWERED, UNREAD
from support.installation import TOKEN_KEY, Installation
from support.lead_papers import a_refusal
from support.recorded import leave_recording
from trunkline import wiring
from trunkline.core import registry, toolbox
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.core.jobs import JobContext, TryLater, enqueue_job
from trunkline.core.jobs.handlers import handler_named, handler_names
from trunkline.core.jobs.relay import Wanted, claim
from trunkline.core.settings import Settings
from trunkline.core.toolbox import Place, ToolCaller, run_tool, tool_names
from trunkline.domain.calls.jobs import EventsMissing
from trunkline.domain.leads import note_files
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers.ports import (
    Answer,
    CallOrder,
    CallStatus,
    CarrierCall,
    CarrierCapabilities,
    ChatAccount,
    InFile,
    Letter,
    OutMessage,
    PushMessage,
    Template,
)
from trunkline.providers.whatsapp import WhatsApp

Arguments = Callable[[Inhabitant], Sequence[Any]]

TOOLS: dict[str, Mapping[str, Any]] = {
    "add_note": {"text": "Prefers mornings."},
    "caller_history": {},
    "knowledge_lookup": {"question": "Where is the parking?"},
    "set_lead_status": {"status": "Won"},
    "update_lead": {"name": "Dana"},
    "book_appointment": {"weekday": "wednesday", "time": "11:00"},
    "list_my_appointments": {},
    "move_appointment": {"weekday": "thursday", "time": "12:00"},
    "cancel_appointment": {},
    "do_not_call": {},
    "find_free_slots": {"weekday": "tuesday"},
    "request_callback": {"note": "later"},
    "transfer_call": {"to": "101"},
    "warm_transfer": {"to": "101", "summary": "An invoice."},
    "hold_call": {"seconds": 10},
    "leave_message": {"message": "Please call us."},
    "hang_up": {},
    "send_digits": {"digits": "1"},
    "hand_over_to_person": {"reason": "Wants a person."},
    "send_whatsapp": {"template": "hello", "language": "en", "values": ["Dana"]},
}
"""What the model says to each tool. No tool takes an id, so B's come in by the caller alone."""

_EVENT = {"sequence": 99, "kind": "said", "at": "2026-01-01T00:00:00+00:00", "data": {"text": "forged"}}

_RECEIPT = {
    "id": "wamid.unknown", "account": "", "to": "+12125550101", "state": "read",
    "at": "2026-01-01T00:00:00+00:00", "reference": None, "refusal": None, "code": None, "detail": None,
}  # fmt: skip

JOBS: dict[str, Arguments] = {
    "appointment_automations": lambda _: [],
    "plan_appointment_messages": lambda _: [],
    "send_appointment_message": lambda b: [str(b.sending_id)],
    "dial_next": lambda _: [],
    "hear_call_outcome": lambda b: [str(b.call_id)],
    "start_scheduled_run": lambda b: [str(b.scheduled_run_id), SCHEDULED.isoformat()],
    "release_and_process_next": lambda b: [str(b.run_id)],
    "sweep_outbound": lambda b: [str(b.run_id)],
    "reconcile_attempt": lambda b: [str(b.attempt_id)],
    "hang_up_call": lambda b: [b.call_sid],
    "tend_businesses": lambda _: [],
    "prebuild_prompt": lambda b: [str(b.world.agent_id)],
    "roll_up_calls": lambda _: [],
    "tend_search": lambda _: [],
    "keep_search": lambda _: [],
    "clear_links": lambda _: [],
    "roll_up_business": lambda _: [],
    "recheck_waiting": lambda _: [],
    "bulk_update_leads": lambda b: [str(b.bulk_update_id)],
    "bulk_delete_leads": lambda b: [str(b.bulk_delete_id)],
    "import_leads": lambda b: [str(b.import_id)],
    "save_conversation_turn": lambda b: [str(b.call_id), [_EVENT]],
    "finalize_call_log": lambda b: [str(b.call_id), "forged", "forged", 0],
    "finalize_call_session": lambda b: [str(b.call_id)],
    "call_colleague": lambda b: [str(b.control_id)],
    "give_caller_back": lambda b: [str(b.control_id)],
    "hang_up_colleague": lambda b: [str(b.control_id)],
    "keep_recording": lambda b: [str(b.call_id), 1],
    "tend_controls": lambda b: [str(b.call_id)],
    "send_invitation": lambda b: [str(b.invitation_id), 1],
    "move_lead_by_call": lambda b: [a_refusal(b.lead_id, b.call_id)],
    "drop_note_file": lambda b: [str(b.papers.file_id)],
    "export_leads": lambda b: [str(b.papers.waiting_export_id)],
    "drop_lead_export": lambda b: [str(b.papers.export_id)],
    "send_password_link": lambda b: [b.world.email, str(new_id())],
    "warmup_agents": lambda _: [],
    "warmup_business": lambda _: [],
    "send_reminder_notifications": lambda _: [],
    "remind_business": lambda _: [],
    "send_push_notification": lambda b: [str(b.push_sending_id)],
    "send_notification_mail": lambda b: [str(b.mail_sending_id)],
    "clear_notifications": lambda _: [],
    "rezone_tasks": lambda _: [],
    "answer_conversation": lambda b: [str(b.inbox.conversation_id)],
    "summarise_session": lambda b: [str(b.chat_session_id)],
    "step_broadcast": lambda b: [str(b.broadcasts.running_id)],
    "start_scheduled_broadcast": lambda b: [str(b.broadcasts.later_id), b.broadcasts.starts_at],
    "send_whatsapp_message": lambda b: [str(b.inbox.waiting_id)],
    "fetch_message_file": lambda b: [str(b.inbox.fetched_id)],
    "drop_message_file": lambda b: [b.inbox.bytes_key],
    "hear_receipt": lambda b: [str(b.inbox.account_id), _RECEIPT, 0],
    "mark_message_read": lambda b: [str(b.inbox.message_id)],
    "list_chat_templates": lambda b: [str(b.inbox.account_id)],
    "close_chat_sessions": lambda _: [],
    "close_sessions_of": lambda _: [],
    "tend_messages": lambda _: [],
    "tend_messages_of": lambda _: [],
}
"""The arguments that name B's things, for each job run in A's scope."""

_EXPECTED = (TrunklineError, IntegrityError, EventsMissing)
"""How a job may end that was handed what is not there."""


class TellingCarrier:
    """A carrier that knows B's call, and remembers what it was told to do."""

    capabilities = CarrierCapabilities(idempotency_key=False, lists_calls=True, hangs_up=True)

    def __init__(self, town: Town) -> None:
        self._town = town
        self.dialled: list[str] = []
        self.hung_up: list[str] = []
        self.redirected: list[str] = []

    def place_call(self, order: CallOrder) -> str:
        self.dialled.append(order.to)
        return "CA" + "e" * 32

    def find_calls(self, *, to: str, from_: str, since: datetime) -> Sequence[CarrierCall]:
        return [self._call(self._town.b.call_sid)]

    def fetch_call(self, sid: str) -> CarrierCall | None:
        return self._call(sid)

    def hang_up(self, sid: str) -> None:
        self.hung_up.append(sid)

    def stream_answer(self, **_: object) -> Answer:
        return Answer("", "")

    def redirect(self, sid: str, answer: Answer) -> None:
        self.redirected.append(sid)

    def _call(self, sid: str) -> CarrierCall:
        b = self._town.b.world
        return CarrierCall(sid, b.phones[0], b.number, CallStatus.COMPLETED, clock.now())


@pytest.fixture(scope="module")
def picture(servers: Installation, administrator: psycopg.Connection[Any]) -> tuple[Town, Picture]:
    """Both businesses, settled once: that takes much longer than to put their rows back."""
    town = populate(servers)
    return town, picture_of(administrator)


@pytest.fixture
def settled(
    servers: Installation, picture: tuple[Town, Picture], administrator: psycopg.Connection[Any]
) -> Town:
    """Both businesses as they were for each test: what A's doors do may change A."""
    town, rows = picture
    servers.redis.flushall()
    put_back(administrator, rows)
    for one in (town.a, town.b):
        leave_recording(one.business_id, one.call_id)
    return town


@pytest.fixture
def carrier(settled: Town) -> Iterator[TellingCarrier]:
    """The installation's carrier for one test."""
    telling = TellingCarrier(settled)
    registry.register_carrier(lambda: telling)  # type: ignore[arg-type,return-value]
    yield telling
    settings = Settings(twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-token")
    wiring.register_doors(settings, TOKEN_KEY)


class Pigeons:
    """Mail that remembers to whom it went, and pushes that remember to which browser."""

    def __init__(self) -> None:
        self.flown: list[str] = []

    def send(self, letter: Letter | PushMessage, **_: object) -> None:
        self.flown.append(letter.to if isinstance(letter, Letter) else letter.endpoint)

    def new_key(self) -> str:
        return "a key"


@pytest.fixture
def mail(settled: Town) -> Iterator[Pigeons]:
    """The installation's mail for one test."""
    pigeons = Pigeons()
    pusher = registry.pusher()
    registry.register_mailer(pigeons)
    registry.register_pusher(pigeons)  # type: ignore[arg-type]
    yield pigeons
    registry.register_mailer(None)
    registry.register_pusher(pusher)


class Desk:
    """A chat provider that remembers whose messages it was handed, and gives out one picture."""

    traits = WhatsApp.traits

    def __init__(self) -> None:
        self.handed: list[str] = []

    def send(self, account: ChatAccount, message: OutMessage) -> str:
        self.handed.append(account.address)
        return f"wamid.{new_id()}"

    def download(self, account: ChatAccount, file: InFile, into: Path, *, most_bytes: int) -> str:
        into.write_bytes(PNG)
        return "image/png"

    def mark_read(self, account: ChatAccount, message_id: str) -> None:
        self.handed.append(account.address)

    def templates(self, account: ChatAccount) -> Sequence[Template]:
        return []


@pytest.fixture
def desk(settled: Town) -> Iterator[Desk]:
    """The installation's chat provider for one test."""
    desk = Desk()
    usual = registry.chat(registry.WHATSAPP)
    registry.register_chat(registry.WHATSAPP, lambda: desk)  # type: ignore[arg-type,return-value]
    yield desk
    registry.register_chat(registry.WHATSAPP, lambda: usual)


@pytest.fixture
def rows_of_b(settled: Town, administrator: psycopg.Connection[Any]) -> Callable[[], Rows]:
    """Look at everything that B has."""
    return lambda: rows_of(administrator, settled.b.business_id)


def of_ours() -> list[str]:
    """Return the names of the handlers that ship, without those that other tests define."""
    return [
        name for name in handler_names() if handler_named(name).function.__module__.startswith("trunkline.")
    ]


def test_every_tool_and_every_job_has_a_case() -> None:
    assert set(tool_names()) == set(TOOLS), "say what the tool does with another business's ids"
    assert set(of_ours()) == set(JOBS), "say what the job does with another business's ids"


# --- Tools -------------------------------------------------------------------------------


def _caller(a: Inhabitant, place: Place = Place.CALL) -> ToolCaller:
    own = ToolCaller(a.business_id, a.call_id, a.world.agent_id, a.lead_id, a.world.phones[0])
    written = a.inbox.conversation_id
    return own if place is Place.CALL else replace(own, call_id=None, conversation_id=written)


USES = [(tool.name, place) for tool in toolbox.all_tools() for place in sorted(tool.places)]
"""Every tool, wherever it is of use."""


@pytest.mark.parametrize(("name", "place"), USES)
def test_a_tool_changes_nothing_of_another_business(
    name: str, place: Place, settled: Town, rows_of_b: Callable[[], Rows]
) -> None:
    before = rows_of_b()
    a, b = settled.a, settled.b
    own = _caller(a, place)
    assert run_tool(name, TOOLS[name], caller=own, allowed=(name,)).ok
    theirs = {"call_id": b.call_id}
    if place is Place.CONVERSATION:
        theirs = {"conversation_id": b.inbox.conversation_id}
    for foreign in (
        replace(own, lead_id=b.lead_id),
        replace(own, **theirs),
        replace(own, lead_id=b.lead_id, agent_id=b.world.agent_id, **theirs),
    ):
        # The model cannot name a business; words of its own that try are no arguments of the tool.
        said = {**TOOLS[name], "business_id": str(b.business_id), "lead_id": str(b.lead_id)}
        for arguments in (TOOLS[name], said):
            try:
                result = run_tool(name, arguments, caller=foreign, allowed=(name,))
            except IntegrityError:
                continue  # the key that carries the business along refused it
            assert str(b.business_id) not in str(result.data)
    assert rows_of_b() == before


@pytest.mark.parametrize("name", ["add_note", "caller_history", "set_lead_status", "update_lead"])
def test_a_tool_about_the_caller_does_not_find_another_business_s_lead(name: str, settled: Town) -> None:
    own, b = _caller(settled.a), settled.b
    assert run_tool(name, TOOLS[name], caller=own, allowed=(name,)).ok
    foreign = run_tool(name, TOOLS[name], caller=replace(own, lead_id=b.lead_id), allowed=(name,))
    assert (foreign.ok, foreign.data["error"]) == (False, "not_found")


@pytest.mark.parametrize(
    "name", ["hold_call", "leave_message", "hang_up", "send_digits", "transfer_call", "warm_transfer"]
)
def test_a_tool_about_the_call_does_not_find_another_business_s_call(name: str, settled: Town) -> None:
    own, b = _caller(settled.a), settled.b
    assert run_tool(name, TOOLS[name], caller=own, allowed=(name,)).ok
    foreign = run_tool(name, TOOLS[name], caller=replace(own, call_id=b.call_id), allowed=(name,))
    assert (foreign.ok, foreign.data["error"]) == (False, "not_found")


def test_a_look_up_does_not_find_what_another_business_has_written(settled: Town) -> None:
    """Both have written down where their parking is, each for its own agent."""
    own, b = _caller(settled.a), settled.b
    wish, names = TOOLS["knowledge_lookup"], ("knowledge_lookup",)
    assert run_tool("knowledge_lookup", wish, caller=own, allowed=names).data["found"]
    foreign = replace(own, agent_id=b.world.agent_id)
    assert run_tool("knowledge_lookup", wish, caller=foreign, allowed=names).data["found"] == []


@pytest.mark.parametrize(("name", "place"), [use for use in USES if use[0] not in toolbox.built_in_names()])
def test_a_tool_used_twice_leaves_what_one_use_leaves(
    name: str, place: Place, settled: Town, administrator: psycopg.Connection[Any]
) -> None:
    """A model whose answer got lost asks again; only the record of the uses tells of both.

    Those that control the call are not among them: to press a key twice is another thing than once.
    """

    def rows() -> Any:
        found = rows_of(administrator, settled.a.business_id)
        return {table: found[table] for table in found if table not in {"events", "jobs", "runs"}}

    own = _caller(settled.a, place)
    run_tool(name, TOOLS[name], caller=own, allowed=(name,))
    once = rows()
    run_tool(name, TOOLS[name], caller=own, allowed=(name,))
    assert rows() == once


def test_a_person_is_called_to_no_conversation_of_another_business(settled: Town) -> None:
    name, own = "hand_over_to_person", _caller(settled.a, Place.CONVERSATION)
    foreign = replace(own, conversation_id=settled.b.inbox.conversation_id)
    assert run_tool(name, TOOLS[name], caller=foreign, allowed=(name,)).data["error"] == "not_found"
    assert run_tool(name, TOOLS[name], caller=own, allowed=(name,)).ok


@pytest.mark.parametrize("name", sorted(set(TOOLS) - {name for name, at in USES if at == "conversation"}))
def test_a_tool_of_calls_does_not_run_in_writing(name: str, settled: Town) -> None:
    assert toolbox.of_use([name], (), Place.CONVERSATION) == ()
    result = run_tool(name, TOOLS[name], caller=_caller(settled.a, Place.CONVERSATION), allowed=(name,))
    assert result.data["error"] == "unknown_tool"


def test_a_tool_sees_the_caller_s_business_alone(settled: Town) -> None:
    """Both have booked Tuesday at ten; B alone has booked Wednesday at ten."""
    b = replace(_caller(settled.b))
    wish = {"weekday": "wednesday", "time": "10:00"}
    assert run_tool("book_appointment", wish, caller=b, allowed=("book_appointment",)).ok
    free = run_tool(
        "find_free_slots", {"weekday": "wednesday"}, caller=_caller(settled.a), allowed=("find_free_slots",)
    )
    assert "10:00" in free.data["free"]


def test_a_tool_finds_no_appointment_of_another_s(settled: Town) -> None:
    """B's appointment by its id, and one of A's own that another person has."""
    own = _caller(settled.a)
    others = replace(own, lead_id=None, phone=settled.a.world.phones[1])
    for caller, appointment_id in ((own, settled.b.appointment_id), (others, settled.a.appointment_id)):
        for name in ("move_appointment", "cancel_appointment"):
            said = {**TOOLS[name], "appointment_id": str(appointment_id)}
            result = run_tool(name, said, caller=caller, allowed=(name,))
            assert result.data["error"] == "not_found", result
    said = {"appointment_id": str(settled.a.appointment_id)}
    assert run_tool("cancel_appointment", said, caller=own, allowed=("cancel_appointment",)).ok


def test_a_tool_that_the_agent_was_not_given_does_not_run(settled: Town) -> None:
    for name, place in USES:
        others = tuple(set(TOOLS) - {name})
        result = run_tool(name, TOOLS[name], caller=_caller(settled.a, place), allowed=others)
        assert not result.ok
        assert result.data["error"] == "unknown_tool"


# --- Jobs --------------------------------------------------------------------------------


def _context(servers: Installation, a: Inhabitant) -> JobContext:
    """Return the context of a job of A that is running under its lease."""
    with unit_of_work(of_business(a.business_id)):
        job_id = enqueue_job("recordings", "finalize_call_session", str(a.call_id))
    relay = servers.database.relay
    assert relay is not None
    with relay.begin() as connection:
        (claimed,) = claim(connection, [Wanted("recordings")], owner="test", lease=timedelta(hours=2), size=1)
    assert claimed.id == job_id
    return JobContext(
        job_id, a.business_id, None, "trace", attempt=1, lease_owner="test", lease_epoch=claimed.lease_epoch
    )


def _age_attempt(administrator: psycopg.Connection[Any], attempt_id: UUID) -> None:
    """Leave a dial unknown for longer than any fence, so that every sweep has a reason to touch it."""
    administrator.execute(
        "update outbound_attempts set state = 'unknown', created_at = created_at - interval '3 days'"
        " where id = %s",
        [attempt_id],
    )


@pytest.mark.parametrize(
    ("name", "aged"),
    [(name, aged) for name in JOBS for aged in (False, True)],
    ids=lambda value: value if isinstance(value, str) else ("long unknown" if value else "live"),
)
def test_a_job_changes_nothing_of_another_business(  # noqa: PLR0917 - fixtures
    name: str,
    aged: bool,
    servers: Installation,
    settled: Town,
    carrier: TellingCarrier,
    mail: Pigeons,
    desk: Desk,
    administrator: psycopg.Connection[Any],
    rows_of_b: Callable[[], Rows],
) -> None:
    if aged:
        _age_attempt(administrator, settled.b.attempt_id)
    before = rows_of_b()
    context = _context(servers, settled.a)
    with clock.frozen_at(clock.now() + timedelta(hours=1)), suppress(*_EXPECTED):
        handler_named(name).function(context, *JOBS[name](settled.b))
    assert rows_of_b() == before
    # What dials for A dials A's own leads, and only those.
    assert set(carrier.dialled) <= (set(settled.a.world.phones) if name == "dial_next" else set())
    assert carrier.hung_up == carrier.redirected == mail.flown == desk.handed == []


def _let_papers_go(name: str, a: Inhabitant, administrator: psycopg.Connection[Any]) -> None:
    """Leave a file that no note has any more to the job that removes it."""
    if name == "drop_note_file":
        note_files.store(a.business_id, a.papers.file_id, io.BytesIO(b"A plan."))
        administrator.execute("delete from note_files where id = %s", [a.papers.file_id])


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_not_idle_in_its_own_business(  # noqa: PLR0912, PLR0917 - fixtures, and a case each
    name: str,
    servers: Installation,
    settled: Town,
    carrier: TellingCarrier,
    mail: Pigeons,
    desk: Desk,
    administrator: psycopg.Connection[Any],
) -> None:
    """The same job with A's own things changes A, or the test above would prove nothing."""
    a = settled.a
    if name in {"tend_businesses", "sweep_outbound", "reconcile_attempt"}:
        _age_attempt(administrator, a.attempt_id)
    if name == "recheck_waiting":
        administrator.execute(
            "update outbound_items set state = 'retry_wait', waits_for = 'calling_hours',"
            " not_before = now() + interval '3 days' where id = %s",
            [a.item_id],
        )
    if name in {"finalize_call_log", "finalize_call_session"}:
        administrator.execute("update calls set finalized_at = null where id = %s", [a.call_id])
    if name == "hear_call_outcome":
        administrator.execute("update outbound_items set state = 'wrap_up' where id = %s", [a.item_id])
        administrator.execute("update outbound_attempts set state = 'ended' where id = %s", [a.attempt_id])
        administrator.execute("update calls set finalized_at = created_at where id = %s", [a.call_id])
    if name == "send_invitation":
        administrator.execute("update invitations set posted = 'waiting' where id = %s", [a.invitation_id])
    if name == "clear_links":
        administrator.execute(
            "update invitations set expires_at = now() - interval '31 days' where id = %s", [a.invitation_id]
        )
    if name == "give_caller_back":
        administrator.execute("update call_controls set state = 'failed' where id = %s", [a.control_id])
    _let_papers_go(name, a, administrator)
    if name in {"roll_up_calls", "roll_up_business"}:
        administrator.execute("delete from roll_ups where business_id = %s", [a.business_id])
    if name in {"prebuild_prompt", "warmup_agents", "warmup_business"}:
        administrator.execute("update agent_prompts set key = 'old' where business_id = %s", [a.business_id])
        administrator.execute(
            "delete from jobs where name = 'warmup_business' and business_id = %s", [a.business_id]
        )
    if name == "clear_notifications":
        administrator.execute(
            "update notifications set created_at = now() - interval '91 days' where business_id = %s",
            [a.business_id],
        )
    if name == "rezone_tasks":
        administrator.execute(
            "update tasks set due_at = due_at + interval '1 hour' where id = %s", [a.task_id]
        )
    if name == "answer_conversation":
        for statement in UNANSWERED:
            administrator.execute(statement, [a.business_id])
    if name == "summarise_session":
        administrator.execute(UNREAD, [a.business_id])
        administrator.execute("delete from provider_keys where business_id = %s", [a.business_id])
    if name in {"tend_messages", "tend_messages_of"}:
        # What was to send it is lost.
        administrator.execute("delete from jobs where name = 'send_whatsapp_message'")
    context = _context(servers, a)
    before = rows_of(administrator, a.business_id)
    with clock.frozen_at(clock.now() + timedelta(hours=1)), suppress(TryLater):
        handler_named(name).function(context, *JOBS[name](a))
    if name == "hang_up_call":
        assert carrier.hung_up == [a.call_sid]
    elif name == "hang_up_colleague":
        assert carrier.hung_up == [a.leg_sid]
    elif name == "mark_message_read":
        assert desk.handed == [a.world.number]
    else:
        assert rows_of(administrator, a.business_id) != before
