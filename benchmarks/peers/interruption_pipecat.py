"""Pipecat's default decision that the user interrupts, on the corpus: its own Silero analyzer and strategy.

Runs in the peers' environment: `interruption_pipecat.py FOLDER`. Reads `clips.json` (names and lengths) and
`NAME.pcm`, feeds 20 ms frames as its transport does, and prints one JSON object of the first decision
in milliseconds of the clip, or null.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADState
from pipecat.turns.user_start import VADUserTurnStartStrategy
from pipecat.turns.user_turn_strategies import default_user_turn_start_strategies

_FRAME_BYTES = 320


async def decided(pcm: bytes) -> float | None:
    """Return when the default strategies begin the user's turn, which interrupts a bot that is speaking."""
    analyzer = SileroVADAnalyzer(sample_rate=8_000)
    analyzer.set_sample_rate(8_000)
    before = VADState.QUIET
    try:
        for begin in range(0, len(pcm) - _FRAME_BYTES + 1, _FRAME_BYTES):
            state = await analyzer.analyze_audio(pcm[begin : begin + _FRAME_BYTES])
            # What its controller does: only the settled states count.
            if state is VADState.SPEAKING and before is not VADState.SPEAKING:
                return (begin + _FRAME_BYTES) / 16
            if state in (VADState.SPEAKING, VADState.QUIET):
                before = state
        return None
    finally:
        await analyzer.cleanup()


async def main(folder: Path) -> None:
    # The first of the defaults begins a turn, and so interrupts, as soon as the analyzer says "speaking".
    assert isinstance(default_user_turn_start_strategies()[0], VADUserTurnStartStrategy)
    names = json.loads((folder / "clips.json").read_text())
    print(json.dumps({name: await decided((folder / f"{name}.pcm").read_bytes()) for name in names}))


if __name__ == "__main__":
    logger.remove()
    asyncio.run(main(Path(sys.argv[1])))
