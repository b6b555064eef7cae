"""How the embedded servers fare, for `trunkline doctor`. It starts nothing and creates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trunkline.embedded.binaries import installed_version
from trunkline.embedded.layout import SERVER_NAMES, Layout, ServerName
from trunkline.embedded.locks import is_held_alone
from trunkline.embedded.state import read_state


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server. `running`: it has processes; `ready`: it answers; `package`: the installed version."""

    name: ServerName
    package: str | None
    data: Path
    has_data: bool
    running: bool
    ready: bool
    pid: int | None
    restarts: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The installation in one HOME. `keeper_pid` is None where no keeper is alive."""

    folder: Path
    keeper_alive: bool
    keeper_pid: int | None
    servers: tuple[ServerStatus, ...]


def status(home: Path) -> Status:
    """Return how the servers in HOME fare now."""
    layout = Layout.at(home)
    alive = is_held_alone(layout.keeper_lock)
    state = read_state(layout.state) if alive else None

    def server(name: ServerName) -> ServerStatus:
        fared = state["servers"].get(name) if state else None
        return ServerStatus(
            name=name,
            package=installed_version(name),
            data=layout.data(name),
            has_data=layout.data(name).exists(),
            running=is_held_alone(layout.alive_lock(name)),
            ready=is_held_alone(layout.ready_lock(name)),
            pid=fared["pid"] if fared else None,
            restarts=fared["restarts"] if fared else 0,
            failure=fared["failure"] if fared else None,
        )

    return Status(layout.folder, alive, state["pid"] if state else None, tuple(map(server, SERVER_NAMES)))
