"""The inbox as people meet it: somebody writes, a person answers, a picture, a message nobody knows of."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.dashboard import visiting
from support.graph import GraphStand, open_graph
from support.inbox import chat_number, messages, take, written
from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.core.events import announce
from trunkline.domain.inbox import canned, files
from trunkline.domain.inbox.account_models import AiMode
from trunkline.domain.inbox.models import Conversation
from trunkline.providers.ports import InFile, MessageKind
from trunkline.providers.whatsapp import WhatsApp


@pytest.fixture(scope="module")
def stand() -> Iterator[GraphStand]:
    """Graph's stand-in, which this process, as the worker, sends to."""
    with open_graph() as stand:
        whatsapp = WhatsApp(base_url=stand.base_url, timeout_s=2)
        registry.register_chat(registry.WHATSAPP, lambda: whatsapp)
        try:
            yield stand
        finally:
            whatsapp.close()


def picture() -> bytes:
    """Return a small green PNG that a browser can show."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + b"\x1c\x94\x99" * 120 for _ in range(80))
    head = struct.pack(">IIBBBBB", 120, 80, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def connected(stand: GraphStand, world: World) -> UUID:
    """Connect a number; what people write to it is taken as the hook takes it."""
    return chat_number(world, stand.number(world.number, receipts=[], per_second=100_000))


def show_picture(world: World, account_id: UUID, phone: str) -> None:
    """Let somebody send a picture, and have it fetched."""
    file = InFile("media-1", "image/png", "garden.png", None)
    take(world, account_id, written("My garden", phone=phone, kind=MessageKind.IMAGE, file=file))
    (sent,) = [one for one in messages(world) if one.kind == MessageKind.IMAGE]
    with unit_of_work(world.scope) as session:
        key = files.new_key(world.business_id)
        kept = files.store(key, io.BytesIO(picture()), content_type="image/png", name="garden.png")
        row = files.of_messages(session, world.business_id, [sent.id])[sent.id]
        row.state, row.storage_key, row.size = "kept", kept.storage_key, kept.size
        announce("message.file_kept", subject_id=sent.id, actor="inbox")


def bubble(page: Page, words: str) -> Locator:
    return page.locator("[data-message]").filter(has_text=words)


def test_somebody_writes_and_a_person_answers(
    chromium: Browser, url: str, acme: World, servers: Installation, stand: GraphStand
) -> None:
    account_id = connected(stand, acme)
    phone = acme.phones[0]
    with unit_of_work(acme.scope) as session:
        canned.make(session, acme.business_id, shortcut="hours", text="We are open until five.", actor="test")
    with visiting(chromium, url, acme.email, "/inbox") as page:
        expect(page.get_by_text("Nobody has written yet")).to_be_visible()

        # What somebody writes is there without a reload, in the list and in the navigation.
        take(acme, account_id, written("Do you open on Friday?", phone=phone))
        row = page.locator("[data-conversation]")
        expect(row).to_contain_text("Do you open on Friday?")
        expect(page.get_by_role("navigation", name="Pages").locator("[data-unread='1']")).to_be_visible()
        row.click()
        expect(page.get_by_role("log")).to_contain_text("Do you open on Friday?")
        # Whoever looks has seen it.
        expect(page.get_by_role("navigation", name="Pages").locator("[data-unread]")).to_have_count(0)

        # A canned reply, sent by two quick presses, goes once.
        words = page.get_by_role("textbox", name="Message")
        words.press_sequentially("/ho")
        expect(page.get_by_role("option", name="/hours")).to_be_visible()
        words.press("Enter")
        expect(words).to_have_value("We are open until five.")
        page.get_by_role("button", name="Send", exact=True).dblclick()
        expect(words).to_have_value("")
        answer = bubble(page, "We are open until five.")
        expect(answer).to_have_count(1)
        expect(answer.locator("[data-message-state]")).to_have_attribute("data-message-state", "queued")
        servers.run_jobs("high")
        assert len(stand.accepted(phone)) == 1
        expect(answer.locator("[data-message-state='sent']")).to_be_visible()

        # A picture is shown.
        show_picture(acme, account_id, phone)
        shown = page.get_by_role("log").get_by_role("img")
        expect(shown).to_be_visible()
        page.wait_for_function("() => document.querySelector('[role=log] img')?.naturalWidth === 120")

        # Taken, and no reply came: nobody knows, it says so, and it goes again only once somebody says so.
        stand.fault("lose_reply", to=phone, times=1)
        words.fill("See you on Friday.")
        words.press("Enter")
        expect(words).to_have_value("")
        servers.run_jobs("high")
        doubted = bubble(page, "See you on Friday.")
        expect(doubted.locator("[data-message-state='uncertain']")).to_be_visible()
        doubted.get_by_role("button", name="Send again").click()
        question = page.get_by_role("dialog", name="Send it again?")
        expect(question).to_contain_text("twice")
        question.get_by_role("button", name="Cancel").last.click()
        assert len(stand.accepted(phone)) == 2

        # A note is for colleagues.
        page.get_by_text("Private note", exact=True).click()
        page.get_by_role("textbox", name="Private note").fill("Asks for the garden.")
        page.get_by_role("button", name="Keep the note").click()
        expect(bubble(page, "Asks for the garden.")).to_have_attribute("data-direction", "note")
        assert len(stand.accepted(phone)) == 2


def test_the_agent_s_conversation_is_taken_over(
    chromium: Browser, url: str, acme: World, stand: GraphStand
) -> None:
    take(acme, connected(stand, acme), written("I want to speak to somebody", phone=acme.phones[0]))
    with unit_of_work(acme.scope) as session:
        row = session.query(Conversation).filter(Conversation.business_id == acme.business_id).one()
        row.ai_mode, row.needs_person = AiMode.ON, "They asked for a person."
        conversation_id = row.id
    with visiting(chromium, url, acme.email, f"/inbox?conversation={conversation_id}") as page:
        expect(page.locator("[data-wanted]")).to_contain_text("They asked for a person.")
        page.locator("[data-answers]").get_by_role("button", name="Take over").click()
        expect(page.locator("[data-answers]")).to_have_count(0)
        expect(page.get_by_role("combobox", name="The AI")).to_have_value("Is silent")
        page.get_by_role("button", name="Resolve").click()
        expect(page.locator("[data-wanted]")).to_have_count(0)
        expect(page.locator("[data-conversation]")).to_have_count(0)
