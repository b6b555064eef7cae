"""Floor 5: `trunkline sim`: simulated callers for whoever tries an agent, and stand-ins for providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast
from uuid import UUID

import typer
from rich.status import Status
from rich.table import Table
from rich.text import Text

from trunkline.core.errors import StartRefused
from trunkline.sim.words import LANGUAGES, Language, word
from trunkline.terminal import console, plainly, stderr
from trunkline.wiring import Command, open_runtime

sim_app = typer.Typer(help="Simulated callers, and local stand-ins for providers.", no_args_is_help=True)

In = Annotated[str, typer.Option("--language", help="Of what is printed: en or he")]


@sim_app.command("list")
def list_scenarios(language: In = "en") -> None:
    """Name the scenarios that come with Trunkline."""
    from trunkline.sim.scenario import find, library  # noqa: PLC0415 - each command loads only what it needs

    speaks = _language(language)
    table = Table(*(word(term, speaks) for term in ("scenario", "direction", "about")))
    for name in library():
        scenario = find(name)
        note = f" ({word('slow', speaks)})" if scenario.slow else ""
        table.add_row(name, word(scenario.direction, speaks), Text(scenario.about.strip() + note))
    console.print(table)


@sim_app.command("show")
def show_scenario(name: str) -> None:
    """Print a scenario of the library, to begin one's own from."""
    from trunkline.sim.scenario import LIBRARY, library  # noqa: PLC0415

    with plainly():
        if name not in library():
            raise StartRefused(
                f"There is no scenario {name!r} in the library; there is {', '.join(library())}."
            )
    typer.echo((LIBRARY / f"{name}.yaml").read_text(encoding="utf-8"), nl=False)


@sim_app.command("calls")
def hold_calls(  # noqa: PLR0917 - typer reads the options from here
    scenario: Annotated[list[str], typer.Option(help="A file, or a name of `sim list`; may be given again")],
    business: Annotated[UUID | None, typer.Option(help="The business whose agent is tried")] = None,
    agent: Annotated[str | None, typer.Option(help="Its id or name; without, a ready-made one")] = None,
    calls: Annotated[int, typer.Option(min=1, help="Calls of each scenario")] = 1,
    at_once: Annotated[int, typer.Option(min=1, max=100, help="So many of them at a time")] = 1,
    model: Annotated[
        str, typer.Option(help="The language model of the settings that plays callers with a persona")
    ] = "",
    report: Annotated[Path | None, typer.Option(help="Write the results as JSON to this file")] = None,
    language: In = "en",
) -> None:
    """Let simulated callers talk to an agent of the running installation, and grade what comes of it.

    Everything happens in a practice business. The caller of a scenario with a persona is played by a language
    model: openai, anthropic, gemini or own_model, as the settings give it.
    Exit status 1: a grade does not hold.
    """
    from trunkline.sim import report as reports  # noqa: PLC0415
    from trunkline.sim.practice import Model  # noqa: PLC0415
    from trunkline.sim.run import Order, run  # noqa: PLC0415
    from trunkline.sim.scenario import find  # noqa: PLC0415

    speaks = _language(language)
    with plainly() as settings:
        scenarios = tuple(find(name) for name in scenario)
        if (agent is None) != (business is None):
            raise StartRefused("An agent is named with its business: give both --business and --agent.")
        like = Model(business, agent) if business is not None and agent is not None else None
        quiet = settings.model_copy(update={"log_level": "ERROR"})
        with open_runtime(Command.TOOL, quiet), Status("", console=stderr) as status:

            def progress(name: str, going_on: int, over: int) -> None:
                words = f"{name}: {going_on} {word('going_on', speaks)}, {over} {word('over', speaks)}"
                status.update(words)

            held = run(settings, Order(scenarios, like, calls, at_once, model), progress)
    reports.show(console, held, speaks)
    if report is not None:
        report.write_text(
            json.dumps(reports.as_json(held), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        console.print(word("report", speaks, file=report))
    if not all(one.holds for one in held):
        raise typer.Exit(1)


@sim_app.command(
    "carrier",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def sim_carrier(context: typer.Context) -> None:
    """Run the local carrier: Twilio's wire protocol, and simulated people to call. See --help."""
    from trunkline.simulators.carrier import main  # noqa: PLC0415
    from trunkline.simulators.carrier.__main__ import parse  # noqa: PLC0415

    main(parse(context.args), on_ready=_say_where)


def _say_where(base_url: str) -> None:
    typer.echo(f"The local carrier listens at {base_url}. Ctrl-C ends it.")


def _language(given: str) -> Language:
    if given not in LANGUAGES:
        raise typer.BadParameter(f"there is {' and '.join(LANGUAGES)}", param_hint="--language")
    return cast("Language", given)
