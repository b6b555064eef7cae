"""The words of a business: learnt from what triggers leave behind, and asked for what somebody may mean.

Learnt behind the transaction of what happened, by one job of a business at a time: two who say the same new
word never wait for each other. Until then a word is found as it is typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.domain.search.rules import MOST_SLIPS, Known, goes_on, nearest
from trunkline.kit import words

_AT_ONCE = 500
_MOST_LIKE = 400
_TOO_SHORT = 2
_BEGINNING = 3
"""Letters that long words share, where slips keep them apart by more than one."""

_NEWS = text("select exists (select from search_news where business_id = :business)")
# What is learnt is gone in the same transaction: nothing is counted twice, and nothing that is not committed.
_LEARN = text(
    """
    with news as (
        delete from search_news where business_id = :business and id = any(array(
            select id from search_news where business_id = :business order by id limit :most
            for update skip locked))
        returning words, counts
    ), summed as (
        select word, sum(many)::int as many from news, unnest(words, counts) w (word, many)
        group by word having sum(many) <> 0 order by word
    ), learnt as (
        insert into search_words (business_id, word, many)
        select :business, word, many from summed
        on conflict (business_id, word) do update set many = search_words.many + excluded.many
    )
    select count(*) from news
    """
)
_FORGET = text("delete from search_words where business_id = :business and many <= 0")
_KNOWN = text(
    """
    select null as typed, word from search_words
    where business_id = :business and word = any(cast(:forms as text[]))
    union all
    select typed, word from unnest(cast(:begun as text[])) b (typed) cross join lateral (
        select word from (
            select word, many from search_words
            where business_id = :business and word > typed collate "C"
              and word < (typed || chr(1114109)) collate "C" limit 3000) w
        order by many desc, word limit 16) frequent
    """
)
_LIKE = text(
    """
    select word, many from words_like(cast(:stubs as text[]), :most)
    union
    select word, many from (
        select word, many from search_words
        where business_id = :business and cast(:begins as text) <> ''
          and word > cast(:begins as text) collate "C"
          and word < (cast(:begins as text) || chr(1114109)) collate "C"
          and char_length(word) between :least and :longest
          -- Letters that the other word lacks: each is a slip. Of a thousand words a hundred remain.
          and char_length(translate(word, :stem, '')) <= :slips
          and char_length(translate(:stem, word, '')) <= :slips limit 2000) long_ones
    """
)


def there_is_news(session: Session, business_id: UUID) -> bool:
    """Return whether `learn` would learn anything."""
    return bool(session.scalar(_NEWS, {"business": business_id}))


def learn(session: Session, business_id: UUID) -> bool:
    """Learn some of what is new. False: that was all."""
    learnt = session.scalar(_LEARN, {"business": business_id, "most": _AT_ONCE})
    session.execute(_FORGET, {"business": business_id})
    return bool(learnt == _AT_ONCE)


def known(session: Session, business_id: UUID, typed: Sequence[str]) -> Known:
    """Return what is known of some words."""
    forms = [form for word in typed for form in words.inflected(word)]
    going_on = [word for word in typed if goes_on(word)]
    rows = session.execute(_KNOWN, {"business": business_id, "forms": forms, "begun": going_on}).all()
    begun: dict[str, list[str]] = {}
    for row in rows:
        if row.typed is not None:
            begun.setdefault(row.typed, []).append(row.word)
    return Known(frozenset(row.word for row in rows if row.typed is None), begun)


def meant_by(session: Session, business_id: UUID, typed: Sequence[str]) -> dict[str, list[str]]:
    """Return, of words that were typed amiss or on the other keyboard, those that may have been meant."""
    others: dict[str, str] = {}
    for word in typed:
        match words.words_of(words.on_other_keyboard(word)):
            case [other]:
                others[word] = other.folded
    there = known(session, business_id, list(dict.fromkeys(others.values()))) if others else None
    meant: dict[str, list[str]] = {}
    for word in typed:
        near: list[str] = []
        if there is not None and word in others:
            forms = [form for form in words.inflected(others[word]) if form in there.forms]
            near = list(dict.fromkeys([*forms, *there.begun.get(others[word], ())]))
        near = near or _near(session, business_id, word)
        if near:
            meant[word] = near
    return meant


def _near(session: Session, business_id: UUID, word: str) -> list[str]:
    # Two letters are too little to say what they should have been.
    if len(word) <= _TOO_SHORT:
        return []
    for stem in _stems(word):
        begins = stem[:_BEGINNING] if len(stem) > 2 * _BEGINNING else ""
        rows = session.execute(
            _LIKE,
            {
                "business": business_id, "stubs": words.stubs(stem), "most": _MOST_LIKE, "begins": begins,
                "stem": stem, "least": len(stem) - MOST_SLIPS, "longest": len(stem) + MOST_SLIPS,
                "slips": MOST_SLIPS,
            },
        )  # fmt: skip
        near = nearest(stem, {row.word: row.many for row in rows})
        if near:
            return near
    return []


def _stems(word: str) -> list[str]:
    """A word that came amiss, and what it is without the one letter that may be a Hebrew prefix."""
    if not words.is_hebrew(word):
        return [word]
    return [form for form in words.inflected(word) if len(form) in {len(word), len(word) - 1}][:2]
