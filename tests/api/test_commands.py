"""Commands of the terminal: what cannot be done is one sentence and exit status 1."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from support.commands import trunkline
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.cli import app
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.domain.tenants import service as tenants
from trunkline.kit.ids import new_id


def create_user(installation: Installation, email: str, business: object) -> tuple[int, str, str]:
    return trunkline(
        installation, "user", "create", email, "--business", str(business), "--password", PASSWORD
    )


def test_a_person_of_a_business_that_is_not_there_is_refused(acme: World, installation: Installation) -> None:
    status, _, said = create_user(installation, "a@nowhere.example", new_id())
    assert (status, said) == (1, "trunkline: There is no such business.")
    status, said, _ = create_user(installation, "a@acme.example", acme.business_id)
    assert (status, said) == (0, "a@acme.example can sign in.")


def test_the_password_is_asked_for_without_a_proposal() -> None:
    asked = CliRunner().invoke(app, ["user", "create", "a@acme.example"], input="")
    assert asked.output.startswith("Password: ")


@pytest.mark.parametrize(
    ("options", "region"),
    [
        (("--time-zone", "Asia/Jerusalem"), "IL"),
        (("--time-zone", "Asia/Jerusalem", "--region", "FR"), "FR"),
        (("--time-zone", "America/New_York"), "US"),
        # No country is that of UTC, and Antarctica has no numbers of its own.
        ((), "US"),
        (("--time-zone", "Antarctica/Troll"), "US"),
    ],
)
def test_a_business_reads_numbers_as_where_it_is(
    options: tuple[str, ...], region: str, installation: Installation
) -> None:
    status, said, aside = trunkline(installation, "business", "create", "Bakery", *options)
    assert status == 0, aside
    with unit_of_work(SYSTEM) as session:
        (business,) = tenants.list_businesses(session)
    # What a script reads is the id alone; the person is told which country was taken.
    assert (business.region, str(business.id)) == (region, said)
    assert ("--region" in options) != (f"read as in {region};" in aside)


def test_a_server_that_does_not_let_the_schema_be_made_is_told_in_a_sentence(
    installation: Installation,
) -> None:
    # A database of somebody else's, where our roles own nothing.
    elsewhere = make_url(installation.urls.database_url or "").set(database="postgres")
    status, _, said = trunkline(
        installation, "migrate", DATABASE_OWNER_URL=elsewhere.render_as_string(hide_password=False)
    )
    assert status == 1
    assert said.startswith("trunkline: The schema cannot be made: permission denied")
    assert said.endswith("`trunkline doctor --sql` prints the SQL that makes the roles.")
    assert len(said.splitlines()) == 1


def test_a_wrong_setting_ends_a_command_with_a_sentence(installation: Installation) -> None:
    status, _, said = trunkline(installation, "migrate", DATABASE_URL="foo")
    assert status == 1
    assert said.startswith("trunkline: A setting is wrong: DATABASE_URL must be an address")


def test_a_scenario_that_is_not_in_the_library_is_refused_in_a_sentence(
    installation: Installation, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("about: One of somebody's own.\n")
    for name in ("nosuch", str(own)):
        status, said, complaint = trunkline(installation, "sim", "show", name)
        assert (status, said) == (1, "")
        assert complaint.startswith(f"trunkline: There is no scenario {name!r} in the library; there is ")
        assert len(complaint.splitlines()) == 1


async def test_the_local_carrier_says_where_it_listens() -> None:
    options = ("sim", "carrier", "--port", "0", "--account-sid", "AC1", "--auth-token", "secret")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trunkline", *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            said = (await process.stdout.readline()).decode()
        assert re.search(r"listens at http://127\.0\.0\.1:\d+\. ", said), said
    finally:
        process.terminate()
        await process.wait()
