"""Every route of the application, tried by the owner of one business with what belongs to another.

A route without a case fails the test, so a new one cannot be forgotten.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.websockets import WebSocketDisconnect

from api.doorway import TestClient, build_app, open_door
from isolation.doors import SAFE, Door, carrier_signature, doors_of
from isolation.peering import rows_of
from isolation.population import PUSH_KEYS, SHARED_PHONE, Inhabitant, Town
from support.broadcast import broadcast_options
from support.inbox import SECRET
from support.installation import TOKEN_KEY, Installation
from support.world import PASSWORD
from trunkline.core.db import unit_of_work
from trunkline.core.settings import ServiceRole
from trunkline.domain.inbox import accounts
from trunkline.domain.outbound import orders
from trunkline.kit import tokens
from trunkline.web.browser_socket import PROTOCOL

NOT_FOUND = {404}
FINE = {200, 201, 202, 204}


@dataclass(frozen=True, slots=True)
class Case:
    """What A's owner sends to a route, and the answers that give nothing away.

    `body` and `form` are made from (A, B). The path's ids are B's, unless `own`; so are those that a query
    names like a path would.
    """

    answers: set[int]
    body: Callable[[Inhabitant, Inhabitant], Any] | None = None
    form: Callable[[Inhabitant, Inhabitant], Any] | None = None
    query: dict[str, str] = field(default_factory=dict)
    own: bool = False


def _options(a: Inhabitant, **changes: str) -> dict[str, str]:
    return {"agent_id": str(a.world.agent_id), "from_number": a.world.number} | changes


def _to_list(whose: Inhabitant, account_id: UUID) -> dict[str, Any]:
    """Return a broadcast to a business's list, from some number."""
    options = broadcast_options(account_id).model_dump(mode="json")
    return {"list_id": str(whose.world.list_id), "options": options}


def _first_words(account_id: object, lead_id: object) -> dict[str, Any]:
    words = {"key": "of-another", "text": "From a stranger"}
    return {"account_id": str(account_id), "lead_id": str(lead_id), "message": words}


