"""Days and moments as people, programs and models may send them: of years in which one can still count.

At either end of what a date can be, the day before or the zone's midnight is no date any more.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)

Day = Annotated[date, Field(ge=_FIRST, le=_LAST)]
Moment = Annotated[
    AwareDatetime,
    Field(
        ge=datetime(_FIRST.year, 1, 1, tzinfo=UTC),
        le=datetime(_LAST.year, 1, 1, tzinfo=UTC),
    ),
]
