"""Webhook bodies in the shapes that Meta's reference of the Cloud API gives, with numbers of nobody's."""

from __future__ import annotations

import json
from typing import Any

OWNER, ACCOUNT, OURS, PERSON = "102290129340398", "106540352242922", "15550783881", "972501234567"
AT = "1749416383"
DIGEST_64 = "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="


def value(**more: Any) -> dict[str, Any]:
    """Return the value of a change of the field `messages`."""
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": OURS, "phone_number_id": ACCOUNT},
        **more,
    }


def entry(*values: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    return {"id": OWNER, "changes": [{"value": one, "field": field} for one in values]}


def body(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()


def message(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    """Return a message of a person's; `part` is what its type is named for."""
    return {"from": PERSON, "id": f"wamid.{kind}", "timestamp": AT, "type": kind, kind: part, **more}


def inbound(*messages: dict[str, Any], name: str = "Dana") -> bytes:
    contacts = [{"profile": {"name": name}, "wa_id": PERSON}]
    return body(entry(value(contacts=contacts, messages=list(messages))))


def status(state: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "wamid.OUT",
        "status": state,
        "timestamp": AT,
        "recipient_id": PERSON,
        "conversation": {"id": "CONVERSATION", "origin": {"type": "utility"}},
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
        **more,
    }


def statuses(*rows: dict[str, Any]) -> bytes:
    return body(entry(value(statuses=list(rows))))


MESSAGES: dict[str, dict[str, Any]] = {
    "text": message("text", {"body": "Shalom"}),
    "image": message(
        "image", {"caption": "My roof", "mime_type": "image/jpeg", "sha256": DIGEST_64, "id": "1003383421"}
    ),
    "audio": message(
        "audio",
        {"mime_type": "audio/ogg; codecs=opus", "sha256": DIGEST_64, "id": "1908647269898587", "voice": True},
    ),
    "video": message("video", {"mime_type": "video/mp4", "sha256": DIGEST_64, "id": "1166846181421424"}),
    "document": message(
        "document",
        {
            "caption": "The plan", "filename": "plan.pdf", "mime_type": "application/pdf",
            "sha256": DIGEST_64, "id": "1376223850470843",
        },
    ),
    "sticker": message(
        "sticker", {"mime_type": "image/webp", "sha256": DIGEST_64, "id": "798882015472548"}
    ),
    "location": message(
        "location",
        {"latitude": 32.0853, "longitude": 34.7818, "name": "Office", "address": "1 Rothschild Blvd"},
    ),
    "contacts": message(
        "contacts",
        [
            {
                "name": {"formatted_name": "Barbara Johnson", "first_name": "Barbara"},
                "phones": [{"phone": "+1 (415) 555-0829", "wa_id": "14155550829", "type": "MOBILE"}],
            }
        ],
    ),
    "button_reply": message(
        "interactive", {"type": "button_reply", "button_reply": {"id": "tue-10", "title": "Tuesday 10:00"}},
        context={"from": OURS, "id": "wamid.ASKED"},
    ),
    "list_reply": message(
        "interactive",
        {"type": "list_reply", "list_reply": {"id": "roof", "title": "Roof", "description": "Repairs"}},
    ),
    "button": message(
        "button", {"payload": "stop-offers", "text": "Stop"}, context={"from": OURS, "id": "wamid.ASKED"}
    ),
    "reaction": message("reaction", {"message_id": "wamid.ASKED", "emoji": "\N{THUMBS UP SIGN}"}),
    "order": message("order", {"catalog_id": "194836987003835", "product_items": []}),
    "nfm_reply": message(
        "interactive", {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent"}}
    ),
    "unsupported": message(
        "unsupported", {"type": "poll_creation"},
        errors=[
            {
                "code": 131051, "title": "Message type unknown", "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."},
            }
        ],
    ),
    "of_the_future": message("hologram", {"depth": 3}),
}  # fmt: skip
