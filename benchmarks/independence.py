"""Do our carrier and our socket speak Twilio's protocol, or only a dialect between themselves?

Two whole calls with Pipecat on the other side, on its own Twilio serializer and transports: a person of our
local carrier phones a Pipecat bot, which hangs up by the carrier's REST API; and a caller made of
Pipecat's client holds a call on our media socket until our session hangs up. Each side's sound is
recognised by somebody else's ear: what one said must be what the other one heard. Exits with 1 and says
what is amiss if it is not. Last line: one JSON object.

    python benchmarks/independence.py
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from harness.calls_server import PEERS_PYTHON, System, environment, free_port, serving
from harness.processes import Failed

from trunkline.kit.audio import BYTES_PER_MS
from trunkline.providers.local_speech import EspeakTextToSpeech, SphinxSpeechToText
from trunkline.providers.local_speech.tuning import AGENT_VOICE
from trunkline.providers.ports import Grammar, Voice

_HERE = Path(__file__).parent
_WITHIN_S = 90.0
_STAYS_MS = 2_500
_ACCOUNT = {"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "independence"}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_PERSON, _NUMBER = "+12125550143", "+12125550190"
_BOT_SAYS = ("would you like to book an appointment", "which day of the week would you like", "goodbye")
_WE_SAY = (
    {"say": ["would you like to book an appointment"], "expect": ["yes", "no thank you"]},
    {"say": ["which day of the week would you like"], "expect": [f"{day} please" for day in _DAYS]},
    {"say": ["your appointment is booked", "goodbye"], "expect": []},
)
_CALLER_SAYS = ("yes", "thursday please")
_PERSON_VOICE = "en-us+klatt4"
_CAN_BE_HEARD = Grammar(
    ("yes", "no thank you", "goodbye", "sorry we are closed", *(f"{day} please" for day in _DAYS),
     "would you like to book an appointment", "which day of the week would you like",
     "your appointment is booked", "your appointment is booked goodbye", "thank you for calling")
)  # fmt: skip


async def _speak(sentence: str, voice: str) -> bytes:
    tts = EspeakTextToSpeech()
    try:
        return b"".join([pcm async for pcm in tts.speak(sentence, Voice("en-US", voice))])
    finally:
        await tts.close()


async def _hear(pcm: bytes) -> str:
    stt = SphinxSpeechToText(helpers=1)
    try:
        utterance = stt.open(language="en-US", grammar=_CAN_BE_HEARD)
        utterance.feed(pcm + bytes(8_000))
        return (await utterance.finish()).text
    finally:
        await stt.close()


def _write(sentences: tuple[str, ...], folder: Path, voice: str) -> None:
    """Speak what a side has to say into the files that it says."""
    folder.mkdir()
    for number, sentence in enumerate(sentences):
        (folder / f"say-{number}.pcm").write_bytes(asyncio.run(_speak(sentence, voice)))
    # Whoever hangs up after the last word stays for a moment, or it is not heard out.
    with (folder / f"say-{len(sentences) - 1}.pcm").open("ab") as last:
        last.write(bytes(_STAYS_MS * BYTES_PER_MS))


def _heard(folder: Path) -> list[str]:
    """Return what an ear that belongs to neither side makes of the turns that a side has kept."""
    return [asyncio.run(_hear(path.read_bytes())) for path in sorted(folder.glob("heard-*.pcm"))]


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=_HERE, env={**environment(), **_ACCOUNT}
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(what: str, condition: Callable[[], Any]) -> Any:
    """Wait for a true answer and return it. Raises Failed."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise Failed(f"not within {_WITHIN_S:g} s: {what}")


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def our_carrier_phones_their_bot(home: Path) -> dict[str, Any]:
    """A person of the local carrier talks with a Pipecat bot, which hangs up."""
    folder = home / "bot"
    _write(_BOT_SAYS, folder, AGENT_VOICE)
    carrier_port, bot_port = free_port(), free_port()
    carrier = f"http://127.0.0.1:{carrier_port}"
    people = home / "people.json"
    people.write_text(
        json.dumps({"numbers": [{"number": _NUMBER, "voice_url": f"http://127.0.0.1:{bot_port}/answer"}]})
    )
    ours = [sys.executable, "-m", "trunkline.simulators.carrier", "--port", str(carrier_port), "--seed", "7",
            "--people", str(people)]  # fmt: skip
    bot = [str(PEERS_PYTHON), "-m", "peers.bot_pipecat", str(bot_port), carrier, str(folder)]
    with _process(ours, home / "carrier.log"), _process(bot, home / "bot.log"):
        _until("the carrier is up", lambda: _answers(f"{carrier}/sim/book"))
        _until("the bot is up", lambda: _answers(f"http://127.0.0.1:{bot_port}/docs"))
        order = {"from": _PERSON, "to": _NUMBER, "persona": "interested"}
        sid = httpx.post(f"{carrier}/sim/calls", json=order, trust_env=False).raise_for_status().json()["sid"]

        def ended() -> dict[str, Any] | None:
            book = httpx.get(f"{carrier}/sim/book", trust_env=False).json()
            return next((call for call in book["calls"] if call["sid"] == sid and call["ended_by"]), None)

        call = _until("the call is over", ended)
    said = [entry["text"] for entry in call["said"]]
    return {
        "person_heard": [entry["heard"] for entry in call["understood"]],
        "bot_said": list(_BOT_SAYS),
        "bot_heard": _heard(folder)[: len(said)],
        "person_said": said,
        "ended_by": call["ended_by"],
        "errors": call["errors"],
    }


