"""Tables: search_texts, search_news, search_words and search_fills. All can be made again from the rows.

Triggers write the first two in the transaction of what happened (migrations/finding.py); `filling` and
`vocabulary` keep the others.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Computed, ForeignKey, Identity, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.core.db import Base

_SOON = {"gin_pending_list_limit": "256"}
"""kB. What waits to be sorted in is read by each search."""


class SearchText(Base):
    """The words of one row, or of one part of it."""

    __tablename__ = "search_texts"
    __table_args__ = (
        # Each word with a mark of business and kind: a look-up reads the lists of its words and no others.
        Index(
            "ix_search_texts_marked", text("search_marked(business_id, kind, words)"), postgresql_using="gin",
            postgresql_with=_SOON,
        ),
    )  # fmt: skip

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    """Which part of the row: the number of a call's event; 0 where it is the whole."""
    words: Mapped[str] = mapped_column(TSVECTOR)
    """As `kit.words` folds them, without their order."""


class SearchNews(Base):
    """How often a statement brought which words more, or took them away: not yet in the vocabulary."""

    __tablename__ = "search_news"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    counts: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class SearchWord(Base):
    """A word of a business's texts; numbers and codes are none."""

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_stubs", "business_id", "stubs", postgresql_using="gin", postgresql_with=_SOON),
    )

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    word: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)
    many: Mapped[int]
    """In how many texts it stands."""
    stubs: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), Computed("search_stubs(word)", persisted=True)
    )
    """As `kit.words.stubs`: by them a word is found from one slip away."""


class SearchFill(Base):
    """Rows older than the search, of one kind, that are yet to be taken in; gone when all are."""

    __tablename__ = "search_fills"

    business_id: Mapped[UUID] = mapped_column(ForeignKey("businesses.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    behind: Mapped[UUID]
    """Up to which id they are."""
