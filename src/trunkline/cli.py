"""Floor 5: the command line. Parses, refuses in one sentence, and hands over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from trunkline import __version__
from trunkline.bench_cli import bench_app
from trunkline.core import shared_secrets, vault
from trunkline.core.access import Role
from trunkline.core.db import SYSTEM, of_business, unit_of_work
from trunkline.domain.inbox import accounts as chat_accounts
from trunkline.domain.people import resets
from trunkline.domain.people import service as people
from trunkline.domain.tenants import service as tenants
from trunkline.jobs_cli import jobs_app
from trunkline.kit.loading import loading
from trunkline.sim_cli import sim_app
from trunkline.terminal import console, plainly, stderr
from trunkline.wiring import Command, open_runtime

app = typer.Typer(
    help="Trunkline: a self-hosted, multi-tenant AI call centre.", no_args_is_help=True, add_completion=False
)
user_app = typer.Typer(help="People who can sign in.", no_args_is_help=True)
vault_app = typer.Typer(help="Businesses' own keys at providers.", no_args_is_help=True)
business_app = typer.Typer(help="Businesses, the tenants of this installation.", no_args_is_help=True)
app.add_typer(user_app, name="user")
app.add_typer(business_app, name="business")
app.add_typer(vault_app, name="vault")
app.add_typer(jobs_app, name="jobs")
app.add_typer(sim_app, name="sim")
app.add_typer(bench_app, name="bench")


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


@app.command()
def openapi() -> None:
    """Print the description of the API that clients are generated from."""
    with loading():
        from trunkline.web.app import describe_api  # noqa: PLC0415

    json.dump(describe_api(), sys.stdout, indent=2)
    sys.stdout.write("\n")


@app.command()
def up() -> None:
    """Run the whole system: one API process and the workers, with schedulers."""
    with loading():
        from trunkline import up as whole  # noqa: PLC0415 - each command loads only what it needs

    with plainly() as settings:
        whole.run(settings)


@app.command()
def api() -> None:
    """Serve HTTP and live calls; background work is only enqueued."""
    with loading():
        from trunkline import asgi  # noqa: PLC0415

    with plainly() as settings:
        asgi.serve(Command.API, settings)


@app.command()
def calls() -> None:
    """Serve live calls and carrier hooks alone."""
    with loading():
        from trunkline import asgi  # noqa: PLC0415

    with plainly() as settings:
        asgi.serve(Command.CALLS, settings)


@app.command()
def worker(
    child: Annotated[bool, typer.Option("--child", hidden=True, help="Be one process of a worker")] = False,
) -> None:
    """Execute background work."""
    with loading():
        from trunkline import worker as workers  # noqa: PLC0415

    with plainly() as settings:
        (workers.work if child else workers.supervise)(settings)


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date; safe to run any number of times."""
    with plainly() as settings, open_runtime(Command.TOOL, settings, wait_for_schema_s=0):
        console.print("The schema is current.")


@app.command()
def doctor(
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that makes the database roles")] = False,
) -> None:
    """Say what is missing on this machine and how to mend it; starts nothing."""
    with loading():
        from trunkline import doctor as practice  # noqa: PLC0415

    with plainly() as settings:
        practice.run(settings, with_sql=sql)


@app.command()
def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="End when the calls are over")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the results as JSON to this file")] = None,
    muted: Annotated[bool, typer.Option("--muted", help="Simulated people make no sound")] = False,
    port: Annotated[int, typer.Option(help="Port of the dashboard")] = 8000,
) -> None:
    """Run real spoken calls between the local carrier's simulated people and two businesses' agents."""
    with loading():
        from trunkline import demo as show  # noqa: PLC0415

    with plainly() as settings:
        show.run(settings, show.DemoOptions(exit_when_done=exit_, report=report, muted=muted, port=port))


@business_app.command("create")
def create_business(
    name: str,
    time_zone: Annotated[str, typer.Option(help="IANA name")] = "UTC",
    language: Annotated[str, typer.Option(help="en or he")] = "en",
    region: Annotated[
        str | None,
        typer.Option(help="Country whose form of telephone numbers is used; if not given, the time zone's"),
    ] = None,
) -> None:
    """Found a business and print its id."""
    with plainly() as settings, open_runtime(Command.TOOL, settings), unit_of_work(SYSTEM) as session:
        business = tenants.create_business(
            session, name=name, time_zone=time_zone, language=language, region=region, actor="cli"
        )
        if region is None:
            # Beside the id, which a script reads.
            stderr.print(f"Telephone numbers are read as in {business.region}; --region chooses another.")
        console.print(str(business.id))


@user_app.command("create")
def create_user(
    email: str,
    # With a default, if only "", the question would show it in brackets.
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    business: Annotated[UUID | None, typer.Option(help="Its id; without one, a system admin")] = None,
    role: Annotated[Role, typer.Option(help="What they may do in the business")] = Role.OWNER,
    name: Annotated[str, typer.Option(help="How they are called")] = "",
) -> None:
    """Let a person in."""
    scope = SYSTEM if business is None else of_business(business)
    with plainly() as settings, open_runtime(Command.TOOL, settings), unit_of_work(scope) as session:
        if business is not None:
            tenants.get_business(session, business)
        people.create_user(
            session,
            business_id=business,
            email=email,
            name=name or email.split("@", 1)[0],
            password=password,
            role=None if business is None else role,
            actor="cli",
        )
        console.print(f"{email} can sign in.")


@user_app.command("reset-link")
def make_reset_link(email: str) -> None:
    """Print a link by which a person chooses a new password: once, within an hour."""
    with plainly() as settings, open_runtime(Command.TOOL, settings):
        link = resets.link_for(email)
        console.print(link, soft_wrap=True)


@vault_app.command("new-key")
def print_vault_key() -> None:
    """Print a fresh key for VAULT_KEY."""
    console.print(vault.new_key())


@vault_app.command("reseal")
def reseal_vault() -> None:
    """Seal every business's keys, and our own, under VAULT_KEY, with VAULT_OLD_KEYS to open them."""
    with plainly() as settings, open_runtime(Command.TOOL, settings):
        with unit_of_work(SYSTEM) as session:
            businesses = [business.id for business in tenants.list_businesses(session)]
            resealed = vault.reseal_installation(session)
        for business_id in businesses:
            with unit_of_work(of_business(business_id)) as session:
                resealed += vault.reseal(session, business_id)
                resealed += shared_secrets.reseal(session, business_id)
                resealed += chat_accounts.reseal(session, business_id)
        console.print(f"{resealed} keys sealed anew, in {len(businesses)} businesses.")


if __name__ == "__main__":
    app()
