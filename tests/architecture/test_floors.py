"""The floors of the house: the import contracts of pyproject.toml hold, and each of them can break."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

ROOT = Path(__file__).parents[2]

MODELS_OF_OTHERS = {
    ("agents.checks", "tenants.extensions"),
    ("agents.checks", "tenants.models"),
    ("appointments.automation_schemas", "tenants.schemas"),
    ("appointments.booking", "tenants.models"),
    ("appointments.calendar", "tenants.models"),
    ("appointments.calendars", "tenants.models"),
    ("appointments.channels", "leads.models"),
    ("appointments.channels", "outbound.options"),
    ("appointments.channels", "tenants.models"),
    ("appointments.customers", "tenants.models"),
    ("appointments.schemas", "tenants.calling_rules"),
    ("appointments.schemas", "tenants.schemas"),
    ("appointments.sending", "tenants.models"),
    ("appointments.service", "tenants.models"),
    ("appointments.slots", "tenants.models"),
    ("appointments.tools", "tenants.models"),
    ("broadcasts.results", "leads.movers"),
    ("broadcasts.schemas", "leads.selection_schemas"),
    ("broadcasts.service", "leads.selection"),
    ("broadcasts.wording", "leads.models"),
    ("control.answers", "calls.models"),
    ("control.places", "calls.models"),
    ("control.places", "calls.tickets"),
    ("control.rules", "calls.models"),
    ("control.service", "calls.models"),
    ("control.service", "tenants.extensions"),
    ("control.store", "calls.models"),
    ("control.tending", "calls.models"),
    ("control.undoing", "calls.models"),
    ("control.warm", "calls.models"),
    ("outbound.callbacks", "leads.selection"),
    ("outbound.claim", "tenants.calling_rules"),
    ("outbound.claim", "tenants.models"),
    ("outbound.hearing", "calls.models"),
    ("outbound.hours", "tenants.calling_rules"),
    ("outbound.outlook", "leads.selection"),
    ("outbound.outlook", "tenants.calling_rules"),
    ("outbound.outlook", "tenants.models"),
    ("outbound.outlook_routes", "leads.selection_schemas"),
    ("outbound.schemas", "leads.selection_schemas"),
    ("outbound.service", "leads.selection"),
    ("outbound.suppression_lists", "leads.readers"),
}
"""Where a domain takes another one's rows by type, data that says whom or when, or reads a file as the other
does; all else goes through its `service`."""

FORBIDDEN = [
    ("floors", "kit.clock", "core.errors"),
    ("floors", "kit.clock", "providers.ports"),
    ("floors", "providers.twilio.rest", "core.errors"),
    ("floors", "core.db", "domain.leads.models"),
    ("floors", "core.jobs.ledger", "media.frames"),
    ("floors", "core.tenancy", "schema"),
    ("floors", "domain.leads.service", "web.gate"),
    ("floors", "domain.calls.service", "media.session"),
    ("floors", "media.session", "domain.calls.service"),
    ("floors", "web.app", "wiring"),
    ("floors", "web.app", "simulators.carrier.server"),
    ("floors", "web.health", "embedded.hold"),
    ("floors", "wiring", "cli"),
    ("ports", "core.registry", "providers.twilio.carrier"),
    ("ports", "domain.outbound.jobs", "providers.scripted.brain"),
    ("ports", "media.session", "providers.local_speech.stt"),
    ("clean-room", "media.scribe", "core.jobs.service"),
    ("clean-room", "media.session", "core.db"),
    ("simulators", "simulators.carrier.book", "core.settings"),
    ("simulators", "simulators.carrier.book", "media.frames"),
    ("embedded", "embedded.hold", "core.errors"),
    ("embedded", "embedded.hold", "providers.ports"),
    ("domains", "tenants.service", "people.service"),
    ("domains", "leads.service", "outbound.service"),
    ("domains", "agents.service", "calls.service"),
]
"""Contract, importer, imported: imports of modules that are there, none of which may be made."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Who imports whom, in the code as it is."""
    return grimp.build_graph("trunkline", cache_dir=None)


@pytest.fixture(scope="module")
def contracts() -> dict[str, Contract]:
    """The contracts of pyproject.toml by id."""
    configure()
    read = read_configuration(str(ROOT / "pyproject.toml"))
    kinds = {"layers": LayersContract, "forbidden": ForbiddenContract}
    return {
        options["id"]: kinds[options["type"]](
            name=options["name"], session_options=read["session_options"], contract_options=options
        )
        for options in read["contracts_options"]
    }


def keeps(contract: Contract, graph: grimp.ImportGraph) -> bool:
    """Check a contract on a copy of the graph, which it may change."""
    return bool(contract.check(deepcopy(graph), verbose=False).kept)


def test_every_floor_is_kept(contracts: dict[str, Contract], graph: grimp.ImportGraph) -> None:
    assert [name for name, contract in contracts.items() if not keeps(contract, graph)] == []


@pytest.mark.parametrize(("name", "importer", "imported"), FORBIDDEN)
def test_a_skipped_floor_is_seen(
    name: str, importer: str, imported: str, contracts: dict[str, Contract], graph: grimp.ImportGraph
) -> None:
    prefix = "trunkline.domain" if name == "domains" else "trunkline"
    changed = deepcopy(graph)
    ends = [f"{prefix}.{importer}", f"{prefix}.{imported}"]
    assert set(ends) <= changed.modules, "the example names a module that is gone"
    changed.add_import(importer=ends[0], imported=ends[1])
    assert not keeps(contracts[name], changed)


def test_every_contract_has_an_example_that_breaks_it(contracts: dict[str, Contract]) -> None:
    assert {name for name, _, _ in FORBIDDEN} == set(contracts)


@pytest.mark.parametrize("newcomer", ["trunkline.attic", "trunkline.domain.gossip"])
def test_a_room_that_the_map_does_not_name_is_seen(
    newcomer: str, contracts: dict[str, Contract], graph: grimp.ImportGraph
) -> None:
    changed = deepcopy(graph)
    changed.add_module(newcomer)
    assert not keeps(contracts["domains" if ".domain." in newcomer else "floors"], changed)


def test_the_linter_itself_reddens_on_a_copy_of_the_package(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "src/trunkline", tmp_path / "trunkline", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    clock = tmp_path / "trunkline/kit/clock.py"
    clock.write_text(clock.read_text() + "\nfrom trunkline.web import gate\n")
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert re.search(r"Each floor imports only those below it\s+BROKEN", ended.stdout)
    assert re.search(r"trunkline\.kit\.clock\s*->\s*trunkline\.web\.gate", ended.stdout)


def test_domains_speak_to_each_other_s_services(graph: grimp.ImportGraph) -> None:
    past_the_door = set()
    for module in graph.find_descendants("trunkline.domain"):
        for imported in graph.find_modules_directly_imported_by(module):
            if not imported.startswith("trunkline.domain."):
                continue
            ours, theirs = (name.removeprefix("trunkline.domain.").split(".") for name in (module, imported))
            if ours[0] != theirs[0] and theirs[1:] != ["service"]:
                past_the_door.add((".".join(ours), ".".join(theirs)))
    assert past_the_door == MODELS_OF_OTHERS
