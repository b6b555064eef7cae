"""The live sessions of a process: how many, which, and the end of those that outlived their call.

Owns the register and the reaper. A session ends by itself; the reaper is for the one that did
not, because something it waits for never came.
"""

from __future__ import annotations

import asyncio

from trunkline.media.session import Ended, Session


class LiveSessions:
    """Every session of this process, from its start to its last event."""

    def __init__(self, *, socket_grace_s: float = 20.0, oldest_s: float = 3_600.0) -> None:
        self._socket_grace_s = socket_grace_s
        self._oldest_s = oldest_s
        self._live: dict[Session, asyncio.Task[object] | None] = {}
        self._warned: set[Session] = set()
        self._cancelled: set[Session] = set()
        self.reaped = 0

    @property
    def count(self) -> int:
        return len(self._live)

    @staticmethod
    def task_names() -> list[str]:
        """Return the names of all live tasks of calls, for the health page."""
        names = (task.get_name() for task in asyncio.all_tasks())
        return sorted(name for name in names if name.startswith("call-"))

    async def run(self, session: Session) -> Ended:
        """Run a session, on the register for as long as it lives."""
        self._live[session] = asyncio.current_task()
        try:
            return await session.run()
        finally:
            self._live.pop(session, None)
            self._warned.discard(session)
            self._cancelled.discard(session)

    def of_call(self, call_id: str) -> Session | None:
        """Return the session that holds this call here, if one does."""
        return next((session for session in self._live if session.call_id == call_id), None)

    def stop_all(self, reason: str) -> None:
        """Ask every call to end now; `count` falls to 0 as they do."""
        for session in self._live:
            session.stop(reason)

    def part_with_all(self, reason: str) -> None:
        """Say goodbye on every call; `count` falls to 0 as they end."""
        for session in self._live:
            session.part(reason)

    def reap(self) -> list[str]:
        """Look once: stop what outlived its socket or all reason, cancel what was stopped before."""
        now = asyncio.get_running_loop().time()
        reaped = []
        for session, task in list(self._live.items()):
            gone = session.wire_ended_at
            outlived = gone is not None and now - gone > self._socket_grace_s
            if not outlived and now - session.started_at <= self._oldest_s:
                continue
            if session not in self._warned:
                self._warned.add(session)
                session.stop("reaped")
            elif session in self._cancelled:
                continue  # It is closing, which takes its time.
            elif task is not None:
                self._cancelled.add(session)
                task.cancel()
            self.reaped += 1
            reaped.append(session.call_id)
        return reaped

    async def patrol(self, every_s: float = 5.0) -> None:
        """Reap for ever; the process runs this as one task of its own."""
        while True:
            await asyncio.sleep(every_s)
            self.reap()
