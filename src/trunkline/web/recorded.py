"""Finished recordings on their way from the process that made them to where they are kept.

Looks for files that wait, whoever wrote them, and has each kept by a job. What a process that died has left
unfinished is taken as far as it goes, once nobody can be writing to it any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from trunkline.core.db import of_business, unit_of_work
from trunkline.core.errors import TrunklineError
from trunkline.core.telemetry import get_logger
from trunkline.domain.recordings import service as recordings

_LOOK_EVERY_S = 1.0
_ASK_AGAIN_S = 60.0
_LONGEST_S = 3_600.0
"""A file that still waits so long after its job was written gets another one, if that is over: after a minute
at first and twice as long each time, up to an hour. Each that fails is in the dead letter."""
_FORSAKEN_S = 900.0
"""A call writes four times a second: a file that was left alone for so long has no writer."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    again_at: float
    wait_s: float


class Recorded:
    """One process's look at what waits. All files of the installation wait in one folder."""

    def __init__(
        self,
        folder: Path,
        off_loop: Callable[[Callable[[], None]], Awaitable[None]],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._off_loop = off_loop
        self._now = now
        self._asked: dict[str, _Asked] = {}

    async def watch_forever(self) -> None:
        """Bring in what waits; the process runs this as one task."""
        while True:
            await self._off_loop(self.look)
            await asyncio.sleep(_LOOK_EVERY_S)

    def look(self) -> None:
        """Write a job for each file that waits. What the ledger cannot take now waits on."""
        for part in self._folder.glob("*.part"):
            self._take_up(part)
        waiting = {file.stem: file for file in self._folder.glob("*.wav")}
        now = self._now()
        self._asked = {stem: asked for stem, asked in self._asked.items() if stem in waiting}
        for stem, file in waiting.items():
            asked = self._asked.get(stem)
            if asked is None:
                self._asked[stem] = _Asked(now + _ASK_AGAIN_S, _ASK_AGAIN_S)
            elif now >= asked.again_at:
                wait_s = min(asked.wait_s * 2, _LONGEST_S)
                self._asked[stem] = _Asked(now + wait_s, wait_s)
            else:
                continue
            self._bring_in(file)

    def _bring_in(self, file: Path) -> None:
        try:
            business_id, call_id, leg = recordings.named(file.stem)
            with unit_of_work(of_business(business_id)):
                recordings.bring_in(file.stem, call_id, leg)
        except ValueError:
            log.error("recording_misnamed", file=file.name)
        except (SQLAlchemyError, TrunklineError) as error:
            log.warning("recording_waits", file=file.name, error=type(error).__name__)

    def _take_up(self, part: Path) -> None:
        try:
            if time.time() - part.stat().st_mtime > _FORSAKEN_S:
                part.rename(part.with_suffix(".wav"))
                log.warning("recording_taken_up", file=part.name)
        except FileNotFoundError:
            return  # its writer has finished, or another process was quicker
        except OSError as error:
            log.error("recording_not_taken_up", file=part.name, error=str(error))
