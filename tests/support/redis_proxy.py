"""A way to Redis on which every answer is late: a proxy, in a thread of the test's own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def late_answers(port: int, *, delay_s: float) -> Iterator[int]:
    """Yield a port that leads to `port` on this machine; each piece of an answer comes `delay_s` late."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = [listener]

    def carry(source: socket.socket, sink: socket.socket, wait_s: float) -> None:
        # Whatever ends one direction ends the other: the peer sees the connection close.
        with suppress(OSError):
            while piece := source.recv(65_536):
                time.sleep(wait_s)  # the delay itself
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def admit() -> None:
        with suppress(OSError):
            while True:
                ours, _ = listener.accept()
                theirs = socket.create_connection(("127.0.0.1", port))
                ends.extend((ours, theirs))
                for way in ((ours, theirs, 0.0), (theirs, ours, delay_s)):
                    threading.Thread(target=carry, args=way, daemon=True).start()

    admitting = threading.Thread(target=admit, daemon=True)
    admitting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        admitting.join(5)
