"""The SQL of finding: one statement, whatever kinds it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.finding import Place
from trunkline.domain.search.rules import Wanted

BEFORE_ALL = Place(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), 2**31 - 1)
"""Before every row: where the first page goes on from."""

FIND = text(
    """
    select k.kind, f.is_begun, f.at, f.id, f.part
    from unnest(cast(:kinds as text[]), cast(:mosts as int[])) k (kind, most)
    cross join lateral find_texts(k.kind, cast(:exact as tsquery), cast(:near as tsquery),
        cast(:begun as tsquery), :only_begun, cast(:at as timestamptz), cast(:id as uuid),
        cast(:part as int), k.most) f
    order by f.is_begun, f.at desc, f.id desc, f.part desc
    """
)


def values(
    kinds: Mapping[str, int], wanted: Wanted, *, behind: Place | None, only_begun: bool
) -> dict[str, object]:
    """Return what `FIND` is given."""
    place = behind or BEFORE_ALL
    return {
        "kinds": list(kinds), "mosts": list(kinds.values()), "exact": wanted.exact, "near": wanted.near,
        "begun": wanted.begun, "only_begun": only_begun, "at": place.at, "id": place.id, "part": place.part,
    }  # fmt: skip


def find(
    session: Session, kinds: Mapping[str, int], wanted: Wanted, *, behind: Place | None, only_begun: bool
) -> dict[str, list[tuple[bool, Place]]]:
    """Return of each kind as many rows of the session's business as are asked for, and which only begin so.

    Those with the words themselves come first, then those with words that begin so, or only the latter;
    of each the newest first, behind a place.
    """
    rows = session.execute(FIND, values(kinds, wanted, behind=behind, only_begun=only_begun))
    found: dict[str, list[tuple[bool, Place]]] = {kind: [] for kind in kinds}
    for row in rows:
        found[row.kind].append((row.is_begun, Place(row.at, row.id, row.part)))
    return {kind: places[: kinds[kind]] for kind, places in found.items()}
