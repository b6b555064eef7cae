"""Looking up what a business has written down: by words, in English and Hebrew, and by meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from threading import Event, Thread

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from support.installation import Installation
from support.world import World
from trunkline.core import registry
from trunkline.core.db import database, unit_of_work
from trunkline.core.toolbox import ToolCaller, run_tool
from trunkline.domain.agents import chunks, knowledge
from trunkline.domain.agents import service as agents
from trunkline.kit.ids import new_id
from trunkline.providers.openai_embeddings import OpenAIEmbedder
from trunkline.providers.ports import EmbeddingFailed, ToolResult
from trunkline.providers.scripted import ready_made
from trunkline.simulators.model_server import Fault, Plan, serving
from trunkline.simulators.openai import OpenAIWire

TEXTS = {
    "Parking": "There is free parking for twelve cars behind the house.",
    "Prices": "A first visit costs eighty dollars.\n\nChildren pay half of that until they are twelve.",
    "Opening times": "We are open from nine to five, and closed on public holidays.",
    "חניה": "יש חניה חינם מאחורי הבניין.",
    "מחירים": "טיפול ראשון עולה מאתיים שקלים.",
}


@pytest.fixture
def written(acme: World) -> World:
    """A business that has written down a few things for all of its agents."""
    for title, body in TEXTS.items():
        write(acme, title, body)
    return acme


def write(world: World, title: str, body: str, *, mine: bool = False) -> None:
    with unit_of_work(world.scope) as session:
        knowledge.add_text(
            session, world.business_id, title=title, text=body, agent_id=world.agent_id if mine else None,
            actor="test",
        )  # fmt: skip


def ask(world: World, question: str) -> ToolResult:
    caller = ToolCaller(world.business_id, new_id(), world.agent_id, None, world.phones[0])
    return run_tool("knowledge_lookup", {"question": question}, caller=caller, allowed=("knowledge_lookup",))


def first_title(world: World, question: str) -> str | None:
    found = ask(world, question).data["found"]
    return str(found[0]["title"]) if found else None


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Can I park my car with you?", "Parking"),
        ("How much does the first visit cost?", "Prices"),
        ("what do CHILDREN pay", "Prices"),
        ("Are you closed on holidays?", "Opening times"),
        ("איפה אפשר לחנות, יש לכם חניה?", "חניה"),
        ("כמה עולה הטיפול הראשון", "מחירים"),
        ("מה המחיר", "מחירים"),
        ("Do you sell bicycles?", None),
        ("!!!", None),
    ],
)
def test_a_question_finds_the_text_that_answers_it(written: World, question: str, title: str | None) -> None:
    assert first_title(written, question) == title


def test_what_is_not_written_down_is_said_to_be_so(written: World) -> None:
    result = ask(written, "Do you sell bicycles?")
    assert (result.ok, result.data["found"]) == (True, [])
    assert "Nothing is written down" in result.data["message"]


def test_an_agent_knows_its_own_texts_and_everybodys_and_nobody_elses(acme: World, umbrella: World) -> None:
    write(umbrella, "Theirs", "The password of Umbrella is swordfish.")
    write(acme, "Mine", "The swordfish is served on Fridays.", mine=True)
    with unit_of_work(acme.scope) as session:
        other = agents.create_agent(
            session, acme.business_id, name="Other", language="en", script=ready_made("appointment"),
            actor="test",
        )  # fmt: skip
        knowledge.add_text(
            session, acme.business_id, title="Another's", text="No swordfish on Sundays.", agent_id=other.id,
            actor="test",
        )  # fmt: skip
    found = ask(acme, "swordfish").data["found"]
    assert [part["title"] for part in found] == ["Mine"]


def test_a_text_that_was_changed_is_found_as_it_stands_and_one_that_is_gone_is_not(acme: World) -> None:
    write(acme, "Prices", "A visit costs eighty dollars.")
    with unit_of_work(acme.scope) as session:
        (known,) = knowledge.list_texts(session, acme.business_id)
        changes = {"text": "A visit costs ninety euros."}
        knowledge.change_text(session, acme.business_id, known.id, changes, version=1, actor="test")
        text_id = known.id
    assert ask(acme, "dollars").data["found"] == []
    assert ask(acme, "euros").data["found"] == [{"title": "Prices", "text": "A visit costs ninety euros."}]
    with unit_of_work(acme.scope) as session:
        knowledge.remove_text(session, acme.business_id, text_id, actor="test")
    assert ask(acme, "euros").data["found"] == []


def test_what_was_written_before_there_were_chunks_is_found_as_well(written: World) -> None:
    with unit_of_work(written.scope) as session:
        session.execute(text("delete from knowledge_chunks"))
    assert first_title(written, "parking") == "Parking"


def test_long_texts_are_cut_between_sentences_and_the_right_part_is_found(acme: World) -> None:
    filling = " ".join(f"Paragraph {number} is about nothing in particular." for number in range(400))
    write(acme, "Handbook", f"{filling}\n\nThe lift is at the back.\n\n{filling}"[:20_000])
    (part,) = ask(acme, "lift").data["found"]
    assert "The lift is at the back." in part["text"]
    assert len(part["text"]) <= chunks.CHUNK


@pytest.mark.parametrize("text", ["word " * 2_000, "x" * 5_000, "One. Two!\n\nThree?\n" * 300, "a"])
def test_a_text_falls_into_parts_without_losing_a_letter(text: str) -> None:
    parts = chunks.chunks_of(text)
    assert all(0 < len(part) <= chunks.CHUNK for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


# --- By meaning ----------------------------------------------------------------------------


@contextmanager
def embeddings(*, key: str = "secret-key") -> Iterator[tuple[OpenAIEmbedder, Plan]]:
    """Have a model for embeddings; its server runs beside the test, whose jobs want the main thread."""
    plan, address, over = Plan(), Queue[str](), Event()

    async def serve() -> None:
        async with serving(OpenAIWire(), plan) as running:
            address.put(running.base_url)
            await asyncio.to_thread(over.wait)

    server = Thread(target=lambda: asyncio.run(serve()))
    server.start()
    embedder = OpenAIEmbedder(model="stand-in-1", api_key=key, base_url=f"{address.get(timeout=20)}/v1")
    registry.register_embedder(embedder)
    try:
        yield embedder, plan
    finally:
        registry.register_embedder(None)
        embedder.close()
        over.set()
        server.join()


def test_a_misspelt_question_is_found_by_its_vector_once_a_job_has_placed_the_texts(
    written: World, installation: Installation
) -> None:
    with embeddings() as (_, plan):
        assert first_title(written, "holidais clossed opning") is None
        installation.run_jobs("low")
        assert len([told for told in plan.embedded if "\n" in told]) == len(TEXTS)
        assert first_title(written, "holidais clossed opning") == "Opening times"
        # Once placed they stay, and only what is new is asked for.
        before = len(plan.embedded)
        write(written, "Pets", "Dogs are welcome.")
        installation.run_jobs("low")
        assert plan.embedded[before:] == ["Pets\nDogs are welcome."]
        assert plan.refused == []


def test_a_provider_that_fails_leaves_the_words(written: World, installation: Installation) -> None:
    with embeddings() as (embedder, plan):
        installation.run_jobs("low")
        plan.embedding_fault = Fault.OVERLOADED
        assert first_title(written, "parking") == "Parking"
        with pytest.raises(EmbeddingFailed, match="503"):
            embedder.embed(["a"], timeout_s=1)


class Watched:
    """The embedder, which looks what the process holds of the database while it is asked."""

    def __init__(self, embedder: OpenAIEmbedder) -> None:
        self.name = embedder.name
        self.held: list[int] = []
        self._embedder = embedder

    def embed(self, texts: Sequence[str], *, timeout_s: float) -> list[list[float]]:
        pool = database().engine.pool
        assert isinstance(pool, QueuePool)
        self.held.append(pool.checkedout())
        return self._embedder.embed(texts, timeout_s=timeout_s)

    def close(self) -> None:
        self._embedder.close()


def test_nothing_of_the_database_is_held_while_the_provider_is_asked(
    written: World, installation: Installation
) -> None:
    with embeddings() as (embedder, _):
        installation.run_jobs("low")
        watched = Watched(embedder)
        registry.register_embedder(watched)
        assert first_title(written, "holidais clossed opning") == "Opening times"
    assert watched.held == [0]


def test_a_wrong_key_is_told_without_it(acme: World) -> None:
    with embeddings(key="wrong-key") as (embedder, plan):
        with pytest.raises(EmbeddingFailed) as failed:
            embedder.embed(["a"], timeout_s=1)
        assert "wrong-key" not in str(failed.value)
        assert plan.refused
