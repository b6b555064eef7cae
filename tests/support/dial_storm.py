"""A storm over the dialler: whatever takes part in a dial is killed or goes wrong while people are called.

Owns what goes wrong when, and counts it by name. What came of it is the judge's to say.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from support.local_carrier import Carrier
from support.processes import eventually, is_alive, kill
from support.system import DIAL_BARRIERS, System
from support.town import Town
from support.zygote import Worker

HOOK_BARRIERS = ("hook.heard", "hook.written")
"""The API has read what the carrier tells and written nothing; it has written it and not answered."""

_WHILE_RINGING = "api killed while lines ring"
_REDIS = ("redis killed", "redis killed and emptied")
_ORDER_FAULTS = ("lose_reply", "500_after_placing", "500_before", "unreadable", "slow", "429")
_CALLBACK_FAULTS = ("drop", "duplicate", "reorder", "delay")
KINDS = (
    *(f"killed at {barrier}" for barrier in (*DIAL_BARRIERS, *HOOK_BARRIERS)), _WHILE_RINGING, *_REDIS,
    *(f"order {fault}" for fault in _ORDER_FAULTS), *(f"callback {fault}" for fault in _CALLBACK_FAULTS),
)  # fmt: skip
"""Every fault that a storm must have had."""

_LOOK_EVERY_S = 0.25
_TROUBLE_EVERY_S = 0.7
_ORDER_S = {"slow": 1.5, "429": 0.2}
"""A reply that comes after the client has given up; a pause of which nobody dies."""
_DELAY_S = 2.5
"""A callback this late comes when the carrier has been asked already."""


class Storm:
    """Faults in numbers, each of a kind in its turn. What it starts, the system stops."""

    def __init__(
        self, system: System, town: Town, carrier: Carrier, *, victims: int, redis_every: int,
        hears: tuple[int, int],
    ) -> None:  # fmt: skip
        """`hears`: how many callbacks an API takes at least and at most before it dies."""
        self._system, self._town, self._carrier = system, town, carrier
        self._how_many, self._redis_every, self._hears = victims, redis_every, hears
        self._barriers = cycle(DIAL_BARRIERS)
        self._ends_of_apis: Iterator[str] = cycle((*HOOK_BARRIERS, _WHILE_RINGING))
        self._ends_of_redis = cycle(_REDIS)
        self._order_faults, self._callback_faults = cycle(_ORDER_FAULTS), cycle(_CALLBACK_FAULTS)
        self._chance = random.Random(20)
        self._victims: list[Worker] = []
        self._api: Worker | None = None
        self._api_dies_at = ""
        self._serves_since: float | None = None
        self._redis_died_at = 0
        self._looked_at = self._troubled_at = 0.0
        self._ringing = 0
        self._journal = carrier.troubles().upto
        self._kills = Counter[str]()
        self._troubles = Counter[str]()
        self.seconds = 0.0

    @property
    def toll(self) -> Counter[str]:
        """How often each kind of fault has come about."""
        return self._kills + self._troubles

    @property
    def missing(self) -> list[str]:
        """The kinds that have not: of those, nothing has been shown."""
        return [kind for kind in KINDS if not self.toll[kind]]

    def rage(self, faults: int, *, within_s: float) -> None:
        """Go on until there have been so many faults, and one of each kind, or time is up."""
        began = time.monotonic()
        self._system.kill_api()
        while self.toll.total() < faults or self.missing:
            if time.monotonic() - began > within_s:
                break
            self._town.keep_busy()
            while len(self._victims) < self._how_many:
                self._victims.append(self._start_worker())
            self._trouble_the_carrier()
            self._see_to_redis()
            eventually(self._something_happened, "something goes wrong", within_s=60)
            self._bury()
            self._see_to_the_api()
        self.seconds = time.monotonic() - began

    def calm(self, *, workers: int, within_s: float) -> None:
        """End what is left of it, and let others see every run to its end."""
        self._carrier.no_faults()
        self._bury()
        for victim in self._victims:
            if is_alive(victim.pid):
                kill(victim.pid)
        self._system.kill_api()
        self._system.start_mortal_api()
        for _ in range(workers):
            self._system.start_worker(carrier=self._carrier)

        def done() -> bool:
            self._town.keep_busy(more=False)
            self._look()
            return self._town.is_done

        eventually(done, "every run is over", within_s)
        self._troubles += self._new_troubles()

    # --- Inside --------------------------------------------------------------------------

    def _start_worker(self) -> Worker:
        barrier = next(self._barriers)
        nth = 1 if barrier == "reconcile.asked" else self._chance.randint(1, 3)
        return self._system.start_worker(barrier=barrier, nth=nth, carrier=self._carrier)

    def _bury(self) -> None:
        for victim in [victim for victim in self._victims if not is_alive(victim.pid)]:
            assert victim.has_reached, f"a worker died of something else; see {victim.log}"
            self._kills[f"killed at {victim.barrier}"] += 1
            self._victims.remove(victim)

    def _see_to_the_api(self) -> None:
        """Let the API die at its hour, and start the next one."""
        api = self._api
        if api is not None and self._serves_since is None and self._system.api_answers():
            self._serves_since = time.monotonic()
        if api is not None and is_alive(api.pid):
            due = self._serves_since is not None and time.monotonic() - self._serves_since > self._lives_s
            if not (due and self._ringing and self._api_dies_at == _WHILE_RINGING):
                return
            self._system.kill_api()
            self._kills[_WHILE_RINGING] += 1
        elif api is not None:
            assert api.has_reached, f"an API died of something else; see {api.log}"
            self._kills[f"killed at {api.barrier}"] += 1
            self._system.kill_api()
        self._api_dies_at = next(self._ends_of_apis)
        self._lives_s = self._chance.uniform(1, 4)
        self._serves_since = None
        nth = self._chance.randint(*self._hears)
        barrier = "" if self._api_dies_at == _WHILE_RINGING else self._api_dies_at
        self._api = self._system.start_mortal_api(barrier=barrier, nth=nth)

    def _see_to_redis(self) -> None:
        """Kill it now and then; it is away for as long as it takes until something else goes wrong."""
        if not self._system.redis.is_up():
            self._system.redis.mend()
        elif self.toll.total() - self._redis_died_at >= self._redis_every:
            self._redis_died_at = self.toll.total()
            how = next(self._ends_of_redis)
            self._system.redis.kill()
            if how == _REDIS[1]:
                self._system.redis.empty()
            self._kills[how] += 1

    def _trouble_the_carrier(self) -> None:
        """Order one fault of each sort, and count what came of those ordered before."""
        if time.monotonic() - self._troubled_at < _TROUBLE_EVERY_S:
            return
        self._troubled_at = time.monotonic()
        self._troubles += self._new_troubles()
        order, callback = next(self._order_faults), next(self._callback_faults)
        self._carrier.order_faults(create=order, times=1, seconds=_ORDER_S.get(order, 0))
        late_by = _DELAY_S if callback == "delay" else 0
        self._carrier.order_faults(status_callbacks=callback, times=1, seconds=late_by)

    def _new_troubles(self) -> Counter[str]:
        found = self._carrier.troubles(since=self._journal)
        self._journal = found.upto
        return found.hits

    def _something_happened(self) -> bool:
        self._look()
        return (
            self._town.is_short
            or time.monotonic() - self._troubled_at >= _TROUBLE_EVERY_S
            or any(not is_alive(victim.pid) for victim in self._victims)
            or self._api is None
            or not is_alive(self._api.pid)
        )

    def _look(self) -> None:
        if time.monotonic() - self._looked_at >= _LOOK_EVERY_S:
            self._ringing = self._town.look().ringing
            self._looked_at = time.monotonic()
