"""The verb of search: what of a business's rows bears some words, by kind, the most telling first.

Of each kind come first the rows that bear the words themselves, then those with words that begin so; where
neither finds anything of any kind, those with words that may have been meant. Within each it is the newest
first. Rows that are about a person who is found by name come last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from trunkline.core.access import Principal
from trunkline.core.errors import InvalidInput
from trunkline.core.finding import Described, Place, Source, sources
from trunkline.domain.search import rules, store, vocabulary
from trunkline.domain.search.rules import Tier
from trunkline.kit import cursors

_LEADS_FOLLOWED = 20
"""Of how many people that are found other rows are shown."""
_NUMBER, _EXACT, _BEGUN, _SLIPPED, _OF_LEADS, _OF_SLIPPED = range(6)
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
    tiers: dict[int, Tier]
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
    asked = _ask(
        session, who.business, text, slips=behind is not None and behind.way in {_SLIPPED, _OF_SLIPPED}
    )
    if not wanted or not (asked.words or asked.digits):
        return Answer([], {})
    found = _look(session, who.business, known, wanted, asked, behind, limit + 1)
    is_empty = behind is None and not any(found.values())
    if is_empty and asked.words:
        asked = _ask(session, who.business, text, slips=True)
        if _SLIPPED in asked.tiers:
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


def _ask(session: Session, business_id: UUID, text: str, *, slips: bool) -> _Asked:
    typed, digits = rules.typed(text), rules.digits_of(text)
    if not typed:
        return _Asked(text, digits, typed, {}, frozenset(), (), {})
    known = vocabulary.known(session, business_id, typed)
    forms = rules.forms_of(typed, known)
    marked = {form for some in forms.values() for form in some}
    tiers: dict[int, Tier] = {}
    meant: dict[str, list[str]] = {}
    if slips:
        meant = {word: near for word in typed if (near := vocabulary.meant_by(session, business_id, word))}
        # What was typed stands for itself where there is such a word; else only what it may have been does.
        rest = {word: some for word, some in forms.items() if word not in meant or _is_known(word, known)}
        slipped = rules.slipped({word: rest.get(word, []) for word in typed}, meant)
        if slipped is not None:
            tiers[_SLIPPED] = slipped
        marked |= {form for near in meant.values() for form in near}
    else:
        tiers = {_EXACT: rules.exact(forms), _BEGUN: rules.begun(forms, known)}
    beginning = tuple(form for form in marked if rules.goes_on(form)) if not slips else ()
    return _Asked(text, digits, typed, tiers, frozenset(marked), beginning, meant)


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
    found: dict[str, list[_Behind]] = {source.kind: [] for source in wanted}

    def lacking(source: Source, way: int) -> bool:
        return len(found[source.kind]) < most and (behind is None or behind.way <= way)

    def start(way: int) -> Place | None:
        return behind.place if behind is not None and behind.way == way else None

    if asked.digits is not None:
        for source in wanted:
            if source.by_number is not None and lacking(source, _NUMBER):
                places = source.by_number(session, business_id, asked.digits, start(_NUMBER), most)
                found[source.kind] += [_Behind(_NUMBER, place) for place in places]
    by_words = [source for source in wanted if asked.digits is None or source.by_number is None]
    for way, tier in asked.tiers.items():
        kinds = [source.kind for source in by_words if lacking(source, way)]
        if not kinds:
            continue
        for kind, places in store.find(session, kinds, tier, behind=start(way), most=most).items():
            found[kind] += [_Behind(way, place) for place in places]
    last = _OF_SLIPPED if _SLIPPED in asked.tiers else _OF_LEADS
    followed = [source for source in by_words if source.of_leads is not None and lacking(source, last)]
    if followed and (lead_ids := _leads(session, known, asked, found, is_first=behind is None)):
        for source in followed:
            assert source.of_leads is not None
            there = {row.place for row in found[source.kind]}
            places = source.of_leads(session, business_id, lead_ids, start(last), most)
            found[source.kind] += [_Behind(last, place) for place in places if place not in there]
    return {kind: rows[:most] for kind, rows in found.items()}


def _leads(
    session: Session,
    known: Mapping[str, Source],
    asked: _Asked,
    found: Mapping[str, list[_Behind]],
    *,
    is_first: bool,
) -> list[UUID]:
    """Return the people whom the words name, for those kinds whose rows are about people."""
    holder = next((source for source in known.values() if source.holds_leads), None)
    # Where people were looked for and none was found, nobody's rows are.
    if holder is None or (is_first and found.get(holder.kind) == []):
        return []
    there: list[UUID] = []
    for tier in asked.tiers.values():
        if len(there) < _LEADS_FOLLOWED:
            places = store.find(session, [holder.kind], tier, behind=None, most=_LEADS_FOLLOWED)
            there += [place.id for place in places[holder.kind]]
    return there[:_LEADS_FOLLOWED]


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
    if not _NUMBER <= way <= _OF_SLIPPED or not 0 <= part < 2**31:
        raise cursors.InvalidCursor("a cursor of another list")
    return _Behind(way, Place(at, row_id, part))
