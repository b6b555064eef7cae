"""Floor 5: the whole system on one machine: an API process and the workers, kept running."""

from __future__ import annotations

from trunkline.core.settings import Settings
from trunkline.supervisor import Child, Supervisor, own_command
from trunkline.wiring import Command, open_runtime

_GOODBYES_S = 30.0
"""How long an API may take to end once its calls may go on no longer."""


def children_of_system() -> list[Child]:
    """Return one child per role. A role of their own keeps the parent's from excluding them."""
    return [
        Child("api", own_command("api"), {"SERVICE_ROLE": "api", "ENABLE_SCHEDULERS": "false"}),
        Child("worker", own_command("worker"), {"SERVICE_ROLE": "worker", "ENABLE_SCHEDULERS": "true"}),
    ]


def run(settings: Settings) -> None:
    """Run until stopped."""
    with open_runtime(Command.UP, settings) as runtime:
        # The worker's own supervisor drains first; the API lets its calls end, and says goodbye at last.
        longest_s = max(settings.drain_seconds, settings.call_drain_seconds + _GOODBYES_S)
        Supervisor(children_of_system(), upkeep=runtime.upkeep, stop_within_s=longest_s + 5).run()
