"""The port's side of Smart Turn. The model runs in helper processes: an answer takes tens of milliseconds."""

from __future__ import annotations

from pathlib import Path

from trunkline.providers.local_speech.helpers import HelperPool
from trunkline.providers.ports import SpeechFailed

_HELPER = "trunkline.providers.smart_turn.helper"
_MOST_WAITING = 8
"""Questions in line for each helper: one that waits longer is answered after its turn has been judged."""


class SmartTurn:
    """The `EndOfTurn` port. Raises FileNotFoundError where the model's file is not there."""

    def __init__(self, model: Path, *, helpers: int = 1) -> None:
        if not model.is_file():
            raise FileNotFoundError(f"there is no model of turn ends at {model}")
        self._model = str(model)
        self._pool = HelperPool(_HELPER, size=helpers, most_waiting=_MOST_WAITING * helpers)

    async def over(self, pcm: bytes) -> float | None:
        """Return the model's probability that the turn is over; None if it cannot say."""
        try:
            answer, _ = await self._pool.ask({"model": self._model}, pcm)
        except SpeechFailed:
            return None
        return float(answer["over"])

    async def close(self) -> None:
        """End the helpers. Later questions are answered with None."""
        await self._pool.close()
