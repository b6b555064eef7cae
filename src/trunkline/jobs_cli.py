"""Floor 5: `trunkline jobs`, for whoever runs the installation.

A list speaks in one scope, a business's or the system's. What is named by its id is looked for among
all as the relay, which tells whose it is and nothing else; the rest happens in that scope.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from trunkline.core.db import SYSTEM, Scope, of_business, unit_of_work
from trunkline.core.errors import InvalidInput, NotFound
from trunkline.core.events import announce
from trunkline.core.jobs import overview, service, views
from trunkline.core.jobs.models import JobState
from trunkline.core.jobs.views import Filters, JobView
from trunkline.core.recurring import service as recurring
from trunkline.domain.tenants import service as tenants
from trunkline.terminal import console, plainly
from trunkline.wiring import Command, Runtime, open_runtime

jobs_app = typer.Typer(help="Background work.", no_args_is_help=True)

Business = Annotated[UUID | None, typer.Option(help="Its id; without one, the system's own jobs")]
Queue = Annotated[str | None, typer.Option(help="Of this queue alone")]
Name = Annotated[str | None, typer.Option(help="Of this handler alone")]
Run = Annotated[UUID | None, typer.Option(help="Of this run alone")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs")]
JobId = Annotated[UUID, typer.Argument(help="The job's id")]

_ACTOR = "cli"


@jobs_app.command("stats")
def show_stats(as_json: AsJson = False) -> None:
    """Show how many jobs stand where, by queue, over all businesses."""
    with _opened() as (_, relay), relay.connect() as connection:
        depths = overview.by_queue(overview.depths(connection))
        ends = overview.ends_by_queue(overview.ended(connection))
    if as_json:
        _print_json({"queues": {queue: asdict(here) for queue, here in depths.items()}, "ended": ends})
        return
    if not depths and not ends:
        console.print("The ledger is empty.")
        return
    table = _table("queue", "ready", "scheduled", "running", "dead", "oldest", "succeeded", "failed")
    for queue in sorted(depths.keys() | ends.keys()):
        here, over = depths.get(queue, views.Depth()), ends.get(queue, {})
        table.add_row(
            queue, str(here.ready), str(here.scheduled), str(here.running), str(here.dead),
            _length(here.oldest_ready_s), str(over.get("succeeded", 0)), str(over.get("failed", 0)),
        )  # fmt: skip
    console.print(table)


@jobs_app.command("list")
def list_jobs(
    *,
    business: Business = None,
    queue: Queue = None,
    state: Annotated[JobState | None, typer.Option(help="In this state alone")] = None,
    name: Name = None,
    run: Run = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first")] = 20,
    as_json: AsJson = False,
) -> None:
    """List a business's jobs, newest first; without --business, the system's own."""
    filters = Filters(queue=queue, state=state, name=name, run_id=run)
    with _opened() as (_, relay):
        with relay.connect() as connection:
            queues = overview.queue_names(connection)
        with _scoped(business) as (scope, session):
            page = views.page(session, scope, filters, queues=queues, before=None, limit=limit)
    if as_json:
        _print_json([asdict(job) | {"error": job.error_line} for job in page.jobs])
        return
    if business is None:
        console.print("The system's own jobs; --business shows those of a business.")
    if not page.jobs:
        console.print(
            "There is no such job." if page.next is None else "None of the newest jobs is such a one."
        )
        return
    table = _table("id", "job", "queue", "state", "attempt", "waited", "ran", "error")
    for job in page.jobs:
        table.add_row(
            str(job.id), job.name, job.queue, _state(job), f"{job.attempt}/{job.max_attempts}",
            _length(job.waited_s), _length(job.ran_s), Text(job.error_line or ""),
        )  # fmt: skip
    console.print(table)


@jobs_app.command("show")
def show_job(
    job_id: JobId,
    arguments: Annotated[
        bool, typer.Option("--arguments", help="Its arguments too, which may tell of people")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show one job with the trace of its failure."""
    with _opened() as (_, relay), _scope_of(relay, job_id) as (scope, session):
        job = views.one(session, scope, job_id)
    facts = {name: value for name, value in asdict(job).items() if name != "args" or arguments}
    if as_json:
        _print_json(facts)
        return
    for name, value in facts.items():
        if name != "error" and value is not None:
            console.print(Text(f"{name:20}"), Text(_told(value)), soft_wrap=True)
    if job.error:
        console.print(Text(job.error), soft_wrap=True)


