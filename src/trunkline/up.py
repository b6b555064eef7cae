"""Floor 5: the whole system on one machine: an API process and the workers, kept running."""

from __future__ import annotations

from trunkline.core.settings import Settings
from trunkline.supervisor import Child, Supervisor, own_command
from trunkline.wiring import Command, open_runtime

_GOODBYES_S = 30.0
"""How long an API may take to end once its calls may go on no longer."""
_ENDS_WITHIN_S = 5.0


def children_of_system() -> list[Child]:
    """Return one child per role. A role of their own keeps the parent's from excluding them."""
    return [
        Child("api", own_command("api"), {"SERVICE_ROLE": "api", "ENABLE_SCHEDULERS": "false"}),
        # Calls that go on while the API drains have their jobs: a colleague is called, a caller given back.
        Child(
            "worker",
            own_command("worker"),
            {"SERVICE_ROLE": "worker", "ENABLE_SCHEDULERS": "true"},
            outlives_others=True,
        ),
    ]


def run(settings: Settings) -> None:
    """Run until stopped."""
    with open_runtime(Command.UP, settings) as runtime:
        # The API lets its calls end, and says goodbye at last; then the worker's own supervisor drains.
        Supervisor(
            children_of_system(),
            upkeep=runtime.upkeep,
            stop_within_s=settings.call_drain_seconds + _GOODBYES_S + _ENDS_WITHIN_S,
            last_within_s=settings.drain_seconds + _ENDS_WITHIN_S,
        ).run()
