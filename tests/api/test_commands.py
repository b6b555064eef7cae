"""Commands of the terminal: what cannot be done is one sentence and exit status 1."""

from __future__ import annotations

from sqlalchemy import make_url

from support.commands import trunkline
from support.installation import Installation
from support.world import PASSWORD, World
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
