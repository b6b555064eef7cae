"""Floor 5: `trunkline bench`: databases of a busy installation's size."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trunkline.core.access import Role
from trunkline.core.db import of_business, unit_of_work
from trunkline.core.settings import Settings
from trunkline.domain.people import service as people
from trunkline.terminal import console, plainly, stderr
from trunkline.wiring import Command, Runtime, open_runtime

bench_app = typer.Typer(help="Databases to measure and to look at.", no_args_is_help=True)


@bench_app.callback()
def bench() -> None:
    """Databases to measure and to look at."""


@bench_app.command("seed")
def seed(  # noqa: PLR0917 - typer reads the options from here
    leads: Annotated[int, typer.Option(min=1, max=5_000_000, help="Leads of each business")] = 100_000,
    calls: Annotated[int, typer.Option(min=0, max=20_000_000, help="Calls of each business")] = 1_000_000,
    days: Annotated[int, typer.Option(min=1, max=1_000, help="Over how many days, up to now")] = 90,
    runs: Annotated[int, typer.Option(min=0, max=1_000, help="Runs that are over; one a day at most")] = 60,
    run_items: Annotated[int, typer.Option(min=1, help="People called by each of them")] = 2_000,
    turns: Annotated[int, typer.Option(min=0, max=50, help="How often somebody speaks in a call")] = 4,
    businesses: Annotated[int, typer.Option(min=1, max=100)] = 1,
    time_zone: Annotated[str, typer.Option(help="Of the businesses; IANA name")] = "Asia/Jerusalem",
    seed: Annotated[int, typer.Option(min=0, max=1_000_000, help="Equal seeds make equal calls")] = 1,
    password: Annotated[
        str | None, typer.Option(help="Let an owner in: owner@bench-SEED-N.example, with this password")
    ] = None,
    beside_others: Annotated[
        bool, typer.Option("--beside-others", help="Also where other businesses have calls")
    ] = False,
) -> None:
    """Fill a database with businesses that have been calling for months; nobody is called.

    It goes on where it was broken off if it is asked for the same again. To be rid of it all, use a
    database of its own and drop that.
    """
    from trunkline.bench.plan import Volume  # noqa: PLC0415 - each command loads only what it needs
    from trunkline.bench.seed import Seeding, check, counted, fill, settle  # noqa: PLC0415

    volume = Volume(leads, calls, days, min(runs, days), run_items, turns)
    seeding = Seeding(volume, seed, businesses, time_zone, beside_others)
    began = time.monotonic()
    with plainly() as settings, open_runtime(Command.TOOL, settings) as runtime:
        check(seeding)
        for number in range(1, businesses + 1):
            with _bar() as bar:
                task = bar.add_task(f"Bench {seed}-{number}", total=calls)
                business_id = fill(seeding, number, partial(bar.advance, task))
            if password is not None:
                _let_in(business_id, f"owner@bench-{seed}-{number}.example", password)
            there = counted(business_id)
            stderr.print(f"{there['leads']} leads, {there['calls']} calls.")
            console.print(str(business_id))
        if (owner_url := _owner_url(settings, runtime)) is not None:
            settle(owner_url)
        stderr.print(f"{time.monotonic() - began:.0f} s.")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=stderr,
    )  # fmt: skip


def _owner_url(settings: Settings, runtime: Runtime) -> str | None:
    """Return the owner's address, where this process knows it: tables are settled by nobody else."""
    if settings.database_owner_url is not None:
        return settings.database_owner_url.get_secret_value()
    return None if runtime.hold is None else runtime.hold.urls.database_owner_url


def _let_in(business_id: UUID, email: str, password: str) -> None:
    with unit_of_work(of_business(business_id)) as session:
        if email in {user.email for user in people.list_users(session, business_id)}:
            return
        people.create_user(
            session, business_id=business_id, email=email, name="Owner", password=password, role=Role.OWNER,
            actor="bench",
        )  # fmt: skip
