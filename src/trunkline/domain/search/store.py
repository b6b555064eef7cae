"""The SQL of finding: one statement for each tier, whatever kinds it goes through."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from trunkline.core.finding import Place
from trunkline.domain.search.rules import Tier

BEFORE_ALL = Place(datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), 2**31 - 1)
"""Before every row: where the first page goes on from."""

FIND = text(
    """
    select k.kind, f.at, f.id, f.part from unnest(cast(:kinds as text[])) k (kind)
    cross join lateral find_texts(k.kind, cast(:near as tsquery), cast(:meant as tsquery),
        cast(:besides as tsquery), cast(:at as timestamptz), cast(:id as uuid), cast(:part as int),
        cast(:most as int)) f
    """
)


def find(
    session: Session, kinds: Sequence[str], tier: Tier, *, behind: Place | None, most: int
) -> dict[str, list[Place]]:
    """Return of each kind the newest rows behind a place that a tier finds, in the session's business."""
    place = behind or BEFORE_ALL
    rows = session.execute(
        FIND,
        {
            "kinds": list(kinds), "near": tier.near, "meant": tier.meant, "besides": tier.besides,
            "at": place.at, "id": place.id, "part": place.part, "most": most,
        },
    )  # fmt: skip
    found: dict[str, list[Place]] = {kind: [] for kind in kinds}
    for row in rows:
        found[row.kind].append(Place(row.at, row.id, row.part))
    return found