def their_caller_phones_our_socket(home: Path) -> dict[str, Any]:
    """A caller made of Pipecat talks with our session, which hangs up."""
    folder = home / "caller"
    _write(_CALLER_SAYS, folder, _PERSON_VOICE)
    ours = System("ours", "calls_spoken", "/media", Path(sys.executable))
    with serving(ours, home / "socket.log", arguments=[json.dumps(_WE_SAY)]) as running:
        url = f"ws://127.0.0.1:{running.port}/media"
        caller = [str(PEERS_PYTHON), "-m", "peers.caller_pipecat", url, str(folder)]
        with _process(caller, home / "caller.log") as process:
            _until("the call is over", lambda: process.poll() is not None)
    events = running.told["events"]
    told = {
        kind: [event for event in events if event["event"] == kind] for kind in ("agent_said", "caller_said")
    }
    ends = [event for event in events if event["event"] == "ended"]
    return {
        "agent_said": [event["heard_text"] for event in told["agent_said"]],
        "caller_heard": _heard(folder),
        "caller_said": list(_CALLER_SAYS),
        "agent_heard": [event["text"] for event in told["caller_said"]],
        "ended_by": [event["reason"] for event in ends],
        "frames_in": [event["frames_in"] for event in ends],
    }


def _complaints(carrier: dict[str, Any], socket: dict[str, Any]) -> Iterator[str]:
    if carrier["person_heard"] != carrier["bot_said"]:
        yield "our person did not hear what the bot said"
    if not carrier["person_said"] or carrier["bot_heard"] != carrier["person_said"]:
        yield "the bot did not hear what our person said"
    if carrier["ended_by"] != "api" or carrier["errors"]:
        yield "the bot did not hang up by our carrier's API, or our carrier complained"
    if socket["caller_heard"] != socket["agent_said"] or len(socket["agent_said"]) != len(_WE_SAY):
        yield "their caller did not hear what our agent said"
    if socket["agent_heard"] != socket["caller_said"]:
        yield "our agent did not hear what their caller said"
    if socket["ended_by"] != ["done"] or any(
        frames["dropped"].get("malformed") for frames in socket["frames_in"]
    ):
        yield "our session did not hang up, or could not read what it was sent"


def main() -> None:
    if not os.access(PEERS_PYTHON, os.X_OK):
        raise SystemExit(f"Pipecat is not installed in {PEERS_PYTHON.parents[1]}: run `make independence`")
    with tempfile.TemporaryDirectory(prefix="trunkline-independence-") as folder:
        home = Path(folder)
        try:
            carrier = our_carrier_phones_their_bot(home)
            socket = their_caller_phones_our_socket(home)
        except Failed as failure:
            logs = "".join(f"--- {path.name}\n{path.read_text()[-2_000:]}" for path in home.glob("*.log"))
            raise SystemExit(f"{failure}\n{logs}") from failure
    amiss = list(_complaints(carrier, socket))
    print("\n".join(amiss) or "each side heard what the other one said")
    print(json.dumps({"our_carrier_their_bot": carrier, "their_caller_our_socket": socket, "amiss": amiss}))
    sys.exit(1 if amiss else 0)


if __name__ == "__main__":
    main()
