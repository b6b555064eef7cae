"""Running the demo: brings up the system and the carrier, lets the calls happen, and reckons up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live

from trunkline.core.errors import StartRefused
from trunkline.core.settings import Settings, load_settings
from trunkline.demo import watch
from trunkline.demo.cast import BUSINESSES, NOBODYS_NUMBER
from trunkline.demo.client import BusinessClient
from trunkline.demo.report import reckon
from trunkline.demo.seed import Seeded, seed
from trunkline.embedded import default_home, status
from trunkline.supervisor import Child, Supervisor
from trunkline.up import children_of_system
from trunkline.wiring import Command, open_runtime

_START_WITHIN_S = 60.0
_OVER_WITHIN_S = 330.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asked for."""

    exit_when_done: bool
    report: Path | None
    muted: bool
    port: int


def run(settings: Settings, options: DemoOptions) -> None:
    """Run the demo. Exits with 1 if what it shows is not sound."""
    console = Console()
    home = (settings.trunkline_home or default_home()) / "demo"
    _start_afresh(home)
    environment = _environment(home, options)
    os.environ.update(environment)
    for name in ("DATABASE_URL", "DATABASE_RELAY_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SERVICE_ROLE"):
        os.environ.pop(name, None)
    began = time.monotonic()
    with ExitStack() as stack:
        console.print("Starting PostgreSQL and Valkey, making the schema, founding two businesses ...")
        runtime = stack.enter_context(
            open_runtime(Command.TOOL, load_settings(log_format="console", log_level="WARNING"))
        )
        seeded = seed()
        supervisor = Supervisor(_children(home, environment, options), upkeep=runtime.upkeep)
        stack.callback(supervisor.stop)
        supervisor.start()
        base_url = environment["PUBLIC_URL"]
        _wait_until_up(base_url, environment["TWILIO_BASE_URL"], home)
        clients = [_client(base_url, row, stack) for row in seeded]
        carrier = stack.enter_context(httpx.Client(base_url=environment["TWILIO_BASE_URL"], timeout=10))
        _show_way_in(console, base_url, seeded)
        finished = _let_it_happen(console, clients, carrier, supervisor)
        report = reckon(clients, carrier.get("/sim/book").json(), nobodys_number=NOBODYS_NUMBER)
        report.wall_seconds = round(time.monotonic() - began, 1)
        watch.show_outcome(console, clients, report)
        if options.report is not None:
            options.report.write_text(json.dumps(report.as_json(), indent=2) + "\n")
            console.print(f"The results are in {options.report}.")
        if not options.exit_when_done and finished:
            _show_way_in(console, base_url, seeded)
            console.print("Ctrl-C ends the demo.")
            supervisor.run()
    if not (finished and report.is_sound):
        console.print(f"[red]The demo did not end well[/]; the processes' logs are in {home / 'logs'}.")
        sys.exit(1)


def _let_it_happen(
    console: Console, clients: list[BusinessClient], carrier: httpx.Client, supervisor: Supervisor
) -> bool:
    """Start the runs, let people call, and watch until all is over. False: cut short."""
    for client in clients:
        client.sign_in()
        client.import_and_start()
    _let_people_call(carrier)
    deadline = time.monotonic() + _OVER_WITHIN_S
    try:
        with Live(console=console, refresh_per_second=4) as live:
            while time.monotonic() < deadline:
                supervisor.look()
                shown, over = watch.progress(clients)
                live.update(shown)
                if over:
                    return True
                time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        console.print("Cut short; this is what came of it so far.")
        return False
    console.print(f"[red]The calls were not over after {_OVER_WITHIN_S:g} s.[/]")
    return False


def _let_people_call(carrier: httpx.Client) -> None:
    """Let the callers phone in, all at once, and one of them a number that nobody has."""
    for business in BUSINESSES:
        for person in business.callers:
            body = {"from": person.number, "to": business.number, "persona": person.persona}
            carrier.post("/sim/calls", json=body).raise_for_status()
    stranger = {"from": "+14155550100", "to": NOBODYS_NUMBER, "persona": "interested"}
    carrier.post("/sim/calls", json=stranger).raise_for_status()


def _start_afresh(home: Path) -> None:
    """Take away what an earlier demo left, unless it is still running."""
    if not home.exists():
        return
    found = status(home)
    if found.keeper_alive or any(server.running for server in found.servers):
        raise StartRefused("A demo is running already on this machine's account; end it first.")
    shutil.rmtree(home)


def _environment(home: Path, options: DemoOptions) -> dict[str, str]:
    """Return the settings that make the system call through the local carrier."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        carrier_port = probe.getsockname()[1]
    return {
        "TRUNKLINE_HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": str(options.port),
        "PUBLIC_URL": f"http://127.0.0.1:{options.port}",
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
        "TWILIO_BASE_URL": f"http://127.0.0.1:{carrier_port}",
        "LOG_FORMAT": "json",
    }


def _children(home: Path, environment: dict[str, str], options: DemoOptions) -> list[Child]:
    """Return the system's processes and the carrier's."""
    people = home / "people.json"
    people.write_text(json.dumps(_people_file(environment["PUBLIC_URL"])))
    port = environment["TWILIO_BASE_URL"].rsplit(":", 1)[1]
    command = [sys.executable, "-m", "trunkline.simulators.carrier", "--port", port, "--people", str(people)]
    carrier = Child("carrier", [*command, "--muted"] if options.muted else command)
    children = [carrier, *children_of_system()]
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for child in children:
        child.log = logs / f"{child.name}.log"
    return children


def _people_file(public_url: str) -> dict[str, Any]:
    webhooks = {
        "voice_url": f"{public_url}/hooks/carrier/inbound/answer",
        "status_url": f"{public_url}/hooks/carrier/inbound/status",
    }
    numbers = [*(business.number for business in BUSINESSES), NOBODYS_NUMBER]
    return {
        "people": [
            {"number": person.number, "persona": person.persona}
            for business in BUSINESSES
            for person in business.leads
        ],
        "numbers": [{"number": number, **webhooks} for number in numbers],
    }


def _wait_until_up(base_url: str, carrier_url: str, home: Path) -> None:
    """Wait until the API is ready and the carrier answers. Raises StartRefused that names the logs."""
    deadline = time.monotonic() + _START_WITHIN_S
    for check in (
        lambda: httpx.get(f"{base_url}/ready", timeout=2).status_code == httpx.codes.OK,
        lambda: httpx.get(f"{carrier_url}/sim/book", timeout=2).status_code == httpx.codes.OK,
    ):
        while not _answers(check):
            if time.monotonic() > deadline:
                raise StartRefused(f"The system did not come up; its logs are in {home / 'logs'}.")
            time.sleep(0.2)


def _answers(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except httpx.TransportError:
        return False


def _client(base_url: str, row: Seeded, stack: ExitStack) -> BusinessClient:
    client = BusinessClient(base_url, row)
    stack.callback(client.close)
    return client


def _show_way_in(console: Console, base_url: str, seeded: list[Seeded]) -> None:
    console.print(f"\nThe dashboard is at {base_url}/ and the API's documentation at {base_url}/docs.")
    for row in seeded:
        # On two lines: on one, a terminal of 80 columns would part the password from its name.
        console.print(f"Sign in to {row.cast.name}:\n  {row.cast.email}, password {row.password}")
