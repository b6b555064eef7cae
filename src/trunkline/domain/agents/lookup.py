"""Finding what a business has written down: by words, and by meaning where a model for that is there.

Owns how a question is asked of the chunks, and how two rankings become one. What has no vector yet is found
by its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, func, literal, literal_column, or_, select
from sqlalchemy.orm import Session

from trunkline.core import registry
from trunkline.core.telemetry import get_logger
from trunkline.domain.agents.chunks import index_missing
from trunkline.domain.agents.models import KnowledgeChunk, KnowledgeText
from trunkline.kit import folding
from trunkline.providers.ports import EmbeddingFailed

MOST_FOUND = 4
_OF_EACH = 12
"""So many by words and so many by meaning are weighed against each other."""
_FLAT = 60
"""How little the first places count before the later ones, where two rankings become one."""
_NEAR = 0.25
"""Cosine below which a chunk is about something else."""
_MOST_WORDS = 40
"""Words of a question that are looked for."""
_QUESTION_S = 1.5
"""How long a caller waits for the meaning of a question; without it, words are enough."""

_ENGLISH: ColumnElement[str] = literal_column("'english'")
_SIMPLE: ColumnElement[str] = literal_column("'simple'")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A part of a text that may hold the answer."""

    title: str
    text: str


def has_any(session: Session, business_id: UUID, agent_id: UUID | None = None) -> bool:
    """Return whether there is anything to look up, for this agent or for any."""
    there = select(KnowledgeText.id).where(KnowledgeText.business_id == business_id)
    if agent_id is not None:
        there = there.where(_known_to(agent_id))
    return session.scalar(there.limit(1)) is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and where it lies among meanings, as far as somebody could say."""

    words: str
    vector: Sequence[float] = ()
    model: str = ""
    """Whose vector it is: others lie elsewhere."""


def ask(question: str) -> Asked:
    """Have a question placed among meanings, where there is a model for that. Not within a transaction."""
    embedder = registry.embedder()
    if embedder is None:
        return Asked(question)
    try:
        (vector,) = embedder.embed([question], timeout_s=_QUESTION_S)
    except EmbeddingFailed as failure:
        log.warning("knowledge_by_words_alone", reason=str(failure))
        return Asked(question)
    return Asked(question, vector, embedder.name)


def look_up(session: Session, business_id: UUID, agent_id: UUID, asked: Asked) -> list[Found]:
    """Return what an agent may know to a question, the likeliest first; nothing where nothing fits."""
    index_missing(session, business_id)
    texts = _texts_of(session, business_id, agent_id)
    ranked = [_by_words(session, business_id, list(texts), asked.words)]
    if asked.vector:
        ranked.append(_by_meaning(session, business_id, list(texts), asked))
    scores: dict[tuple[UUID, int], float] = {}
    for ranking in ranked:
        for place, key in enumerate(ranking):
            scores[key] = scores.get(key, 0.0) + 1 / (_FLAT + place)
    best = sorted(scores, key=lambda key: -scores[key])[:MOST_FOUND]
    return _read(session, business_id, best, texts)


# --- Finding -----------------------------------------------------------------------------------


def _by_words(
    session: Session, business_id: UUID, texts: list[UUID], question: str
) -> list[tuple[UUID, int]]:
    words = list(dict.fromkeys(folding.words(question)))[:_MOST_WORDS]
    latin = " or ".join(word for word in words if not folding.is_hebrew(word))
    hebrew = " or ".join(form for word in words if folding.is_hebrew(word) for form in folding.forms(word))
    query = func.websearch_to_tsquery(_ENGLISH, latin).op("||")(func.websearch_to_tsquery(_SIMPLE, hebrew))
    rows = session.execute(
        select(KnowledgeChunk.text_id, KnowledgeChunk.number)
        .where(
            KnowledgeChunk.business_id == business_id, _among(texts),
            KnowledgeChunk.words.op("@@")(query),
        )
        # 1: a long chunk has more words of any kind.
        .order_by(
            func.ts_rank(KnowledgeChunk.words, query, 1).desc(), KnowledgeChunk.text_id,
            KnowledgeChunk.number,
        )
        .limit(_OF_EACH)
    )  # fmt: skip
    return [(row.text_id, row.number) for row in rows]


def _by_meaning(
    session: Session, business_id: UUID, texts: list[UUID], asked: Asked
) -> list[tuple[UUID, int]]:
    rows = session.execute(
        select(KnowledgeChunk.text_id, KnowledgeChunk.number, KnowledgeChunk.vector)
        .where(
            KnowledgeChunk.business_id == business_id, _among(texts),
            KnowledgeChunk.vector_of == asked.model,
            func.length(KnowledgeChunk.vector) == len(asked.vector),
        )
    ).all()  # fmt: skip
    if not rows:
        return []
    import numpy as np  # noqa: PLC0415 - large, and of use only where there are vectors

    matrix = np.frombuffer(b"".join(row.vector for row in rows), dtype=np.int8).reshape(len(rows), -1)
    kept, sought = matrix.astype(np.float32), np.asarray(asked.vector, dtype=np.float32)
    lengths = np.linalg.norm(kept, axis=1) * np.linalg.norm(sought)
    near = kept @ sought / np.maximum(lengths, 1e-9)
    order = np.argsort(-near, kind="stable")[:_OF_EACH]
    return [(rows[at].text_id, rows[at].number) for at in order if near[at] >= _NEAR]


def _read(
    session: Session, business_id: UUID, keys: Sequence[tuple[UUID, int]], texts: Mapping[UUID, str]
) -> list[Found]:
    if not keys:
        return []
    rows = session.execute(
        select(KnowledgeChunk.text_id, KnowledgeChunk.number, KnowledgeChunk.body).where(
            KnowledgeChunk.business_id == business_id,
            or_(
                *(
                    and_(KnowledgeChunk.text_id == text_id, KnowledgeChunk.number == number)
                    for text_id, number in keys
                )
            ),
        )
    )
    found = {(row.text_id, row.number): Found(texts[row.text_id], row.body) for row in rows}
    return [found[key] for key in keys]


def _texts_of(session: Session, business_id: UUID, agent_id: UUID) -> dict[UUID, str]:
    """Return the titles of the texts that an agent knows."""
    rows = session.execute(
        select(KnowledgeText.id, KnowledgeText.title).where(
            KnowledgeText.business_id == business_id, _known_to(agent_id)
        )
    )
    return {row.id: row.title for row in rows}


def _among(texts: list[UUID]) -> ColumnElement[bool]:
    """Return the condition for chunks of these texts: joined, a planner reads the texts for each chunk."""
    return KnowledgeChunk.text_id == any_(literal(texts, ARRAY(Uuid)))


def _known_to(agent_id: UUID) -> ColumnElement[bool]:
    return or_(KnowledgeText.agent_id == agent_id, KnowledgeText.agent_id.is_(None))