@jobs_app.command("retry")
def retry_jobs(
    *,
    job_id: Annotated[
        UUID | None, typer.Argument(help="The job's id; without one, --all or a filter")
    ] = None,
    business: Business = None,
    queue: Queue = None,
    name: Name = None,
    run: Run = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dead job of the scope, 1000 at most")] = False,
) -> None:
    """Send dead jobs back to their queues, with their attempts counted anew."""
    with _opened() as (_, relay):
        if job_id is not None:
            with _scope_of(relay, job_id):
                service.retry_job(job_id)
                announce("job.retried", subject_id=job_id, actor=_ACTOR)
            console.print("The job is queued again.")
            return
        if not (all_ or queue or name or run):
            raise InvalidInput("Say which: a job's id, --queue, --name, --run or --all.")
        with _scoped(business):
            retried = service.retry_jobs(queue=queue, name=name, run_id=run)
            if retried:
                announce("jobs.retried", subject_id=run, actor=_ACTOR, retried=retried)
        console.print(f"{retried} dead jobs are queued again.")


@jobs_app.command("cancel")
def cancel_job(
    job_id: JobId,
    force: Annotated[bool, typer.Option("--force", help="Stop a running job at once")] = False,
) -> None:
    """Cancel a queued job, or ask a running one to stop; half a minute later it is stopped by force."""
    with _opened() as (_, relay), _scope_of(relay, job_id):
        state = service.cancel_job(job_id, force=force)
        announce("job.cancelled", subject_id=job_id, actor=_ACTOR, force=force)
    console.print("The job is cancelled." if state is JobState.CANCELLED else "The job was told to stop.")


@jobs_app.command("workers")
def show_workers(as_json: AsJson = False) -> None:
    """Show the worker processes and what each does."""
    with _opened() as (_, relay), relay.connect() as connection:
        found = overview.workers(connection)
    if as_json:
        _print_json([asdict(worker) for worker in found])
        return
    if not found:
        console.print("No worker runs.")
        return
    table = _table("host", "pid", "state", "job", "jobs run", "memory", "heard from", "queues")
    for worker in found:
        table.add_row(
            worker.host, str(worker.pid), worker.state, worker.job_name or "", str(worker.jobs_run),
            f"{worker.rss_bytes / 2**20:.0f} MiB", f"{_length(worker.silent_s)} ago",
            ", ".join(worker.queues),
        )  # fmt: skip
    console.print(table)


@jobs_app.command("schedules")
def show_schedules(as_json: AsJson = False) -> None:
    """Show the recurring jobs: when each fires, how often it has, and what was missed."""
    with _opened(), unit_of_work(SYSTEM) as session:
        found = recurring.standing(session)
    if as_json:
        _print_json([asdict(entry) for entry in found])
        return
    table = _table(
        "job", "queue", "fires", "missed ticks", "last fired", "next", "fired", "missed", "overdue"
    )
    for entry in found:
        table.add_row(
            entry.name, entry.queue, entry.rule, entry.misfire, _told(entry.fired_at or ""),
            _told(entry.next_tick), str(entry.fired), str(entry.missed), str(entry.overdue),
        )  # fmt: skip
    console.print(table)


@contextmanager
def _opened() -> Iterator[tuple[Runtime, Engine]]:
    with plainly() as settings, open_runtime(Command.TOOL, settings) as runtime:
        assert runtime.database.relay is not None  # every process has one
        yield runtime, runtime.database.relay


@contextmanager
def _scoped(business_id: UUID | None) -> Iterator[tuple[Scope, Session]]:
    """Open a transaction for a business, or for the system. Raises NotFound."""
    scope = SYSTEM if business_id is None else of_business(business_id)
    with unit_of_work(scope) as session:
        if business_id is not None:
            tenants.get_business(session, business_id)
        yield scope, session


@contextmanager
def _scope_of(relay: Engine, job_id: UUID) -> Iterator[tuple[Scope, Session]]:
    """Open a transaction for whoever a job belongs to. Raises NotFound."""
    with relay.connect() as connection:
        is_there, business_id = overview.business_of(connection, job_id)
    if not is_there:
        raise NotFound("There is no such job.")
    with _scoped(business_id) as scoped:
        yield scoped


def _state(job: JobView) -> str:
    if job.scheduled:
        return "scheduled"
    return "stopping" if job.state is JobState.RUNNING and job.cancel_requested_at else job.state.value


def _table(*columns: str) -> Table:
    return Table(*(column for column in columns))


def _length(seconds: float | None) -> str:
    """Return a length of time as a person reads it: 12 ms, 3.4 s, 2:05:00."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _told(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return json.dumps(value, default=str) if isinstance(value, Mapping) else str(value)


def _print_json(value: Any) -> None:
    console.print(json.dumps(value, default=str), soft_wrap=True, highlight=False, markup=False)