CASES: dict[Door, list[Case]] = {
    Door("GET", "/api/agent-options"): [Case(FINE)],
    Door("GET", "/api/agent-options/dialogues/{name}"): [Case(FINE)],
    Door("GET", "/api/agents"): [Case(FINE)],
    Door("POST", "/api/agents"): [Case(FINE | {422}, body=lambda a, b: {"name": "Mine"})],
    Door("GET", "/api/agents/{agent_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/agents/{agent_id}"): [Case(NOT_FOUND, body=lambda a, b: {"name": "Stolen"})],
    Door("POST", "/api/agents/check"): [Case(FINE, body=lambda a, b: {"name": "Mine"})],
    Door("POST", "/api/agents/{agent_id}/archive"): [Case(NOT_FOUND)],
    Door("POST", "/api/agents/{agent_id}/unarchive"): [Case(NOT_FOUND)],
    Door("GET", "/api/agents/{agent_id}/versions"): [Case(NOT_FOUND)],
    Door("GET", "/api/agents/{agent_id}/versions/{number}"): [Case(NOT_FOUND)],
    Door("POST", "/api/agents/{agent_id}/restore"): [
        Case(NOT_FOUND, body=lambda a, b: {"number": 1, "version": 1})
    ],
    Door("POST", "/api/agents/{agent_id}/browser-calls"): [Case(NOT_FOUND)],
    Door("DELETE", "/api/agents/{agent_id}/browser-calls/{call_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/knowledge"): [Case(FINE), Case(NOT_FOUND, query={"agent_id": "{agent_id}"})],
    Door("POST", "/api/knowledge"): [
        Case(NOT_FOUND, body=lambda a, b: {"title": "T", "text": "t", "agent_id": str(b.world.agent_id)})
    ],
    Door("GET", "/api/knowledge/{text_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/knowledge/{text_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "title": "Stolen"}),
        Case(
            NOT_FOUND, body=lambda a, b: {"version": 1, "agent_id": str(b.world.agent_id)}, own=True
        ),
    ],
    Door("DELETE", "/api/knowledge/{text_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/appointments"): [Case(FINE), Case(FINE, query={"newest_first": "true"})],
    Door("POST", "/api/appointments"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "starts_at": "2099-01-06T10:00:00Z", "ends_at": "2099-01-06T11:00:00Z",
                "lead_id": str(b.lead_id),
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "starts_at": "2099-01-06T10:00:00Z", "ends_at": "2099-01-06T11:00:00Z",
                "calendar_id": str(b.calendar_id),
            },
        ),
    ],
    Door("PATCH", "/api/appointments/{appointment_id}"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "starts_at": "2099-01-06T10:00:00Z", "ends_at": "2099-01-06T11:00:00Z", "version": 1
            },
        ),
    ],
    Door("GET", "/api/appointments/{appointment_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/appointments/{appointment_id}/mark"): [
        Case(NOT_FOUND, body=lambda a, b: {"state": "arrived", "version": 1}),
    ],
    Door("GET", "/api/appointments/{appointment_id}/messages"): [Case(NOT_FOUND)],
    Door("GET", "/api/appointments/{appointment_id}/ics"): [Case(NOT_FOUND)],
    Door("POST", "/api/appointments/{appointment_id}/link"): [Case(NOT_FOUND)],
    Door("GET", "/api/calendars/{calendar_id}/feed"): [Case(NOT_FOUND)],
    Door("POST", "/api/calendars/{calendar_id}/feed"): [Case(NOT_FOUND)],
    Door("DELETE", "/api/calendars/{calendar_id}/feed"): [Case(NOT_FOUND)],
    Door("GET", "/api/appointment-automations"): [Case(FINE)],
    Door("POST", "/api/appointment-automations"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "name": "T", "moment": "booked", "channel": "call", "agent_id": str(b.world.agent_id),
                "from_number": a.world.number,
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "name": "T", "moment": "booked", "channel": "call", "agent_id": str(a.world.agent_id),
                "from_number": a.world.number, "calendar_id": str(b.calendar_id),
            },
        ),
    ],
    Door("PATCH", "/api/appointment-automations/{automation_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "name": "Stolen"}),
        Case(
            NOT_FOUND, body=lambda a, b: {"version": 1, "agent_id": str(b.world.agent_id)}, own=True
        ),
    ],
    Door("DELETE", "/api/appointment-automations/{automation_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/calendars"): [Case(FINE)],
    Door("POST", "/api/calendars"): [
        Case(FINE, body=lambda a, b: {"name": "Ours"}),
        Case(NOT_FOUND, body=lambda a, b: {"name": "T", "agent_ids": [str(b.world.agent_id)]}),
    ],
    Door("PATCH", "/api/calendars/{calendar_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "name": "Stolen"}),
        Case(
            NOT_FOUND, body=lambda a, b: {"version": 1, "agent_ids": [str(b.world.agent_id)]}, own=True
        ),
    ],
    Door("DELETE", "/api/calendars/{calendar_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/free-slots"): [Case(FINE), Case(NOT_FOUND, query={"calendar_id": "{calendar_id}"})],
    Door("POST", "/api/appointments/{appointment_id}/cancel"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1}),
    ],
    Door("GET", "/api/tasks"): [
        Case(FINE), Case(FINE, query={"assignee": "me", "state": "done"}),
        Case(NOT_FOUND, query={"lead_id": "{lead_id}"}),
    ],
    Door("POST", "/api/tasks"): [
        Case(NOT_FOUND, body=lambda a, b: {"title": "Mine", "lead_id": str(b.lead_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"title": "Mine", "assignee_id": str(b.user_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"title": "Mine", "call_id": str(b.call_id)}),
    ],
    Door("GET", "/api/tasks/counts"): [Case(FINE)],
    Door("GET", "/api/tasks/{task_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/tasks/{task_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "title": "Stolen"}),
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "lead_id": str(b.lead_id)}, own=True),
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "assignee_id": str(b.user_id)}, own=True),
    ],
    Door("DELETE", "/api/tasks/{task_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/notifications"): [Case(FINE), Case(FINE, query={"unread": "true"})],
    Door("GET", "/api/notifications/unread"): [Case(FINE)],
    Door("POST", "/api/notifications/read"): [Case(FINE)],
    Door("POST", "/api/notifications/{notification_id}/read"): [Case(NOT_FOUND, body=lambda a, b: {})],
    Door("GET", "/api/notification-choices"): [Case(FINE)],
    Door("PUT", "/api/notification-choices"): [Case(FINE, body=lambda a, b: {"kinds": {}, "ahead": [5]})],
    Door("GET", "/api/business/quiet-hours"): [Case(FINE)],
    Door("PUT", "/api/business/quiet-hours"): [Case(FINE, body=lambda a, b: {"quiet": None})],
    Door("GET", "/api/push/key"): [Case(FINE)],
    Door("GET", "/api/push/devices"): [Case(FINE)],
    Door("POST", "/api/push/devices"): [
        # B's browser, should A know its address: B's stays B's.
        Case(
            FINE,
            body=lambda a, b: {"endpoint": f"https://push.example/{b.world.number}", "keys": PUSH_KEYS},
        ),
    ],
    Door("PATCH", "/api/push/devices/{device_id}"): [Case(NOT_FOUND, body=lambda a, b: {"kinds": None})],
    Door("DELETE", "/api/push/devices/{device_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/push/devices/{device_id}/try"): [Case(NOT_FOUND)],
    Door("GET", "/api/business"): [Case(FINE)],
    Door("PATCH", "/api/business"): [Case(FINE, body=lambda a, b: {"name": "Acme still"})],
    Door("GET", "/api/business/keys"): [Case(FINE)],
    Door("PUT", "/api/business/keys/{provider}"): [
        Case(FINE, body=lambda a, b: {"key": "a-new-key-of-one-s-own"}, own=True)
    ],
    Door("DELETE", "/api/business/keys/{provider}"): [Case(NOT_FOUND)],
    Door("GET", "/api/business/numbers"): [Case(FINE)],
    Door("PATCH", "/api/business/numbers/{number_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"agent_id": str(a.world.agent_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"agent_id": str(b.world.agent_id)}, own=True),
    ],
    Door("POST", "/api/business/numbers"): [
        Case(NOT_FOUND, body=lambda a, b: {"number": "+12125550177", "agent_id": str(b.world.agent_id)}),
        Case({409}, body=lambda a, b: {"number": b.world.number, "agent_id": str(a.world.agent_id)}),
    ],
    Door("GET", "/api/calls"): [Case(FINE), Case(FINE, query={"number": SHARED_PHONE, "booked": "true"})],
    Door("GET", "/api/calls/{call_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/calls/{call_id}/listen"): [Case(NOT_FOUND)],
    Door("GET", "/api/calls/{call_id}/recordings"): [Case(NOT_FOUND)],
    Door("GET", "/api/calls/{call_id}/recording"): [Case(NOT_FOUND)],
    Door("PUT", "/api/calls/{call_id}/notes"): [
        Case(NOT_FOUND, body=lambda a, b: {"text": "stolen", "version": 0})
    ],
    Door("GET", "/api/calls/{call_id}/controls"): [Case(NOT_FOUND)],
    Door("GET", "/api/calls/{call_id}/controls/possible"): [Case(NOT_FOUND)],
    Door("POST", "/api/calls/{call_id}/transfer"): [
        Case(NOT_FOUND, body=lambda a, b: {"to": "101"}),
        # B's extension is no extension of A's.
        Case({422}, body=lambda a, b: {"to": "202"}, own=True),
    ],
    Door("POST", "/api/calls/{call_id}/warm-transfer"): [
        Case(NOT_FOUND, body=lambda a, b: {"to": "101", "summary": "stolen"}),
        Case({422}, body=lambda a, b: {"to": "202"}, own=True),
    ],
    Door("POST", "/api/calls/{call_id}/hold"): [Case(NOT_FOUND)],
    Door("POST", "/api/calls/{call_id}/resume"): [Case(NOT_FOUND)],
    Door("POST", "/api/calls/{call_id}/digits"): [Case(NOT_FOUND, body=lambda a, b: {"digits": "1"})],
    Door("POST", "/api/calls/{call_id}/drop-message"): [
        Case(NOT_FOUND, body=lambda a, b: {"message": "Hello."})
    ],
    Door("POST", "/api/calls/{call_id}/hang-up"): [Case(NOT_FOUND)],
    Door("GET", "/api/events"): [
        Case(FINE, query={"limit": "500"}),
        Case(FINE, query={"after": "0-0", "limit": "500"}),
    ],
    Door("GET", "/api/events/stream"): [Case(FINE, query={"after": "0-0", "for_s": "2"})],
    Door("GET", "/api/overview"): [Case(FINE)],
    Door("GET", "/api/reports"): [
        Case(FINE, query={"from": "2026-01-01", "to": "2026-12-31", "by": by})
        for by in ("day", "month", "agent", "run", "source")
    ],
    Door("GET", "/api/reports.csv"): [Case(FINE, query={"from": "2026-01-01", "to": "2026-12-31"})],
    Door("GET", "/api/search"): [
        Case(FINE, query={"q": "shared", "limit": "50"}),
        Case(FINE, query={"q": "parking behind the house"}),
        Case(FINE, query={"q": SHARED_PHONE}),
    ],
    Door("GET", "/api/jobs"): [
        Case(FINE, query={"limit": "200"}),
        *(Case(FINE, query={"state": state}) for state in ("queued", "running", "failed", "succeeded")),
        Case(FINE, query={"name": "dial_next", "queue": "high"}),
    ],
    Door("GET", "/api/jobs/stats"): [Case(FINE)],
    Door("POST", "/api/jobs/retry"): [
        Case(FINE, body=lambda a, b: {}),
        Case(FINE, body=lambda a, b: {"run_id": str(b.run_id)}),
    ],
    Door("GET", "/api/jobs/{job_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/jobs/{job_id}/retry"): [Case(NOT_FOUND)],
    Door("POST", "/api/jobs/{job_id}/cancel"): [Case(NOT_FOUND, body=lambda a, b: {"force": True})],
    Door("GET", "/api/leads"): [
        Case(FINE, query={"limit": "200"}), Case(FINE, query={"order": "name", "search": "Umbrella"})
    ],
    Door("POST", "/api/leads"): [
        Case({422}, body=lambda a, b: {"phone": "nonsense"}),
        Case(NOT_FOUND, body=lambda a, b: {"phone": "+12125550160", "status_id": str(b.status_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"phone": "+12125550160", "list_id": str(b.world.list_id)}),
        # Who is known to B alone is somebody new here.
        Case(FINE, body=lambda a, b: {"phone": b.world.phones[1], "name": "Mine"}),
    ],
    Door("GET", "/api/leads/count"): [Case(FINE)],
    Door("GET", "/api/leads/board"): [Case(FINE)],
    Door("GET", "/api/leads/{lead_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/leads/{lead_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "name": "stolen"}),
    ],
    Door("POST", "/api/leads/{lead_id}/move"): [
        Case(NOT_FOUND, body=lambda a, b: {"status_id": str(a.status_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"status_id": str(b.status_id)}, own=True),
        # B's lead is no card of A's board to stand behind: A's own comes first.
        Case(FINE, body=lambda a, b: {"status_id": str(a.status_id), "after": str(b.lead_id)}, own=True),
    ],
    Door("GET", "/api/leads/{lead_id}/timeline"): [Case(NOT_FOUND), Case(FINE, own=True)],
    Door("GET", "/api/leads/{lead_id}/suppression"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/{lead_id}/notes"): [Case(NOT_FOUND, body=lambda a, b: {"text": "stolen"})],
    Door("PATCH", "/api/leads/{lead_id}/notes/{note_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"text": "stolen"}),
    ],
    Door("DELETE", "/api/leads/{lead_id}/notes/{note_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/{lead_id}/notes/{note_id}/files"): [
        Case(NOT_FOUND, form=lambda a, b: ("", "stolen")),
    ],
    Door("GET", "/api/leads/{lead_id}/notes/{note_id}/files/{file_id}"): [Case(NOT_FOUND)],
    Door("DELETE", "/api/leads/{lead_id}/notes/{note_id}/files/{file_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/leads/{lead_id}/status-changes"): [Case(NOT_FOUND), Case(FINE, own=True)],
    Door("GET", "/api/lead-status-rules"): [Case(FINE)],
    Door("PUT", "/api/lead-status-rules"): [
        Case(NOT_FOUND, body=lambda a, b: {"is_on": True, "rules": {"declined": str(b.status_id)}}),
        Case(FINE, body=lambda a, b: {"is_on": True, "rules": {"declined": str(a.status_id)}}),
    ],
    Door("GET", "/api/chat-providers"): [Case(FINE)],
    Door("GET", "/api/chat-accounts"): [Case(FINE)],
    Door("POST", "/api/chat-accounts"): [
        Case({422}, body=lambda a, b: {"provider": "whatsapp", "address": b.world.number}),
    ],
    Door("GET", "/api/chat-accounts/{account_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/chat-accounts/{account_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"name": "Stolen"}),
        Case(NOT_FOUND, body=lambda a, b: {"agent_id": str(b.world.agent_id)}, own=True),
    ],
    Door("PUT", "/api/chat-accounts/{account_id}/keys"): [
        Case(NOT_FOUND, body=lambda a, b: {"key": "a-key-of-mine", "secret": "a-secret-of-mine"}),
    ],
    Door("POST", "/api/chat-accounts/{account_id}/disconnect"): [Case(NOT_FOUND)],
    Door("POST", "/api/chat-accounts/{account_id}/reconnect"): [Case(NOT_FOUND)],
    Door("GET", "/api/chat-accounts/{account_id}/hook"): [Case(NOT_FOUND)],
    Door("GET", "/api/chat-accounts/{account_id}/templates"): [Case(NOT_FOUND)],
    Door("POST", "/api/chat-accounts/{account_id}/templates/refresh"): [Case(NOT_FOUND)],
    Door("GET", "/api/canned-replies"): [Case(FINE)],
    Door("POST", "/api/canned-replies"): [
        Case({422}, body=lambda a, b: {"shortcut": "hours", "text": "Taken already."}),
    ],
    Door("PUT", "/api/canned-replies/{reply_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"shortcut": "mine", "text": "Stolen"}),
    ],
    Door("DELETE", "/api/canned-replies/{reply_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/broadcasts"): [Case(FINE)],
    Door("POST", "/api/broadcasts"): [
        Case(NOT_FOUND, body=lambda a, b: {"title": "Mine", **_to_list(a, b.inbox.account_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"title": "Mine", **_to_list(b, a.inbox.account_id)}),
    ],
    Door("POST", "/api/broadcasts/preview"): [
        Case(NOT_FOUND, body=lambda a, b: _to_list(a, b.inbox.account_id)),
        Case(NOT_FOUND, body=lambda a, b: _to_list(b, a.inbox.account_id)),
    ],
    Door("GET", "/api/broadcasts/{broadcast_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/broadcasts/{broadcast_id}/recipients"): [Case(NOT_FOUND)],
    Door("POST", "/api/broadcasts/{broadcast_id}/schedule"): [
        Case(NOT_FOUND, body=lambda a, b: {"starts_at": "2099-01-01T00:00:00Z"}),
    ],
    Door("POST", "/api/broadcasts/{broadcast_id}/start"): [Case(NOT_FOUND)],
    Door("POST", "/api/broadcasts/{broadcast_id}/pause"): [Case(NOT_FOUND)],
    Door("POST", "/api/broadcasts/{broadcast_id}/resume"): [Case(NOT_FOUND)],
    Door("POST", "/api/broadcasts/{broadcast_id}/cancel"): [Case(NOT_FOUND)],
    Door("POST", "/api/broadcasts/{broadcast_id}/retry-failed"): [Case(NOT_FOUND)],
    Door("GET", "/api/conversations"): [
        Case(FINE),
        Case(NOT_FOUND, query={"lead_id": "{lead_id}"}),
        Case(NOT_FOUND, query={"account_id": "{account_id}"}),
        Case(FINE, query={"assignee": "{user_id}"}),
        Case(FINE, query={"search": "Dana"}),
    ],
    Door("GET", "/api/conversations/counts"): [Case(FINE)],
    Door("GET", "/api/conversations/labels"): [Case(FINE)],
    Door("POST", "/api/conversations"): [
        Case(NOT_FOUND, body=lambda a, b: _first_words(b.inbox.account_id, a.lead_id)),
        Case(NOT_FOUND, body=lambda a, b: _first_words(a.inbox.account_id, b.lead_id)),
    ],
    Door("GET", "/api/conversations/{conversation_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/conversations/{conversation_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"state": "resolved"}),
        Case(NOT_FOUND, body=lambda a, b: {"assignee_id": str(b.user_id)}, own=True),
    ],
    Door("POST", "/api/conversations/{conversation_id}/read"): [Case(NOT_FOUND)],
    Door("POST", "/api/conversations/{conversation_id}/drafts/{message_id}/send"): [
        Case(NOT_FOUND, body=lambda a, b: {"text": "From a stranger"}),
    ],
    Door("POST", "/api/conversations/{conversation_id}/drafts/{message_id}/discard"): [Case(NOT_FOUND)],
    Door("GET", "/api/conversation-findings"): [Case(FINE)],
    Door("GET", "/api/conversation-findings/{chat_session_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/conversation-findings/{chat_session_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"accept": ["status"]}),
    ],
    Door("POST", "/api/conversations/{conversation_id}/unread"): [Case(NOT_FOUND)],
    Door("POST", "/api/conversations/{conversation_id}/close-session"): [Case(NOT_FOUND)],
    Door("GET", "/api/conversations/{conversation_id}/messages"): [Case(NOT_FOUND)],
    Door("POST", "/api/conversations/{conversation_id}/messages"): [
        Case(NOT_FOUND, body=lambda a, b: {"key": "of-another", "text": "From a stranger"}),
    ],
    Door("POST", "/api/conversations/{conversation_id}/notes"): [
        Case(NOT_FOUND, body=lambda a, b: {"key": "of-another", "text": "From a stranger"}),
    ],
    Door("POST", "/api/conversations/{conversation_id}/files"): [
        Case(NOT_FOUND, form=lambda a, b: ({"key": "of-another"}, b"%PDF-1.7 a plan")),
    ],
    Door("POST", "/api/conversations/{conversation_id}/messages/{message_id}/again"): [
        Case(NOT_FOUND, body=lambda a, b: {"confirmed": True}),
    ],
    Door("POST", "/api/conversations/{conversation_id}/messages/{message_id}/take-back"): [Case(NOT_FOUND)],
    Door("GET", "/api/conversations/{conversation_id}/messages/{message_id}/file"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-webhooks"): [Case(FINE)],
    Door("POST", "/api/lead-webhooks"): [
        Case(NOT_FOUND, body=lambda a, b: {"name": "Mine", "status_id": str(b.status_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"name": "Mine", "list_id": str(b.world.list_id)}),
        Case(FINE, body=lambda a, b: {"name": "Mine"}),
    ],
    Door("PATCH", "/api/lead-webhooks/{webhook_id}"): [
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "name": "stolen"}),
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "status_id": str(b.status_id)}, own=True),
        Case(NOT_FOUND, body=lambda a, b: {"version": 1, "list_id": str(b.world.list_id)}, own=True),
    ],
    Door("POST", "/api/lead-webhooks/{webhook_id}/rotate"): [Case(NOT_FOUND)],
    Door("DELETE", "/api/lead-webhooks/{webhook_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-webhooks/{webhook_id}/deliveries"): [Case(NOT_FOUND)],
    Door("POST", "/api/lead-webhooks/{webhook_id}/test"): [Case(NOT_FOUND, body=lambda a, b: {"body": {}})],
    Door("GET", "/api/lead-exports"): [Case(FINE)],
    Door("POST", "/api/lead-exports"): [
        Case(NOT_FOUND, body=lambda a, b: {"filter": {"status_id": [str(b.status_id)]}}),
        Case(NOT_FOUND, body=lambda a, b: {"filter": {"list_id": str(b.world.list_id)}}),
        Case(FINE, body=lambda a, b: {}),
    ],
    Door("GET", "/api/lead-exports/{export_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/lead-exports/{export_id}/cancel"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-exports/{export_id}/file"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/{lead_id}/addresses"): [
        Case(NOT_FOUND, body=lambda a, b: {"channel": "phone", "address": "+12125550188"}),
        Case({201}, body=lambda a, b: {"channel": "email", "address": "mine@own.example"}, own=True),
    ],
    Door("DELETE", "/api/leads/{lead_id}/addresses/{channel}/{address}"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/{lead_id}/main-number"): [
        Case(NOT_FOUND, body=lambda a, b: {"phone": SHARED_PHONE, "version": 1})
    ],
    Door("GET", "/api/leads/{lead_id}/duplicates"): [Case(NOT_FOUND), Case(FINE, own=True)],
    Door("GET", "/api/leads/{lead_id}/merge/{other_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/{lead_id}/merge"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {"other_id": str(a.lead_id), "version": 1, "other_version": 1},
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {"other_id": str(b.lead_id), "version": 1, "other_version": 1},
            own=True,
        ),
    ],
    Door("GET", "/api/lead-fields"): [Case(FINE)],
    Door("POST", "/api/lead-fields"): [Case(FINE, body=lambda a, b: {"label": "Mine", "kind": "text"})],
    Door("PATCH", "/api/lead-fields/{field_id}"): [Case(NOT_FOUND, body=lambda a, b: {"label": "X"})],
    Door("GET", "/api/colleagues"): [Case(FINE)],
    Door("GET", "/api/lead-tags"): [Case(FINE)],
    Door("GET", "/api/lead-statuses"): [Case(FINE)],
    Door("POST", "/api/lead-statuses"): [Case(FINE, body=lambda a, b: {"name": "Mine"})],
    Door("PATCH", "/api/lead-statuses/{status_id}"): [Case(NOT_FOUND, body=lambda a, b: {"name": "X"})],
    Door("DELETE", "/api/lead-statuses/{status_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/bulk-update"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "lead_ids": [str(a.lead_id), str(b.lead_id)], "changes": {"notes": "stolen"}
            },
        ),
        Case(
            NOT_FOUND, body=lambda a, b: {"list_id": str(b.world.list_id), "changes": {"notes": "stolen"}}
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "lead_ids": [str(a.lead_id)], "changes": {"add_to_list": str(b.world.list_id)}
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "lead_ids": [str(a.lead_id)], "changes": {"remove_from_list": str(b.world.list_id)}
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "lead_ids": [str(a.lead_id)], "changes": {"status_id": str(b.status_id)}
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "filter": {"list_id": str(b.world.list_id)}, "changes": {"notes": "stolen"}
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {"filter": {"status_id": [str(b.status_id)]}, "changes": {"notes": "X"}},
        ),
    ],
    Door("POST", "/api/leads/bulk-delete"): [
        Case(NOT_FOUND, body=lambda a, b: {"lead_ids": [str(a.lead_id), str(b.lead_id)]}),
        Case(NOT_FOUND, body=lambda a, b: {"list_id": str(b.world.list_id)}),
        Case(FINE, body=lambda a, b: {"filter": {"everybody": True}}),
    ],
    Door("GET", "/api/leads/bulk-runs"): [Case(FINE)],
    Door("GET", "/api/leads/bulk-runs/{bulk_run_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/bulk-runs/{bulk_run_id}/pause"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/bulk-runs/{bulk_run_id}/resume"): [Case(NOT_FOUND)],
    Door("POST", "/api/leads/bulk-runs/{bulk_run_id}/cancel"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-lists"): [Case(FINE)],
    Door("GET", "/api/lead-imports"): [Case(FINE)],
    Door("POST", "/api/lead-imports"): [
        # Both know this person: A's list is about A's lead.
        Case(FINE, form=lambda a, b: ("Mine too", f"phone,name\n{b.world.phones[0]},Renamed\n")),
    ],
    Door("PATCH", "/api/leads/{lead_id}/consent"): [
        Case(NOT_FOUND, body=lambda a, b: {"consent": "written"}),
    ],
    Door("GET", "/api/compliance-log"): [
        Case(FINE, query={"limit": "200", "from": "2020-01-01T00:00:00Z"}),
        Case(FINE, query={"phone": "+12125550101"}),
    ],
    Door("GET", "/api/compliance-log.csv"): [
        Case(FINE),
        Case(FINE, query={"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}),
    ],
    Door("POST", "/api/lead-imports/preview"): [
        Case(FINE, form=lambda a, b: ("Mine", f"phone,name\n{b.world.phones[0]},Renamed\n")),
    ],
    Door("GET", "/api/lead-imports/{import_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-imports/{import_id}/faults"): [Case(NOT_FOUND)],
    Door("GET", "/api/lead-imports/{import_id}/faults.csv"): [Case(NOT_FOUND)],
    Door("POST", "/api/lead-imports/{import_id}/pause"): [Case(NOT_FOUND)],
    Door("POST", "/api/lead-imports/{import_id}/resume"): [Case(NOT_FOUND)],
    Door("POST", "/api/lead-imports/{import_id}/cancel"): [Case(NOT_FOUND)],
    Door("GET", "/api/me"): [Case(FINE)],
    Door("GET", "/api/suppressions"): [Case(FINE), Case(FINE, query={"search": "+12125550182"})],
    Door("POST", "/api/suppressions"): [Case({201}, body=lambda a, b: {"phone": b.world.phones[1]})],
    Door("POST", "/api/suppressions/upload"): [
        Case({201}, form=lambda a, b: ("", f"phone\n{b.world.phones[1]}\n")),
    ],
    Door("DELETE", "/api/suppressions/{phone}"): [Case(NOT_FOUND)],
    Door("GET", "/api/calling-hours"): [
        Case(FINE, query={"phone": "+12125550101"}),
    ],
    Door("POST", "/api/runs/estimate"): [
        Case(NOT_FOUND, body=lambda a, b: {"list_id": str(b.world.list_id)}),
        Case(NOT_FOUND, body=lambda a, b: {"lead_ids": [str(a.lead_id), str(b.lead_id)]}),
        Case(FINE, body=lambda a, b: {"filter": {"everybody": True}}),
    ],
    Door("GET", "/api/runs/{run_id}/outlook"): [Case(NOT_FOUND)],
    Door("GET", "/api/runs/{run_id}/items/{item_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/runs"): [Case(FINE)],
    Door("POST", "/api/runs"): [
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "title": "Mine", "list_id": str(a.world.list_id),
                "options": _options(a, agent_id=str(b.world.agent_id)),
            },
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {"title": "Mine", "list_id": str(b.world.list_id), "options": _options(a)},
        ),
        Case(
            NOT_FOUND,
            body=lambda a, b: {
                "title": "Mine", "lead_ids": [str(a.lead_id), str(b.lead_id)], "options": _options(a)
            },
        ),
        Case(
            {422},
            body=lambda a, b: {
                "title": "Mine", "list_id": str(a.world.list_id),
                "options": _options(a, from_number=b.world.number),
            },
        ),
    ],
    Door("GET", "/api/runs/{run_id}"): [Case(NOT_FOUND)],
    Door("GET", "/api/runs/{run_id}/items"): [Case(NOT_FOUND)],
    Door("GET", "/api/runs/{run_id}/attempts"): [Case(NOT_FOUND)],
    Door("GET", "/api/runs/{run_id}/results.csv"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/runs/{run_id}"): [Case(NOT_FOUND, body=lambda a, b: {"priority": 100})],
    Door("POST", "/api/runs/dial-now"): [
        Case(NOT_FOUND, body=lambda a, b: {"lead_ids": [str(b.lead_id)], "options": _options(a)}),
    ],
    Door("POST", "/api/runs/{run_id}/schedule"): [
        Case(NOT_FOUND, body=lambda a, b: {"starts_at": "2099-01-01T00:00:00Z"}),
    ],
    Door("POST", "/api/runs/{run_id}/retry-failed"): [Case(NOT_FOUND)],
    Door("POST", "/api/runs/{run_id}/attempts/{attempt_id}/release"): [Case(NOT_FOUND)],
    Door("POST", "/api/runs/{run_id}/start"): [Case(NOT_FOUND)],
    Door("POST", "/api/runs/{run_id}/pause"): [Case(NOT_FOUND)],
    Door("POST", "/api/runs/{run_id}/resume"): [Case(NOT_FOUND)],
    Door("POST", "/api/runs/{run_id}/cancel"): [Case(NOT_FOUND, body=lambda a, b: {"force": True})],
    Door("GET", "/api/users"): [Case(FINE)],
    Door("POST", "/api/users"): [
        # An address signs in to one business; docs/reference/tenancy.md lists what this gives away.
        Case(
            {422},
            body=lambda a, b: {
                "email": b.world.email, "name": "Mine", "password": PASSWORD, "role": "viewer"
            },
        ),
    ],
    Door("DELETE", "/api/users/{user_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/users/{user_id}"): [Case(NOT_FOUND, body=lambda a, b: {"role": "owner"})],
    Door("GET", "/api/invitations"): [Case(FINE)],
    Door("POST", "/api/invitations"): [
        # As above: that an address signs in elsewhere is told. That it is invited elsewhere is not.
        Case({422}, body=lambda a, b: {"email": b.world.email, "role": "viewer"}),
        Case(FINE, body=lambda a, b: {"email": "invited@2.example", "role": "viewer"}),
    ],
    Door("POST", "/api/invitations/{invitation_id}/send-again"): [Case(NOT_FOUND)],
    Door("DELETE", "/api/invitations/{invitation_id}"): [Case(NOT_FOUND)],
    Door("PATCH", "/api/me"): [Case(FINE, body=lambda a, b: {"name": "Owner still"})],
    Door("POST", "/api/me/password"): [
        Case({422}, body=lambda a, b: {"current": "not it", "new": "another long one"})
    ],
    Door("GET", "/api/me/sessions"): [Case(FINE)],
    Door("DELETE", "/api/me/sessions/{session_id}"): [Case(NOT_FOUND)],
    Door("POST", "/api/me/sessions/end-others"): [Case(FINE)],
    # The only owner of A.
    Door("POST", "/api/me/leave"): [Case({403})],
    # Nobody of a business may do these at all, whether or not the id is somebody's.
    Door("GET", "/api/admin/businesses"): [Case({403})],
    Door("POST", "/api/admin/businesses"): [Case({403}, body=lambda a, b: {"name": "Mine"})],
    Door("POST", "/api/admin/enter-business"): [
        Case({403}, body=lambda a, b: {"business_id": str(b.business_id)})
    ],
    Door("GET", "/api/admin/suppressions"): [Case({403})],
    Door("POST", "/api/admin/suppressions"): [Case({403}, body=lambda a, b: {"phone": b.world.phones[1]})],
    Door("DELETE", "/api/admin/suppressions/{phone}"): [Case({403})],
    Door("GET", "/api/admin/workers"): [Case({403})],
    Door("GET", "/api/admin/queues"): [Case({403})],
    Door("GET", "/api/admin/usage"): [Case({403})],
    Door("GET", "/api/admin/carrier-failures"): [Case({403})],
    Door("GET", "/api/admin/schedules"): [Case({403})],
    Door("GET", "/api/admin/jobs"): [Case({403})],
    Door("GET", "/api/admin/jobs/stats"): [Case({403})],
    Door("POST", "/api/admin/jobs/retry"): [Case({403})],
    Door("GET", "/api/admin/jobs/{job_id}"): [Case({403}), Case({403}, own=True)],
    Door("POST", "/api/admin/jobs/{job_id}/retry"): [Case({403}), Case({403}, own=True)],
    Door("POST", "/api/admin/jobs/{job_id}/cancel"): [Case({403}), Case({403}, own=True)],
}  # fmt: skip
"""Routes behind the sign-in."""

OPEN_TO_ALL = {
    Door("POST", "/api/sign-in"),
    Door("POST", "/api/sign-out"),
    Door("POST", "/api/my-appointment"),
    Door("POST", "/api/my-appointment/slots"),
    Door("POST", "/api/my-appointment/move"),
    Door("POST", "/api/my-appointment/cancel"),
    Door("POST", "/api/my-appointment/ics"),
    Door("GET", "/api/calendar-feeds/{secret}"),
    Door("POST", "/api/join"),
    Door("POST", "/api/join/offer"),
    Door("POST", "/api/password-links"),
    Door("POST", "/api/new-password"),
    Door("GET", "/health"),
    Door("GET", "/ready"),
    Door("GET", "/openapi.json"),
    Door("GET", "/docs"),
    Door("GET", "/hooks/carrier/call/hold.wav"),
    Door("MOUNT", "/docs/assets"),
    Door("MOUNT", "/docs/page"),
}
"""Doors without a session: signing in and out, what a one-time link proves, the page itself, and how the
process is."""

OF_THE_CARRIER = {
    Door("POST", "/hooks/carrier/call/colleague"),
    Door("POST", "/hooks/carrier/call/colleague-status"),
    Door("POST", "/hooks/carrier/call/dialled"),
    Door("POST", "/hooks/carrier/call/left"),
    Door("POST", "/hooks/carrier/call/next"),
    Door("POST", "/hooks/carrier/call/offered"),
    Door("POST", "/hooks/carrier/call/recorded"),
    Door("POST", "/hooks/carrier/call/stream"),
    Door("POST", "/hooks/carrier/inbound/answer"),
    Door("POST", "/hooks/carrier/inbound/status"),
    Door("POST", "/hooks/carrier/outbound/answer"),
    Door("POST", "/hooks/carrier/outbound/machine"),
    Door("POST", "/hooks/carrier/outbound/status"),
    Door("POST", "/hooks/telnyx/events"),
}
"""Doors that only a signature opens."""

WITH_A_SECRET = {
    Door("POST", "/hooks/leads/{webhook_id}"),
    Door("GET", "/hooks/chat/{hook_key}"),
    Door("POST", "/hooks/chat/{hook_key}"),
}
"""A business's own forms bring it leads; its number's provider tells what people write."""

SOCKETS = {Door("SOCKET", f"/media/{name}") for name in ("browser", "carrier", "listen", "telnyx")}

WITH_A_TOKEN = {Door("GET", "/metrics")}
"""For the installation's operator; tests/web/test_metrics.py tries it without."""

FOR_SYSTEM_ADMINS = {Door("MOUNT", "/admin/rq")}
"""Not routes of ours; tests/web/test_rq_dashboard.py tries it as everybody else."""

_APP = build_app(redis_url="redis://127.0.0.1:9")
DOORS = doors_of(_APP)
BEHIND_THE_SIGN_IN = [door for door in DOORS if door.is_ours and door not in OPEN_TO_ALL]


@pytest.fixture(scope="module")
def clients(town: Town, servers: Installation) -> Iterator[tuple[TestClient, TestClient]]:
    """A's owner, and somebody who has not signed in."""
    with open_door(_APP) as stranger:
        owner = TestClient(_APP, headers=dict(stranger.headers), cookies={"trunkline": town.a.secret})
        yield owner, stranger


@pytest.fixture
def owner(clients: tuple[TestClient, TestClient]) -> TestClient:
    """A's owner at the door."""
    return clients[0]


@pytest.fixture
def stranger(clients: tuple[TestClient, TestClient]) -> TestClient:
    """Somebody without a session."""
    return clients[1]


@pytest.fixture
def untouched(town: Town, administrator: psycopg.Connection[Any]) -> Iterator[None]:
    """Whatever the test does, every row of B is afterwards as it was."""
    before = rows_of(administrator, town.b.business_id)
    yield
    assert rows_of(administrator, town.b.business_id) == before


_NOBODY_S = {"channel": "email", "number": "1", "name": "appointment"}
"""Parameters of paths that are no ids: a version's number, a ready-made dialogue's name."""


def path_for(door: Door, whose: Inhabitant) -> str:
    """Fill a path's parameters with somebody's ids; a parameter that nobody has an id for is an error."""
    return door.path.format(**_NOBODY_S, **{name: str(value) for name, value in whose.ids.items()})


def send(client: TestClient, door: Door, case: Case, town: Town) -> Any:
    theirs = {name: value.format(**town.b.ids) for name, value in case.query.items()}
    parts: dict[str, Any] = {"params": theirs}
    if case.form is not None:
        name, content = case.form(town.a, town.b)
        fields = {"name": name} if isinstance(name, str) else name
        parts |= {"data": fields, "files": {"file": ("list.csv", content)}}
    elif door.method not in SAFE | {"DELETE"}:
        parts["json"] = case.body(town.a, town.b) if case.body else {}
    return client.request(door.method, path_for(door, town.a if case.own else town.b), **parts)


def test_every_door_has_a_case() -> None:
    known = set(CASES) | OPEN_TO_ALL | OF_THE_CARRIER | SOCKETS | WITH_A_TOKEN | FOR_SYSTEM_ADMINS
    known |= WITH_A_SECRET
    assert set(DOORS) - known == set(), "doors without a case: say what another business's ids do there"
    assert known - set(DOORS) == set(), "cases without a door"


def test_a_process_for_calls_alone_has_no_door_for_people() -> None:
    doors = doors_of(build_app(role=ServiceRole.CALLS))
    assert [door for door in doors if door.is_ours] == []
    assert set(doors) >= OF_THE_CARRIER | SOCKETS


@pytest.mark.parametrize(
    ("door", "number"),
    [(door, number) for door in CASES for number in range(len(CASES[door]))],
    ids=str,
)
@pytest.mark.usefixtures("untouched")
def test_another_business_s_things_are_not_there(
    door: Door, number: int, town: Town, owner: TestClient
) -> None:
    case = CASES[door][number]
    answer = send(owner, door, case, town)
    assert answer.status_code in case.answers, answer.text
    if answer.status_code in FINE:
        for name, secret in {**town.b.ids, "sid": town.b.call_sid, "name": "Umbrella"}.items():
            assert str(secret) not in answer.text, f"the answer names B's {name}"


@pytest.mark.parametrize(
    "door",
    [
        door
        for door in CASES
        if "{" in door.path and door.method == "GET" and not door.path.startswith("/api/admin/")
    ],
    ids=str,
)
def test_one_s_own_things_are_there_under_the_same_path(door: Door, town: Town, owner: TestClient) -> None:
    # 202: a recording that is on its way.
    assert owner.get(path_for(door, town.a)).status_code in {200, 202}


@pytest.mark.parametrize("door", BEHIND_THE_SIGN_IN, ids=str)
@pytest.mark.usefixtures("untouched")
def test_without_a_session_nothing_is_told(door: Door, town: Town, stranger: TestClient) -> None:
    for case in CASES[door]:
        answer = send(stranger, door, case, town)
        assert answer.status_code == 401, answer.text
        assert answer.json()["error"]["code"] == "not_signed_in"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Trunkline": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Trunkline": None, "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
@pytest.mark.parametrize("door", [d for d in DOORS if d.is_ours and d.method not in SAFE], ids=str)
@pytest.mark.usefixtures("untouched")
def test_another_site_s_page_can_make_nobody_write(
    door: Door, headers: dict[str, str | None], town: Town
) -> None:
    sent = {"X-Trunkline": "1"} | headers
    client = TestClient(
        _APP,
        headers={name: value for name, value in sent.items() if value is not None},
        cookies={"trunkline": town.a.secret},
    )
    answer = client.request(door.method, path_for(door, town.a))
    assert answer.status_code == 403
    assert answer.json()["error"]["data"]["reason"] == "cross_site"


# --- The forms' door ---------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
def test_a_business_s_secret_opens_its_own_webhook_and_no_other(town: Town, stranger: TestClient) -> None:
    proof = {"Authorization": f"Bearer {town.a.papers.secret}"}
    said = {"phone": SHARED_PHONE, "notes": "Through A's form"}
    own = stranger.post(f"/hooks/leads/{town.a.papers.webhook_id}", json=said, headers=proof)
    assert (own.status_code, own.json()["lead_id"]) == (200, str(town.a.lead_id))
    other = stranger.post(f"/hooks/leads/{town.b.papers.webhook_id}", json=said, headers=proof)
    assert other.status_code == 401


# --- The chat providers' door ------------------------------------------------------------


def _told(whose: Inhabitant, phone: str) -> bytes:
    """Return a message to somebody's number as Graph tells it."""
    with unit_of_work(whose.world.scope) as session:
        account = accounts.get_account(session, whose.business_id, whose.inbox.account_id)
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": account.owner, "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": {"phone_number_id": account.account, "display_phone_number": account.address},
                "messages": [{"id": "wamid.forged", "from": phone[1:], "timestamp": "1790000000",
                              "type": "text", "text": {"body": "Forged"}}],
            }}]}],
        }
    ).encode()  # fmt: skip


