"""The verb of search: what of a business's rows bears some words, by kind, the most telling first.

Of each kind come first the rows that bear the words themselves, then those with words that begin so; where
neither finds anything of any kind, those with words that may have been meant. Within each it is the newest
first. Rows that are about a person who is found by name come last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.errors import InvalidInput
from trunkline.core.finding import Described, Place, Source, sources
from trunkline.domain.search import rules, store, vocabulary
from trunkline.domain.search.rules import Known, Wanted
from trunkline.kit import cursors

_LEADS_FOLLOWED = 20
"""Of how many people that are found other rows are shown."""
_ADDRESS, _NUMBER, _EXACT, _BEGUN, _SLIPPED, _OF_LEADS, _OF_SLIPPED = range(7)
"""The ways of looking, in the order of what they find; the last two are about people who were found."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found, and what is shown of it."""

    kind: str
    place: Place
    title: str
    title_marks: list[tuple[int, int]]
    """From where to where words that were looked for stand."""
    excerpt: str
    excerpt_marks: list[tuple[int, int]]
    described: Described


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind."""

    kind: str
    hits: list[Hit]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found."""

    groups: list[Group]
    """Only those with hits."""
    meant: dict[str, list[str]]
    """Word that was typed and is nowhere -> words that were looked for in its place."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for, worked out once."""

    text: str
    digits: str | None
    words: list[str]
    known: Known
    forms: dict[str, list[str]]
    wanted: Wanted | None
    is_slipped: bool
    """Words are looked for that may have been meant."""
    marked: frozenset[str]
    beginning: tuple[str, ...]
    meant: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Behind:
    way: int
    place: Place


def search(
    session: Session, who: Principal, text: str, *, kinds: Sequence[str], limit: int, cursor: str | None
) -> Answer:
    """Return what bears the words or the number of a text: of each kind at most `limit` rows.

    No kinds are all that the person may find; a cursor goes on with one kind. Raises InvalidInput,
    InvalidCursor.
    """
    known = {source.kind: source for source in sources() if who.is_system_admin or _may(who, source)}
    unknown = set(kinds) - {source.kind for source in sources()}
    if unknown:
        raise InvalidInput(f"There is no kind {min(unknown)!r} to find.", reason="unknown_kind")
    if cursor is not None and len(set(kinds)) != 1:
        raise InvalidInput("A cursor goes on with one kind; name it in kinds.", reason="cursor_kind")
    wanted = [source for source in known.values() if not kinds or source.kind in kinds]
    behind = None if cursor is None else _read(cursor)
    asked = _ask(session, who.business, text)
    if behind is not None and behind.way in {_SLIPPED, _OF_SLIPPED}:
        asked = _ask_what_was_meant(session, who.business, asked)
    if not wanted or not (asked.words or asked.digits):
        return Answer([], {})
    found = _look(session, who.business, known, wanted, asked, behind, limit + 1)
    is_empty = behind is None and not any(found.values())
    if is_empty and asked.words:
        asked = _ask_what_was_meant(session, who.business, asked)
        if asked.wanted is not None:
            found = _look(session, who.business, known, wanted, asked, behind, limit + 1)
    groups = []
    for source in wanted:
        here = found[source.kind]
        if not here:
            continue
        shown = here[:limit]
        more = _write(shown[-1]) if len(here) > limit else None
        hits = _hits(session, who.business, source, [behind.place for behind in shown], asked)
        groups.append(Group(source.kind, hits, more))
    return Answer([group for group in groups if group.hits or group.next_cursor], asked.meant)


def _may(who: Principal, source: Source) -> bool:
    return who.role is not None and who.role.rank >= source.least.rank


def _ask(session: Session, business_id: UUID, text: str) -> _Asked:
    typed, digits = rules.typed(text), rules.digits_of(text)
    if not typed:
        return _Asked(text, digits, typed, Known((), {}), {}, None, False, frozenset(), (), {})
    known = vocabulary.known(session, business_id, typed)
    forms = rules.forms_of(typed, known)
    marked = frozenset(form for some in forms.values() for form in some)
    beginning = tuple(form for form in marked if rules.goes_on(form))
    wanted = rules.typed_or_begun(forms, known)
    return _Asked(text, digits, typed, known, forms, wanted, False, marked, beginning, {})


def _ask_what_was_meant(session: Session, business_id: UUID, asked: _Asked) -> _Asked:
    meant = vocabulary.meant_by(session, business_id, asked.words)
    # What was typed stands for itself where there is such a word; else only what it may have been does.
    rest = {
        word: some if word not in meant or _is_known(word, asked.known) else []
        for word, some in asked.forms.items()
    }
    marked = asked.marked.union(*meant.values())
    return replace(
        asked, wanted=rules.slipped(rest, meant), is_slipped=True, marked=marked, beginning=(), meant=meant
    )


def _is_known(word: str, known: rules.Known) -> bool:
    """Return whether a word is one of the business's own, or begins one."""
    return word in known.forms or word in known.begun


