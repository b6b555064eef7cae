"""A business at work, a push service with browsers, and a door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.doorway import TestClient, build_app, open_door, sign_in
from support.installation import TOKEN_KEY, Installation
from support.post_office import PostOffice, open_post_office
from support.push_service import OWN_NETWORK, Browser, PushStand, open_push_service, public_key
from support.world import World
from tasks.staff import owner_of
from trunkline import wiring
from trunkline.core.settings import Settings


@pytest.fixture(scope="module")
def push_stand() -> Iterator[PushStand]:
    """A push service."""
    with open_push_service() as stand:
        yield stand


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    """A mail server."""
    with open_post_office(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.fixture
def outside(
    installation: Installation, push_stand: PushStand, post_office: PostOffice
) -> Iterator[PostOffice]:
    """The installation with a way out: mail, and push services on this machine."""
    settings = Settings(
        twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-token", smtp_url=post_office.url,
        mail_from="Agency <calls@agency.example>", private_networks_allowed=OWN_NETWORK,
    )  # fmt: skip
    wiring.register_doors(settings, TOKEN_KEY)
    post_office.empty()
    yield post_office
    wiring.register_doors(
        Settings(twilio_account_sid="AC" + "0" * 32, twilio_auth_token="test-token"), TOKEN_KEY
    )


@pytest.fixture
def browser(outside: PostOffice, push_stand: PushStand, acme: World) -> Browser:
    """The browser on which Acme's owner is told."""
    made = push_stand.browser(public_key(acme))
    made.subscribe(acme, owner_of(acme).user_id)
    return made


@pytest.fixture
def owner(installation: Installation, acme: World, tmp_path: Path) -> Iterator[TestClient]:
    """Acme's owner at the door."""
    with open_door(build_app(spool=tmp_path)) as visitor:
        sign_in(visitor, acme.email)
        yield visitor
