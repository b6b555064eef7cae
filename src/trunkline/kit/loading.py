"""Loading modules without the garbage collector's help: of what a process loads, nothing is garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Let nothing be collected while the block imports, and set aside for good what there is after it.

    The collector walks what has been loaded so far whenever enough has come: a fifth of a process's start,
    and all for nothing. One that was off stays off.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