def _look(  # noqa: PLR0917 - each of them is another thing
    session: Session,
    business_id: UUID,
    known: Mapping[str, Source],
    wanted: Sequence[Source],
    asked: _Asked,
    behind: _Behind | None,
    most: int,
) -> dict[str, list[_Behind]]:
    """Return where something was found, in order: of each kind as many as are asked for."""
    at = {
        source.kind: place
        for source in wanted
        if source.by_address is not None
        and (place := source.by_address(session, business_id, asked.text)) is not None
    }
    found: dict[str, list[_Behind]] = {source.kind: [] for source in wanted}
    if behind is None:
        found |= {kind: [_Behind(_ADDRESS, place)] for kind, place in at.items()}
    # Who is found by an address comes once: there may be one row more than are asked for.
    most += bool(at)
    follows = any(source.of_leads is not None for source in wanted)

    def how_many(source: Source) -> int:
        return max(most, _LEADS_FOLLOWED) if source.holds_leads and follows and behind is None else most

    def lacking(source: Source, way: int) -> bool:
        return len(found[source.kind]) < most and (behind is None or behind.way <= way)

    def start(way: int) -> Place | None:
        return behind.place if behind is not None and behind.way == way else None

    if asked.digits is not None:
        for source in wanted:
            if source.by_number is not None and lacking(source, _NUMBER):
                places = source.by_number(
                    session, business_id, asked.digits, start(_NUMBER), how_many(source)
                )
                found[source.kind] += [_Behind(_NUMBER, place) for place in places]
    by_words = [source for source in wanted if asked.digits is None or source.by_number is None]
    for query, ways in _queries(asked, behind):
        kinds = {source.kind: how_many(source) for source in by_words if lacking(source, ways[-1])}
        if kinds:
            there = store.find(session, kinds, query, behind=start(ways[0]), only_begun=ways == (_BEGUN,))
            for kind, rows in there.items():
                found[kind] += [_Behind(ways[-1] if is_begun else ways[0], place) for is_begun, place in rows]
    last = _OF_SLIPPED if asked.is_slipped else _OF_LEADS
    followed = [source for source in by_words if source.of_leads is not None and lacking(source, last)]
    if followed and (lead_ids := _leads(session, business_id, known, asked, None if behind else found)):
        for source in followed:
            assert source.of_leads is not None
            rows_there = {row.place for row in found[source.kind]}
            places = source.of_leads(session, business_id, lead_ids, start(last), most)
            found[source.kind] += [_Behind(last, place) for place in places if place not in rows_there]
    return {
        kind: [row for row in rows if row.way == _ADDRESS or row.place != at.get(kind)][: most - bool(at)]
        for kind, rows in found.items()
    }


def _queries(asked: _Asked, behind: _Behind | None) -> list[tuple[Wanted, tuple[int, ...]]]:
    """Return what is asked of the texts, and in which ways its rows are found: at first all at once."""
    if asked.wanted is None:
        return []
    if asked.is_slipped:
        return [(asked.wanted, (_SLIPPED,))]
    if behind is None:
        return [(asked.wanted, (_EXACT, _BEGUN))]
    return [(asked.wanted.exactly(), (_EXACT,)), (asked.wanted, (_BEGUN,))]


def _leads(
    session: Session,
    business_id: UUID,
    known: Mapping[str, Source],
    asked: _Asked,
    found: Mapping[str, list[_Behind]] | None,
) -> list[UUID]:
    """Return the people who are found, for those kinds whose rows are about people."""
    holder = next((source for source in known.values() if source.holds_leads), None)
    if holder is None:
        return []
    if found is not None and holder.kind in found:
        return list(dict.fromkeys(row.place.id for row in found[holder.kind]))[:_LEADS_FOLLOWED]
    at = holder.by_address(session, business_id, asked.text) if holder.by_address is not None else None
    if asked.digits is not None and holder.by_number is not None:
        places = list(holder.by_number(session, business_id, asked.digits, None, _LEADS_FOLLOWED))
    elif asked.wanted is not None:
        kinds = {holder.kind: _LEADS_FOLLOWED}
        there = store.find(session, kinds, asked.wanted, behind=None, only_begun=False)
        places = [place for _, place in there[holder.kind]]
    else:
        places = []
    ids = [*([at.id] if at is not None else ()), *(place.id for place in places)]
    return list(dict.fromkeys(ids))[:_LEADS_FOLLOWED]


def _hits(
    session: Session, business_id: UUID, source: Source, places: Sequence[Place], asked: _Asked
) -> list[Hit]:
    """Return what is shown of places; a row that has gone meanwhile is left out."""
    described = source.describe(session, business_id, places)
    hits = []
    for place in places:
        row = described.get(place)
        if row is None:
            continue
        title, title_marks = rules.excerpt(row.title, asked.marked, asked.beginning)
        shown = [rules.excerpt(text, asked.marked, asked.beginning) for text in row.texts if text.strip()]
        best = next((one for one in shown if one[1]), shown[0] if shown else ("", []))
        hits.append(Hit(source.kind, place, title, title_marks, best[0], best[1], row))
    return hits


def _write(last: _Behind) -> str:
    place = last.place
    return cursors.write(last.way, place.at, place.id, place.part)


def _read(cursor: str) -> _Behind:
    way, at, row_id, part = cursors.read(cursor, int, datetime, UUID, int)
    if not _ADDRESS <= way <= _OF_SLIPPED or not 0 <= part < 2**31:
        raise cursors.InvalidCursor("a cursor of another list")
    return _Behind(way, Place(at, row_id, part))
