"""Two settled businesses, once a module, and the connections of those who look at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from isolation.peering import connected, url_of
from isolation.population import Town, populate
from support.installation import Installation, administrator_url
from trunkline.domain.outbound import tending


@pytest.fixture(scope="module")
def town(servers: Installation) -> Town:
    """Two businesses with rows in every table. Tests of a module leave the rows as they found them."""
    made = populate(servers)
    # As every application does that starts; what it enqueues is there before anybody looks.
    tending.ask_about_live_calls()
    return made


@pytest.fixture(scope="module")
def administrator(servers: Installation) -> Iterator[psycopg.Connection[Any]]:
    """The server's superuser, who sees what is there. Commits by itself."""
    with connected(administrator_url(servers.urls)) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def app(servers: Installation) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the application role, with no scope."""
    with connected(url_of(servers, "app")) as connection:
        yield connection


@pytest.fixture
def relay(servers: Installation) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the relay role."""
    with connected(url_of(servers, "relay")) as connection:
        yield connection