def _signed(body: bytes, secret: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}


@pytest.mark.usefixtures("untouched")
def test_a_provider_s_events_are_taken_by_the_number_of_their_address_alone(
    town: Town, stranger: TestClient
) -> None:
    hooks = {}
    for one in (town.a, town.b):
        with unit_of_work(one.world.scope) as session:
            row = accounts.get_account(session, one.business_id, one.inbox.account_id)
            hooks[one.world.number] = f"/hooks/chat/{row.hook_key}"
    about_b = _told(town.b, town.b.world.phones[1])
    own, other = hooks[town.a.world.number], hooks[town.b.world.number]
    for headers in ({}, _signed(about_b, "another secret"), _signed(b"other bytes", SECRET)):
        assert stranger.post(other, content=about_b, headers=headers).status_code == 403
    # Signed, at A's address, about B's number: nobody's.
    assert stranger.post(own, content=about_b, headers=_signed(about_b, SECRET)).status_code == 200
    assert stranger.post("/hooks/chat/nobody-s", content=about_b).status_code == 404
    query = {"hub.mode": "subscribe", "hub.verify_token": "wrong", "hub.challenge": "1"}
    assert stranger.get(own, params=query).status_code == 403


# --- The carrier's doors -----------------------------------------------------------------


def _report(whose: Inhabitant, **changes: str) -> dict[str, str]:
    return {
        "CallSid": whose.call_sid,
        "CallStatus": "completed",
        "From": whose.world.number,
        "To": whose.world.phones[0],
        "Direction": "outbound-api",
        "AnsweredBy": "machine_end_beep",
    } | changes


