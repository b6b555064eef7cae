"""Named steps of a process at which a fault test may interfere.

Code that must survive being killed says `barriers.reached("dial.committed")` between two steps.
Nothing happens there unless a test harness has installed a hook, which may stop or kill the process.
"""

from __future__ import annotations

from collections.abc import Callable

Hook = Callable[[str], None]

_hook: Hook | None = None


def reached(name: str) -> None:
    """Tell an installed hook that the process stands at this step."""
    if _hook is not None:
        _hook(name)


def install(hook: Hook | None) -> None:
    """Install the process's hook, or take it away with None."""
    global _hook  # noqa: PLW0603 - one hook a process
    _hook = hook
