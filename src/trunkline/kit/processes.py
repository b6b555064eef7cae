"""Processes: how a child is tied to its parent, so that a killed parent leaves nothing behind."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(death_signal: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to send this process a signal when the thread that started it ends (Linux).

    For a child, before it does anything else; forgotten by the kernel when the user id changes.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, death_signal.value, 0, 0, 0)
