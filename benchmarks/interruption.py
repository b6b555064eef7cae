"""What interrupts the agent, and how soon: ours beside Pipecat's default, on the same sounds.

Makes a corpus from a seed (see `sounds/corpus.py`): people who take the turn, a third of them over the
agent's echo, and beeps, rings, keys, coughs, breaths, typing, music, echo and listener's murmurs. Ours is a
whole call each, from the carrier's frames to `clear` on the wire, in the caller's audio time; Pipecat's is
its Silero analyzer and its default strategy, fed the same frames. Neither has a recogniser: sound decides.

    python benchmarks/interruption.py [--seed N] [--real N] [--false N] [--human ARCHIVE] [--only ours]

`--human` takes pocketsphinx's source archive (`pip download --no-deps --no-binary :all: pocketsphinx==5.1.1`)
and adds the speech of real people out of its test data. The thresholds were fitted on seeds 1 and 2 of
espeak's voices; report others. Last line: one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from harness.line import Tape, cleared_by_ours
from sounds.corpus import Clip, corpus, echoed
from sounds.human import utterances
from sounds.speech import AGENT, spoken

from trunkline.kit.audio import pcm_to_ulaw, ulaw_to_pcm
from trunkline.media import SessionOptions

_PEER = Path(__file__).parent / "peers" / "interruption_pipecat.py"
Decisions = dict[str, float | None]


def ours(clips: dict[str, Clip], agent: np.ndarray[Any, Any]) -> Decisions:
    """Hold one call a clip."""
    voice = Tape(agent)
    return {name: cleared_by_ours(clip, voice, SessionOptions()) for name, clip in clips.items()}


def pipecat(clips: dict[str, Clip], agent: np.ndarray[Any, Any], python: Path) -> Decisions:
    """Write the clips down and let the peer's environment judge them."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "clips.json").write_text(json.dumps(list(clips)))
        for name, clip in clips.items():
            (folder / f"{name}.pcm").write_bytes(on_the_line(clip, agent))
        ran = subprocess.run(
            [python, _PEER, folder], stdout=subprocess.PIPE, text=True, check=True, timeout=7_200
        )
    decisions: Decisions = json.loads(ran.stdout.splitlines()[-1])
    return decisions


def on_the_line(clip: Clip, agent: np.ndarray[Any, Any]) -> bytes:
    """Return what the caller's side of the line carries while the agent is not interrupted."""
    samples = clip.samples.copy()
    if clip.echo is not None:
        delay = clip.echo.delay_ms * 8
        samples[delay:] += echoed(agent, clip.echo)[: len(samples) - delay]
    pcm = np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()
    return ulaw_to_pcm(pcm_to_ulaw(pcm))


def figures(clips: dict[str, Clip], decisions: Decisions) -> dict[str, Any]:
    """Return the shares missed and false, and how long decisions took from the first sound, in ms."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name, clip in clips.items():
        by_kind[clip.kind].append(name)
    kinds: dict[str, Any] = {}
    for kind, names in by_kind.items():
        at = [decisions[name] for name in names]
        if not clips[names[0]].real:
            kinds[kind] = {
                "clips": len(names),
                "false_pct": _percent(sum(one is not None for one in at), len(at)),
            }
            continue
        waits = _waits(clips, decisions, names)
        kinds[kind] = {
            "clips": len(names),
            "missed_pct": _percent(len(at) - len(waits), len(at)),
            **_spread(waits),
        }
    real = [name for name, clip in clips.items() if clip.real]
    false = [name for name, clip in clips.items() if not clip.real]
    waits = _waits(clips, decisions, real)
    early = sum(decisions[name] is not None for name in real) - len(waits)
    return {
        "real": len(real),
        "missed_pct": _percent(len(real) - len(waits), len(real)),
        "before_the_sound_pct": _percent(early, len(real)),
        **_spread(waits),
        "not_real": len(false),
        "false_pct": _percent(sum(decisions[name] is not None for name in false), len(false)),
        "kinds": kinds,
    }


def _waits(clips: dict[str, Clip], decisions: Decisions, names: list[str]) -> list[float]:
    """What was decided before the caller made a sound was no answer to it."""
    at = {name: decisions[name] for name in names}
    return [
        one - clips[name].begins_ms
        for name, one in at.items()
        if one is not None and one >= clips[name].begins_ms
    ]


def _percent(count: int, of: int) -> float:
    return round(100 * count / max(1, of), 2)


def _spread(waits: list[float]) -> dict[str, float]:
    if not waits:
        return {}
    return {f"p{share}_ms": round(float(np.percentile(waits, share)), 1) for share in (50, 90)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument(
        "--real", type=int, default=200, help="interruptions by espeak, and as many by people"
    )
    parser.add_argument("--false", type=int, default=40, help="clips of each kind that is no interruption")
    parser.add_argument("--human", type=Path, help="pocketsphinx's source archive")
    parser.add_argument("--only", choices=("ours", "pipecat"), help="measure one of the two")
    parser.add_argument(
        "--folder", type=Path, default=Path(".venv/speech"), help="keeps what espeak has said"
    )
    parser.add_argument("--peers", type=Path, default=Path(".venv/bench/bin/python"))
    chosen = parser.parse_args()
    human = utterances(chosen.human) if chosen.human else []
    made = corpus(
        chosen.seed, real=chosen.real, false_of_each=chosen.false, folder=chosen.folder, human=human
    )
    clips = {f"{number:05d}": clip for number, clip in enumerate(made)}
    agent = spoken([AGENT], chosen.folder)[AGENT]
    found: dict[str, Any] = {
        "seed": chosen.seed,
        "clips": len(clips),
        "human_utterances": len(human),
        "audio_s": round(sum(clip.length_ms for clip in clips.values()) / 1000),
    }
    for name in ("ours", "pipecat"):
        if chosen.only in (None, name):
            begun = time.process_time()
            decisions = ours(clips, agent) if name == "ours" else pipecat(clips, agent, chosen.peers)
            found[name] = figures(clips, decisions)
            print_table(name, found[name], time.process_time() - begun)
    print(json.dumps(found))


def print_table(name: str, told: dict[str, Any], took_s: float) -> None:
    print(f"{name}: {took_s:.0f} s of CPU here")
    for kind, row in told["kinds"].items():
        print(f"  {kind:22}" + "  ".join(f"{key} {value}" for key, value in row.items()))
    print("  " + "  ".join(f"{key} {value}" for key, value in told.items() if key != "kinds"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
