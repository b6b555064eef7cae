"""A business's written conversations: its number at WhatsApp, and what people write to it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import httpx

from support.graph import GraphStand
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.inbox import accounts, canned, files, intake, sending, templates
from trunkline.domain.inbox.account_models import ChatAccount
from trunkline.domain.inbox.contents import Content
from trunkline.domain.inbox.models import Message, SourceKind
from trunkline.kit import clock
from trunkline.kit.ids import new_id
from trunkline.providers import ports
from trunkline.providers.ports import InFile, InMessage, MessageKind, Template
from trunkline.providers.whatsapp import WhatsApp

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 2_000
SECRET = "the secret of an app"
_numbers = count(1)


def chat_number(world: World, known: ports.ChatAccount | None = None, **more: Any) -> UUID:
    """Connect a business's number at WhatsApp, without asking anybody. Returns its id."""
    number = next(_numbers)
    opened = known or ports.ChatAccount(
        world.number, f"1000{number}", f"2000{number}", f"EAAG-of-{world.email}", SECRET
    )
    row = ChatAccount(
        id=new_id(), business_id=world.business_id, provider=registry.WHATSAPP, name="Our number",
        address=opened.address, account=opened.account, owner=opened.owner,
        hook_key=f"hook-{world.business_id}-{number}", verify_token="a token to verify", created_by="test",
        **more,
    )  # fmt: skip
    accounts.seal(row, key=opened.key, secret=opened.secret)
    with unit_of_work(world.scope) as session:
        session.add(row)
    return row.id


def written(
    text: str = "Hello", *, phone: str, its_id: str = "", at: datetime | None = None, **more: Any
) -> InMessage:
    """Return a message of somebody's as a provider tells it; `account` is filled in as it is taken."""
    facts: dict[str, Any] = {"kind": MessageKind.TEXT, "name": "Dana", "account": "", **more}
    return InMessage(
        id=its_id or f"wamid.{next(_numbers)}", from_=phone, at=at or clock.now(), text=text, **facts
    )


def take(world: World, account_id: UUID, *events: ports.ChatEvent) -> None:
    """Let a number's provider tell something, as the hook takes it once its signature is right."""
    with unit_of_work(world.scope) as session:
        account = accounts.get_account(session, world.business_id, account_id)
        named = [_named(event, account) for event in events]
        intake.take(session, account, named)


def _named(event: ports.ChatEvent, account: ChatAccount) -> ports.ChatEvent:
    if isinstance(event, ports.TemplateNews) or event.account:
        return event
    object.__setattr__(event, "account", account.account)
    return event


def messages(world: World) -> list[Message]:
    """Return all messages of a business in their order."""
    with unit_of_work(world.scope) as session:
        rows = session.query(Message).filter(Message.business_id == world.business_id)
        return list(rows.order_by(Message.at, Message.id))


def answer(world: World, conversation_id: UUID, text: str = "Hello to you", *, key: str = "") -> UUID:
    """Queue a person's answer, and return its id."""
    with unit_of_work(world.scope) as session:
        return sending.queue_message(
            session, world.business_id, conversation_id, Content(text=text),
            key=key or f"test:{next(_numbers)}", source=SourceKind.PERSON, author="test",
        ).id  # fmt: skip


@contextmanager
def by_graph(graph: GraphStand) -> Iterator[None]:
    """Have this process's WhatsApp go by the stand-in while the block runs."""
    before, client = registry.chat(registry.WHATSAPP), WhatsApp(base_url=graph.base_url, timeout_s=5)
    registry.register_chat(registry.WHATSAPP, lambda: client)
    try:
        yield
    finally:
        registry.register_chat(registry.WHATSAPP, lambda: before)
        client.close()


def uploaded(graph: GraphStand, account: ports.ChatAccount, content: bytes, kind: str = "image/png") -> str:
    """Let a file lie at Graph, and return its id there."""
    answer = httpx.post(
        f"{graph.base_url}/{account.account}/media", headers={"Authorization": f"Bearer {account.key}"},
        data={"messaging_product": "whatsapp", "type": kind}, files={"file": ("photo.png", content, kind)},
    )  # fmt: skip
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


@dataclass(frozen=True, slots=True)
class Inbox:
    """Ids of something of every kind that a business's inbox has."""

    account_id: UUID
    conversation_id: UUID
    message_id: UUID
    """It came in, with a file that is here."""
    waiting_id: UUID
    """It waits to be sent."""
    failed_id: UUID
    fetched_id: UUID
    """A message whose file still lies at the provider."""
    reply_id: UUID
    bytes_key: str
    """Of stored bytes that no message names."""


def settle_inbox(
    world: World, *, phone: str, known: ports.ChatAccount | None = None, media_id: str = "media-1"
) -> Inbox:
    """Let somebody write with files, people answer, and words be kept."""
    account_id = chat_number(world, known, agent_id=world.agent_id)
    file = InFile(media_id, "image/png", "photo.png", hashlib.sha256(PNG).hexdigest())
    take(
        world, account_id,
        written("Hello", phone=phone), written("", phone=phone, kind=MessageKind.IMAGE, file=file),
        written("", phone=phone, kind=MessageKind.IMAGE, file=file),
    )  # fmt: skip
    first, kept, fetched = messages(world)
    waiting, failed = (answer(world, first.conversation_id, text) for text in ("One", "Two"))
    with unit_of_work(world.scope) as session:
        row = files.of_messages(session, world.business_id, [kept.id])[kept.id]
        stored = files.store(
            files.new_key(world.business_id), io.BytesIO(PNG), content_type="image/png", name="photo.png"
        )
        row.state, row.storage_key, row.size = "kept", stored.storage_key, stored.size
        session.get_one(Message, failed).state = "failed"
        loose = files.store(
            files.new_key(world.business_id), io.BytesIO(PNG), content_type="image/png", name="loose.png"
        )
        templates.note_listed(
            session, world.business_id, account_id,
            [Template("hello", "en", "approved", "utility", "", "Hello {{1}}", "", (), {"body": 1})],
        )  # fmt: skip
        reply = canned.make(
            session, world.business_id, shortcut="hours", text="We are open until five.", actor="test"
        )
    return Inbox(
        account_id, first.conversation_id, kept.id, waiting, failed, fetched.id, reply.id, loose.storage_key
    )
