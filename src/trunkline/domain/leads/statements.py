"""What whoever brings a file says of everybody in it: that they consent to being called by an AI.

It says how and when they did, stands for rows that say nothing themselves, and lifts no withdrawal
(`rules.merge`). It is kept in the options of the import's run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from trunkline.core.errors import InvalidInput
from trunkline.domain.leads.rules import Said, consent_time

_KEY = "said_of_all"


def of_all(consent: str | None, on: date | None, source: str | None, *, zone: str) -> Said | None:
    """Return what is said of everybody, on a day of a zone; None: nothing. Raises InvalidInput.

    Without a source and a day it would prove nothing.
    """
    source = (source or "").strip()
    if consent is None:
        if on is not None or source:
            raise InvalidInput("Say which consent everybody in the file has given.", reason="consent_unsaid")
        return None
    if on is None or not source:
        raise InvalidInput(
            "Say how and on which day everybody in the file has consented.", reason="consent_unproven"
        )
    try:
        at = consent_time(datetime.combine(on, time(), ZoneInfo(zone)))
    except ValueError as error:
        raise InvalidInput(f"{error}.", reason="consent_day") from error
    return Said(consent, at, source, of_all=True)


def to_options(said: Said | None) -> dict[str, Any]:
    """Return what is kept with a run."""
    if said is None or said.at is None:
        return {}
    return {_KEY: {"consent": said.consent, "consent_at": said.at.isoformat(), "consent_source": said.source}}


def said_in(options: Mapping[str, Any]) -> Said | None:
    """Return what was said of everybody, as it was kept."""
    kept = options.get(_KEY)
    if kept is None:
        return None
    return Said(
        kept["consent"], datetime.fromisoformat(kept["consent_at"]), kept["consent_source"], of_all=True
    )
