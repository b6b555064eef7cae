"""Helper processes: started when needed, replaced when they die, ended with us.

Owns their lives and one exchange at a time with each. Knows nothing of speech. No threads: the
pipes belong to the event loop.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Any

from trunkline.providers.local_speech.wire import LENGTHS, Message, pack, unpack_header
from trunkline.providers.ports import SpeechFailed

_LONGEST_EXCHANGE_S = 10.0
"""A helper that takes longer hangs; its work takes milliseconds and its start under a second."""

_LONGEST_GOODBYE_S = 1.0


class HelperPool:
    """Up to `size` processes that run one module and answer one request at a time each.

    With `most_waiting` requests in line for them the next one fails at once.
    """

    def __init__(self, module: str, *, size: int, most_waiting: int | None = None) -> None:
        if size < 1:
            raise ValueError("a pool needs at least one helper")
        self._module = module
        self._turns = asyncio.Semaphore(size)
        self._waiting = 0
        self._most_waiting = most_waiting
        self._idle: list[Process] = []
        self._exchanges: set[asyncio.Task[Message | SpeechFailed]] = set()
        self._closed = False

    async def ask(self, header: dict[str, Any], body: bytes = b"") -> Message:
        """Return a helper's answer. Raises SpeechFailed.

        A caller that is cancelled leaves at once, the line as well; a helper that is at its request
        finishes the exchange by itself, so that the next one finds the pipe clean and the process warm.
        """
        await self._wait_in_line()
        exchange = asyncio.create_task(self._answer(header, body))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._ended)
        answer = await asyncio.shield(exchange)
        if isinstance(answer, SpeechFailed):
            raise answer
        return answer

    async def close(self) -> None:
        """End all helpers and whatever they are doing. Returns once none is left."""
        self._closed = True
        for exchange in tuple(self._exchanges):
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)
        while self._idle:
            await _end(self._idle.pop())

    async def _wait_in_line(self) -> None:
        """Wait for a helper to be free. Raises SpeechFailed."""
        if self._turns.locked() and self._waiting == self._most_waiting:
            raise SpeechFailed("the speech helpers have too much to do")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        if self._closed:
            self._turns.release()
            raise SpeechFailed("local speech is closed")

    def _ended(self, exchange: asyncio.Task[Message | SpeechFailed]) -> None:
        self._exchanges.discard(exchange)
        self._turns.release()

    async def _answer(self, header: dict[str, Any], body: bytes) -> Message | SpeechFailed:
        # Failure is returned, not raised: nobody may be left to take an exception.
        try:
            helper = self._waiting_helper() or await self._start()
        except OSError as error:
            return SpeechFailed(f"a speech helper could not start: {error}")
        try:
            async with asyncio.timeout(_LONGEST_EXCHANGE_S):
                answer = await _exchange(helper, pack(header, body))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            await _end(helper, now=True)
            return SpeechFailed("a speech helper died or hung")
        except asyncio.CancelledError:
            await _end(helper, now=True)
            raise
        self._idle.append(helper)
        if refusal := answer[0].get("error"):
            return SpeechFailed(str(refusal))
        return answer

    def _waiting_helper(self) -> Process | None:
        while self._idle:
            helper = self._idle.pop()
            if helper.returncode is None:
                return helper
        return None

    async def _start(self) -> Process:
        # A session of its own keeps a Ctrl-C in our terminal from reaching the helper before us.
        # One BLAS thread: the arrays are small, and a pool of threads only costs memory.
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )


async def _exchange(helper: Process, message: bytes) -> Message:
    if helper.stdin is None or helper.stdout is None:
        raise OSError("a helper without pipes")
    helper.stdin.write(message)
    await helper.stdin.drain()
    header_size, body_size = LENGTHS.unpack(await helper.stdout.readexactly(LENGTHS.size))
    header = unpack_header(await helper.stdout.readexactly(header_size))
    return header, await helper.stdout.readexactly(body_size)


async def _end(helper: Process, *, now: bool = False) -> None:
    if helper.stdin is not None:
        helper.stdin.close()
    if helper.returncode is None and now:
        helper.kill()
    try:
        async with asyncio.timeout(_LONGEST_GOODBYE_S):
            await helper.wait()
    except TimeoutError:
        helper.kill()
        await helper.wait()