def _token(whose: Inhabitant, **changes: str) -> str:
    claims = {"business_id": str(whose.business_id), "attempt_id": str(whose.attempt_id)} | changes
    return tokens.sign(claims, key=TOKEN_KEY, purpose=orders.ATTEMPT_TOKEN, lifetime_s=60)


@pytest.mark.parametrize("door", sorted(OF_THE_CARRIER), ids=str)
@pytest.mark.usefixtures("untouched")
def test_a_request_that_the_carrier_did_not_sign_is_refused(
    door: Door, town: Town, stranger: TestClient
) -> None:
    form = _report(town.b, To=town.b.world.number)
    url = f"{door.path}?token={_token(town.b)}" if "outbound" in door.path else door.path
    elsewhere = carrier_signature(f"http://elsewhere{url}", form)
    forged = carrier_signature(f"http://testserver{url}", form, secret="another secret")
    for headers in ({}, {"X-Twilio-Signature": "nonsense"}, elsewhere, forged):
        answer = stranger.post(url, data=form, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "bad_signature"


@pytest.mark.parametrize("path", sorted(door.path for door in OF_THE_CARRIER if "outbound" in door.path))
@pytest.mark.usefixtures("untouched")
def test_a_signed_report_speaks_for_the_business_of_its_token_alone(
    path: str, town: Town, stranger: TestClient
) -> None:
    form = _report(town.b)
    mixed = {
        "A's business, B's attempt": _token(town.a, attempt_id=str(town.b.attempt_id)),
        "another purpose": tokens.sign({"business_id": "x"}, key=TOKEN_KEY, purpose="media", lifetime_s=60),
        "another key": tokens.sign(
            {"business_id": str(town.b.business_id), "attempt_id": str(town.b.attempt_id)},
            key=b"another key", purpose=orders.ATTEMPT_TOKEN, lifetime_s=60,
        ),
        "an old one": tokens.sign(
            {"business_id": str(town.b.business_id), "attempt_id": str(town.b.attempt_id)},
            key=TOKEN_KEY, purpose=orders.ATTEMPT_TOKEN, lifetime_s=-60,
        ),
    }  # fmt: skip
    for name, token in mixed.items():
        url = f"{path}?token={token}"
        answer = stranger.post(url, data=form, headers=carrier_signature(f"http://testserver{url}", form))
        assert answer.status_code in ({200, 204} if name.startswith("A's") else {403}), name


@pytest.mark.usefixtures("untouched")
def test_a_call_for_a_number_that_is_nobody_s_is_rejected(stranger: TestClient) -> None:
    form = {
        "CallSid": "CA" + "9" * 32, "CallStatus": "ringing", "From": "+12125550101",
        "To": "+19995550100", "Direction": "inbound",
    }  # fmt: skip
    path = "/hooks/carrier/inbound/answer"
    answer = stranger.post(path, data=form, headers=carrier_signature(f"http://testserver{path}", form))
    assert answer.status_code == 200
    assert "<Reject" in answer.text


@pytest.mark.parametrize("door", sorted(SOCKETS), ids=str)
def test_an_unsigned_socket_is_closed(door: Door, stranger: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect) as closed, stranger.websocket_connect(door.path):
        pass
    assert closed.value.code == 1008


@pytest.mark.usefixtures("untouched")
def test_a_browser_s_token_opens_the_socket_of_its_own_call_alone(town: Town, stranger: TestClient) -> None:
    theirs = {"business_id": str(town.b.business_id), "call_id": str(town.b.call_id), "leg": "1"}

    def offered(purpose: str, key: bytes = TOKEN_KEY, lifetime_s: float = 60, **changes: str) -> list[str]:
        token = tokens.sign(theirs | changes, key=key, purpose=purpose, lifetime_s=lifetime_s)
        return [PROTOCOL, token]

    wrong = {
        "a carrier's": offered("media"), "a callback's": offered("call"),
        "an old one": offered("browser", lifetime_s=-1),
        "another key": offered("browser", b"another key"), "none": [PROTOCOL],
        "no protocol": offered("browser")[1:],
    }  # fmt: skip
    for name, subprotocols in wrong.items():
        with (
            pytest.raises(WebSocketDisconnect) as closed,
            stranger.websocket_connect("/media/browser", subprotocols=subprotocols),
        ):
            pass
        assert closed.value.code == 1008, name
    # Signed by us for A, it finds no call of B's.
    mixed = offered("browser", business_id=str(town.a.business_id))
    with stranger.websocket_connect("/media/browser", subprotocols=mixed) as socket:
        socket.send_text('{"event":"start","encoding":"pcm16","rate":8000}')
        assert socket.receive_json()["code"] == "not_found"
