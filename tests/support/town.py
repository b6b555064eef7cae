"""Businesses that always have somebody left to call, over a system whose API may be dead just now."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from uuid import UUID

import httpx

from support.api_client import Api
from support.dial_judge import Record, record_of
from support.dial_watch import Look, Watch
from support.local_carrier import Carrier
from support.system import System
from support.world import World
from trunkline.domain.outbound.options import Breaker

_NEVER = Breaker(share=1)
"""Dials that fail are what a storm is about; a run that rested from them would keep it waiting."""
_KINDS = cycle([("busy", 1), ("no_answer", 1), ("busy", 2)])
"""Who lives in a list, and how often one is dialled at most."""
_STARTED = frozenset({202, 409})
_LATE_WORD_S = 20.0
"""For so long a run that is over is looked at: a callback may come late."""


@dataclass(slots=True)
class Campaign:
    """One run, and its owner at the API once they are in."""

    world: World
    run_id: UUID
    api: Api | None = None
    has_started: bool = False
    over_at: float | None = None
    """When it was first seen to be over, by the monotonic clock."""


class Town:
    """Owns who is called. Runs are started at the API, again and again until it has answered."""

    def __init__(
        self, system: System, carrier: Carrier, watch: Watch, rooms: ExitStack, *, runs: int, leads: int,
        lines: int,
    ) -> None:  # fmt: skip
        """`runs` go on at a time, each of so many `leads` on so many `lines`."""
        self._system = system
        self._carrier = carrier
        self._watch = watch
        self._rooms = rooms
        self._runs, self._leads, self._lines = runs, leads, lines
        self._campaigns: list[Campaign] = []
        self._begun: list[Campaign] = []
        """With somebody left to begin with."""

    @property
    def phones(self) -> list[str]:
        return [phone for campaign in self._campaigns for phone in campaign.world.phones]

    @property
    def is_done(self) -> bool:
        """Whether every run was over at the last look."""
        return all(one.over_at is not None for one in self._campaigns)

    @property
    def is_short(self) -> bool:
        """Whether there is a run to be made, or to be started."""
        return len(self._begun) < self._runs or not all(one.has_started for one in self._begun)

    @property
    def looks(self) -> list[Look]:
        return self._watch.looks

    def records(self) -> list[Record]:
        """Every run as it stands."""
        return [record_of(one.world, one.run_id) for one in self._campaigns]

    def keep_busy(self, *, more: bool = True) -> None:
        """Make runs until there are enough with somebody left to call, and start those not started."""
        while more and len(self._begun) < self._runs:
            persona, attempts = next(_KINDS)
            world = self._system.world(persona, size=self._leads, lines=self._lines, carrier=self._carrier)
            run = world.make_run(concurrency=self._lines, max_attempts=attempts, breaker=_NEVER)
            self._campaigns.append(Campaign(world, run.id))
            self._begun.append(self._campaigns[-1])
        for one in self._campaigns:
            if not one.has_started:
                self._start(one)

    def look(self) -> Look:
        """Look at every business whose run is not over, or has not been for long."""
        now = time.monotonic()
        shown = [one for one in self._campaigns if one.over_at is None or now - one.over_at < _LATE_WORD_S]
        look = self._watch.look([one.world for one in shown])
        for one in shown:
            if one.over_at is None and look.states[one.run_id] == "completed":
                one.over_at = now
        self._begun = [one for one in self._begun if look.queued.get(one.run_id)]
        return look

    def _start(self, one: Campaign) -> None:
        """Start a run. Where the API dies meanwhile, whether it has begun is asked by starting it again."""
        try:
            if one.api is None:
                one.api = self._rooms.enter_context(self._system.signed_in(one.world))
            reply = one.api.start(one.run_id)
        except httpx.TransportError:
            return
        if reply.status_code == 503:
            # It has only just begun and not seen its database; whoever asked asks again.
            return
        assert reply.status_code in _STARTED, reply.text
        if reply.status_code == 409:
            assert reply.json()["error"]["data"]["run_id"] == str(one.run_id)
        one.has_started = True
