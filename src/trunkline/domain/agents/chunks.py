"""The chunks of texts: what a look-up finds, with their words and their vectors.

Owns how a text is cut and which words it is found by. A text is cut in the transaction that writes it, so
that what is found is always what stands there; vectors come behind, by a job.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, literal, select, text, update
from sqlalchemy.orm import Session

from trunkline.domain.agents.models import KnowledgeChunk, KnowledgeText
from trunkline.kit import folding
from trunkline.providers.ports import Embedder

CHUNK = 700
"""Characters of a chunk at the most: what can be said in half a minute, and still holds an answer."""

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")

_CUT = text(
    """
    insert into knowledge_chunks (business_id, text_id, number, version, body, words)
    select :business_id, :text_id, number, :version, body,
        setweight(to_tsvector('english', :latin_title) || to_tsvector('simple', :hebrew_title), 'A')
        || to_tsvector('english', latin) || to_tsvector('simple', hebrew)
    from unnest(cast(:bodies as text[]), cast(:latin as text[]), cast(:hebrew as text[]))
        with ordinality given (body, latin, hebrew, number)
    """
)


def chunks_of(text: str, *, most: int = CHUNK) -> list[str]:
    """Cut a text into parts of so many characters at most, between paragraphs, sentences or words."""
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        here = ""
        for sentence in _pieces(paragraph.strip(), most):
            if here and len(here) + 1 + len(sentence) > most:
                parts.append(here)
                here = sentence
            else:
                here = f"{here} {sentence}" if here else sentence
        if here:
            parts.append(here)
    return _joined(parts, most)


def index(session: Session, known: KnowledgeText) -> None:
    """Cut a text anew, in the transaction that has written it. Its vectors are to come."""
    session.execute(
        delete(KnowledgeChunk).where(
            KnowledgeChunk.business_id == known.business_id, KnowledgeChunk.text_id == known.id
        )
    )
    bodies = chunks_of(known.text)
    latin_title, hebrew_title = _indexed(known.title)
    indexed = [_indexed(body) for body in bodies]
    session.execute(
        _CUT,
        {
            "business_id": known.business_id, "text_id": known.id, "version": known.version,
            "latin_title": latin_title, "hebrew_title": hebrew_title, "bodies": bodies,
            "latin": [latin for latin, _ in indexed], "hebrew": [hebrew for _, hebrew in indexed],
        },
    )  # fmt: skip


def index_missing(session: Session, business_id: UUID) -> None:
    """Cut what was written before there were chunks."""
    has_chunks = select(literal(1)).where(of_its_text(), KnowledgeChunk.version == KnowledgeText.version)
    missing = select(KnowledgeText).where(KnowledgeText.business_id == business_id, ~has_chunks.exists())
    for known in session.scalars(missing.with_for_update()).all():
        index(session, known)


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A chunk without a vector, as it stood when it was read."""

    text_id: UUID
    number: int
    version: int
    text: str


def unplaced(session: Session, business_id: UUID, embedder: Embedder, *, most: int) -> list[Unplaced]:
    """Return some of the chunks that lack this model's vector."""
    rows = session.execute(
        select(KnowledgeChunk, KnowledgeText.title)
        .join(KnowledgeText, of_its_text())
        .where(KnowledgeChunk.business_id == business_id, _lacks_vector(embedder))
        .order_by(KnowledgeChunk.text_id, KnowledgeChunk.number)
        .limit(most)
    )
    return [
        Unplaced(chunk.text_id, chunk.number, chunk.version, f"{title}\n{chunk.body}")
        for chunk, title in rows
    ]


def place(
    session: Session, business_id: UUID, chunks: Sequence[Unplaced], vectors: Sequence[Sequence[float]], *,
    model: str,
) -> None:  # fmt: skip
    """Keep chunks' vectors; one whose text was written anew meanwhile waits for its own."""
    for chunk, vector in zip(chunks, vectors, strict=True):
        session.execute(
            update(KnowledgeChunk)
            .where(
                KnowledgeChunk.business_id == business_id, KnowledgeChunk.text_id == chunk.text_id,
                KnowledgeChunk.number == chunk.number, KnowledgeChunk.version == chunk.version,
            )
            .values(vector=packed(vector), vector_of=model)
        )  # fmt: skip


def lacks_vectors(session: Session, business_id: UUID, embedder: Embedder) -> bool:
    """Return whether any chunk of the business lacks this model's vector."""
    lacking = select(KnowledgeChunk.number).where(
        KnowledgeChunk.business_id == business_id, _lacks_vector(embedder)
    )
    return session.scalar(lacking.limit(1)) is not None


def packed(vector: Sequence[float]) -> bytes:
    """Return a vector as it is kept: its direction, a signed byte for each number."""
    peak = max(map(abs, vector), default=0.0) or 1.0
    return struct.pack(f"{len(vector)}b", *(round(number / peak * 127) for number in vector))


def of_its_text() -> ColumnElement[bool]:
    """Return the condition by which chunks and their texts are joined."""
    return and_(
        KnowledgeText.business_id == KnowledgeChunk.business_id, KnowledgeText.id == KnowledgeChunk.text_id
    )


def _lacks_vector(embedder: Embedder) -> ColumnElement[bool]:
    return KnowledgeChunk.vector_of.is_distinct_from(embedder.name)


# --- Cutting -----------------------------------------------------------------------------------


def _pieces(paragraph: str, most: int) -> Iterator[str]:
    for sentence in _SENTENCE.split(paragraph):
        left = " ".join(sentence.split())
        while len(left) > most:
            head = left[:most].rsplit(None, 1)[0] if " " in left[:most] else left[:most]
            yield head
            left = left[len(head) :].strip()
        if left:
            yield left


def _joined(parts: Sequence[str], most: int) -> list[str]:
    """Put short paragraphs together: a heading belongs to what stands below it."""
    joined: list[str] = []
    for part in parts:
        if joined and len(joined[-1]) + 1 + len(part) <= most:
            joined[-1] = f"{joined[-1]}\n{part}"
        else:
            joined.append(part)
    return joined


def _indexed(text: str) -> tuple[str, str]:
    """Return a text's words for the index: those of other scripts, and the Hebrew ones in every form."""
    words = folding.words(text)
    latin = [word for word in words if not folding.is_hebrew(word)]
    hebrew = [form for word in words if folding.is_hebrew(word) for form in folding.forms(word)]
    return " ".join(latin), " ".join(hebrew)
