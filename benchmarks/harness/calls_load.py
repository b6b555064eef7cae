"""The callers and their carrier: a process of its own that holds many Media Streams at once.

Speaks Twilio's protocol over bare sockets, with messages masked and framed beforehand, so that it costs
less than what it measures; plays what it is sent into a buffer as a carrier does, and notes gaps,
answers and clears. Tells how late it was itself: where that is much, the figures are its own.

    python -m harness.calls_load PORT PATH CALLS SECONDS SCRIPT PID
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import uvloop
from websockets.speedups import apply_mask

from harness.calls_script import REPLY_MS, Script, load
from harness.processes import cpu_s

_SLOW = float(os.environ.get("BENCH_SLOW", "1"))
"""How many seconds one takes; see `peers/slow.py`."""
_FRAME_S = 0.02 * _SLOW
_SETTLE_S = 3.0
_JOIN_S = 0.025
"""Calls come one after another at this distance."""
_MASK = b"\x37\xfa\x21\x3d"
_SHORT, _LONG = 126, 65_536
_GAP_OVER_S = 0.02
_SILENT = b"/" * 16
"""How mu-law silence looks in base64."""


def frame(text: bytes) -> bytes:
    """Return a masked text message as it goes over the wire."""
    size = len(text)
    length = bytes([0x80 | size]) if size < _SHORT else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + _MASK + apply_mask(text, _MASK)


class Figures:
    """What all calls saw while it counted."""

    def __init__(self) -> None:
        self.counting = False
        self.replies_ms: list[float] = []
        self.clears_ms: list[float] = []
        self.gaps_ms: list[float] = []
        self.sound_ms = 0
        self.turns = self.overs = self.unanswered = self.not_cleared = self.stale = self.lost = 0


class Caller(asyncio.Protocol):
    """One call: its socket, the carrier's buffer and the caller's place in the script."""

    def __init__(self, figures: Figures, script: Script, name: str, place: int) -> None:
        self.figures = figures
        self.script = script
        self.name = name
        self.place = place
        self.transport: asyncio.Transport
        self.open = asyncio.get_running_loop().create_future()
        self._buffer = b""
        self._begins = {turn.begins: turn for turn in script.turns}
        self._ends = {turn.ends: turn for turn in script.turns}
        self._plays_until = 0.0
        self._marks: list[tuple[float, bytes]] = []
        self._turn_ended: float | None = None
        self._over_began: float | None = None
        self._counted = False
        self._reply_ms = float(REPLY_MS)
        self.gone = False

    # --- The wire -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, _exc: Exception | None) -> None:
        self.gone = True
        if not self.open.done():
            self.open.set_exception(ConnectionError("the socket closed before it was open"))

    def upgrade(self, path: str) -> None:
        self.transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def start(self) -> None:
        start = {
            "streamSid": self.name, "callSid": f"CA{self.name}", "accountSid": "AC0", "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        }  # fmt: skip
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._send({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": self.name})

    def _send(self, message: dict[str, Any]) -> None:
        self.transport.write(frame(json.dumps(message).encode()))

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        at = 0
        if not self.open.done():
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(ConnectionError(data[:60].decode()))
                return
            self.open.set_result(None)
            at = end + 4
        while len(data) - at >= 2:
            size, head = data[at + 1], 2
            if size == _SHORT:
                size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif size > _SHORT:
                size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
            if len(data) - at < head + size:
                break
            kind, body = data[at] & 15, data[at + head : at + head + size]
            at += head + size
            if kind == 1:
                self._message(body)
            elif kind == 9:
                self.transport.write(b"\x8a" + bytes([0x80 | size]) + _MASK + apply_mask(body, _MASK))
            elif kind == 8:
                self.transport.close()
        self._buffer = data[at:]

    # --- The carrier's buffer -------------------------------------------------------------

    def _message(self, text: bytes) -> None:
        now = time.perf_counter()
        head = text[:20]
        if b"media" in head:
            begin = text.index(b'"payload"') + 9
            begin = text.index(b'"', begin) + 1
            end = text.index(b'"', begin)
            self._hear(now, text[begin : begin + 16], (end - begin) * 3 // 4 // 8)
        elif b"mark" in head:
            self._marks.append((self._plays_until, text))
        elif b"clear" in head:
            self._clear(now)

    def _hear(self, now: float, beginning: bytes, length_ms: int) -> None:
        figures = self.figures
        if figures.counting:
            figures.sound_ms += length_ms
        if beginning != _SILENT:
            if self._turn_ended is not None:
                if self._counted:
                    figures.replies_ms.append((now - self._turn_ended) * 1000 / _SLOW)
                self._turn_ended = None
                self._reply_ms = 0.0
            elif self._reply_ms >= REPLY_MS and self._over_began is None and self._counted:
                figures.stale += 1
            elif 0 < self._reply_ms < REPLY_MS and now > self._plays_until and figures.counting:
                figures.gaps_ms.append((now - self._plays_until) * 1000)
            self._reply_ms += length_ms
        self._plays_until = max(now, self._plays_until) + length_ms / 1000 * _SLOW

    def _clear(self, now: float) -> None:
        if self._over_began is not None:
            if self._counted:
                self.figures.clears_ms.append((now - self._over_began) * 1000 / _SLOW)
            self._over_began = None
        self._plays_until = now
        self._reply_ms = float(REPLY_MS)
        self._echo(now)

    def _echo(self, now: float) -> None:
        while self._marks and self._marks[0][0] <= now:
            self.transport.write(frame(self._marks.pop(0)[1]))

    # --- The caller -----------------------------------------------------------------------

    def tick(self, now: float, message: bytes) -> None:
        """Say the frame of the script that is due."""
        figures = self.figures
        if self.gone:
            figures.lost += 1
            return
        self.transport.write(message)
        if self._marks:
            self._echo(now)
        if (turn := self._begins.get(self.place)) is not None:
            if self._turn_ended is not None and self._counted:
                figures.unanswered += 1
            self._turn_ended = None
            self._counted = figures.counting
            if turn.over:
                self._over_began = now
                figures.overs += self._counted
        elif self.place in self._ends:
            if self._over_began is not None and self._counted:
                figures.not_cleared += 1
            self._over_began = None
            self._turn_ended = now
            figures.turns += self._counted
        self.place = (self.place + 1) % len(self.script.frames)


class Load:
    """All calls, and the clock that they speak by."""

    def __init__(self, script: Script, *, port: int, path: str, calls: int, seconds: float, pid: int) -> None:
        self._port, self._path, self._calls, self._seconds, self._pid = port, path, calls, seconds, pid
        self._script = script
        self._messages = [frame(_media(number, sound)) for number, sound in enumerate(script.frames)]
        self._figures = Figures()
        self._rows: list[list[Caller]] = [[] for _ in range(20)]
        self._late_ms: list[float] = []

    async def run(self) -> dict[str, Any]:
        clock = asyncio.get_running_loop().create_task(self._speak())
        for number in range(self._calls):
            await self._join(number)
            await asyncio.sleep(_JOIN_S)
        await asyncio.sleep(_SETTLE_S * _SLOW)
        gc.collect()
        gc.freeze()
        self._late_ms.clear()
        self._figures.counting = True
        begun, cpu = time.perf_counter(), cpu_s(self._pid)
        await asyncio.sleep(self._seconds * _SLOW)
        took, cpu = time.perf_counter() - begun, cpu_s(self._pid) - cpu
        self._figures.counting = False
        clock.cancel()
        memory = _resident_mb(self._pid)
        for caller in (caller for row in self._rows for caller in row):
            if not caller.gone:
                caller.transport.write(frame(b'{"event":"stop","stop":{}}'))
                caller.transport.close()
        return self._report(took, cpu, memory)

    async def _join(self, number: int) -> None:
        place = number * len(self._script.frames) // self._calls
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: Caller(self._figures, self._script, f"MZ{number:032x}", place), "127.0.0.1", self._port
        )
        caller.upgrade(self._path)
        await asyncio.wait_for(caller.open, 20)
        caller.start()
        self._rows[number % len(self._rows)].append(caller)

    async def _speak(self) -> None:
        """Every millisecond a twentieth of the calls sends its frame."""
        begun = time.perf_counter()
        step = 0
        while True:
            due = begun + step * _FRAME_S / len(self._rows)
            now = time.perf_counter()
            if due > now:
                await asyncio.sleep(due - now)
                now = time.perf_counter()
            self._late_ms.append((now - due) * 1000)
            for caller in self._rows[step % len(self._rows)]:
                caller.tick(now, self._messages[caller.place])
            step += 1

    def _report(self, took: float, cpu: float, memory_mb: float) -> dict[str, Any]:
        figures = self._figures
        passed = took / _SLOW
        return {
            "calls": self._calls,
            "cpu_ms_per_call_second": round(cpu * 1000 / self._calls / passed, 2),
            "cpu_share": round(cpu / passed, 3),
            "sound_back_share": round(figures.sound_ms / 1000 / self._calls / passed, 3),
            "turns": figures.turns,
            "answered": len(figures.replies_ms),
            "unanswered": figures.unanswered,
            "talked_over": figures.overs,
            "cleared": len(figures.clears_ms),
            "not_cleared": figures.not_cleared,
            "stale_frames": figures.stale,
            "reply_ms": quantiles(figures.replies_ms),
            "clear_ms": quantiles(figures.clears_ms),
            "gaps_over_20_ms": sum(gap > _GAP_OVER_S * 1000 for gap in figures.gaps_ms),
            "worst_gap_ms": round(max(figures.gaps_ms, default=0.0), 1),
            "frames_to_lost_sockets": figures.lost,
            "resident_mb": round(memory_mb, 1),
            "load_late_ms": quantiles(self._late_ms),
            "load_cpu_share": round(time.process_time() / time.perf_counter(), 3),
        }


def quantiles(values: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the worst; empty of nothing."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
        "worst": round(ordered[-1], 1),
    }


def _media(number: int, sound: bytes) -> bytes:
    # As the carrier writes it: compact, and numbers as strings.
    body = (
        f'{{"event":"media","sequenceNumber":"{number + 2}",'
        f'"media":{{"track":"inbound","chunk":"{number + 1}",'
        f'"timestamp":"{number * 20}","payload":"{b64encode(sound).decode()}"}},"streamSid":"MZ{"0" * 32}"}}'
    )
    return body.encode()


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    port, path, calls, seconds, script, pid = sys.argv[1:]
    work = Load(
        load(Path(script)), port=int(port), path=path, calls=int(calls), seconds=float(seconds), pid=int(pid)
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(work.run())), flush=True)


if __name__ == "__main__":
    main()
