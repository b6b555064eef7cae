"""Any process may be killed at any time: the others go on, at the same addresses, and nothing is lost."""

from __future__ import annotations

import os
import signal

import psycopg
from embedded_house import House, User, answers, eventually, get_key, kill, put_key, sql

from trunkline.embedded import status


def _remember(user: User, word: str) -> None:
    owner = user.urls.database_owner_url
    sql(owner, "create table if not exists words (word text)")
    sql(owner, f"insert into words values ('{word}')")
    put_key(user.urls, word, word)


def _assert_remembered(user: User, word: str) -> None:
    assert sql(user.urls.database_owner_url, f"select word from words where word = '{word}'") == [(word,)]
    assert get_key(user.urls, word) == word


def test_postgres_is_killed(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    _remember(resident, "postgres")
    victim = house.pid_of("postgres")
    kill(victim)
    eventually(lambda: house.pid_of("postgres") not in (0, victim), "PostgreSQL is back")
    _assert_remembered(resident, "postgres")
    assert status(house.path).servers[0].restarts == 1


def test_postgres_is_killed_under_a_query_that_does_not_notice(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    victim = house.pid_of("postgres")
    busy = psycopg.pq.PGconn.connect(resident.urls.database_url.encode())
    try:
        busy.send_query(b"select count(*) from generate_series(1, 1000000000) a")
        kill(victim)
        eventually(lambda: house.pid_of("postgres") not in (0, victim), "PostgreSQL is back")
    finally:
        backend = busy.backend_pid
        busy.finish()
    assert backend not in house.processes()
    assert answers(resident.urls)


def test_valkey_is_killed(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    _remember(resident, "valkey")
    victim = house.pid_of("redis")
    kill(victim)
    eventually(lambda: house.pid_of("redis") not in (0, victim), "Valkey is back")
    _assert_remembered(resident, "valkey")


def test_the_keeper_is_killed(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    _remember(resident, "keeper")
    (victim,) = house.keepers()
    kill(victim)
    eventually(lambda: not house.processes(), "its servers go with it")
    assert not list((house.path / "embedded").glob("pgdata18/postmaster.pid")), "they shut down cleanly"
    assert not resident.check()
    eventually(resident.check, "a new keeper has new servers")
    _assert_remembered(resident, "keeper")
    assert house.user().urls == resident.urls
    assert len(house.keepers()) == 1


def test_the_keeper_is_told_to_stop_while_it_has_users(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    (victim,) = house.keepers()
    os.kill(victim, signal.SIGTERM)
    eventually(lambda: not house.processes(), "it stops its servers")
    eventually(resident.check, "a new keeper has new servers")
    assert answers(resident.urls)


def test_all_are_killed_at_once(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    _remember(resident, "all")
    kill(*house.keepers(), house.pid_of("postgres"), house.pid_of("redis"))
    eventually(resident.check, "a new keeper has new servers")
    _assert_remembered(resident, "all")


def test_the_keeper_is_killed_while_the_data_folder_is_made(own_house: House) -> None:
    user = own_house.user()
    folder = own_house.path / "embedded"
    eventually(lambda: list(folder.glob("pgdata18.new/base/1/*")), "initdb is at work")
    (victim,) = own_house.keepers()
    kill(victim)
    assert sql(user.urls.database_url, "select 1") == [(1,)]
    assert own_house.keepers() != [victim]
    assert not (folder / "pgdata18.new").exists()
