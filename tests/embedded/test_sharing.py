"""Many users, one pair of servers: who starts them, who shares them, who may enter, when they stop."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest
import redis
from embedded_house import House, User, eventually, get_key, put_key, sql

from trunkline.embedded import status


def test_two_users_share_the_servers(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    before = house.processes().keys()
    guest = house.user()
    assert guest.urls == resident.urls
    assert house.keepers() == [status(house.path).keeper_pid]
    assert house.processes().keys() >= before
    sql(resident.urls.database_owner_url, "create table shared (n int)")
    sql(guest.urls.database_owner_url, "insert into shared values (7)")
    assert sql(resident.urls.database_owner_url, "select n from shared") == [(7,)]
    guest.leave()
    assert resident.check()


def test_a_killed_user_disturbs_nobody(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    guest = house.user()
    assert guest.urls
    guest.kill()
    assert resident.check()
    assert sql(resident.urls.database_url, "select 1") == [(1,)]


def test_roles_can_do_what_they_are_for_and_no_more(lived_in: tuple[House, User]) -> None:
    _, resident = lived_in
    roles = sql(
        resident.urls.database_url,
        "select rolname, rolcanlogin, rolsuper or rolbypassrls or rolcreatedb or rolcreaterole"
        " from pg_roles where rolname like 'trunkline%' and rolname <> 'trunkline_admin' order by 1",
    )
    assert roles == [
        ("trunkline_app", True, False),
        ("trunkline_lookup", False, False),
        ("trunkline_owner", True, False),
        ("trunkline_relay", True, False),
    ]
    owner = resident.urls.database_owner_url
    assert sql(owner, "select pg_has_role('trunkline_lookup', 'member')") == [(True,)]
    assert sql(owner, "select datdba::regrole::text from pg_database where datname = current_database()") == [
        ("trunkline_owner",)
    ]
    sql(
        owner,
        "create table booked (who uuid, during tstzrange, exclude using gist (who with =, during with &&))",
    )
    assert sql(owner, "select 'appointment' % 'appointments'") == [(True,)]
    assert sql(resident.urls.database_relay_url, "select current_user") == [("trunkline_relay",)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        sql(resident.urls.database_url, "create table mine ()")


def test_a_wrong_password_is_refused(lived_in: tuple[House, User]) -> None:
    _, resident = lived_in
    with psycopg.connect(resident.urls.database_url) as connection:
        password = connection.info.password
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        sql(resident.urls.database_url.replace(password, "wrong"), "select 1")
    address = resident.urls.redis_url.split("@")[1]
    for door in (f"unix://:wrong@{address}", f"unix://{address}"):
        with redis.Redis.from_url(door) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    assert sql(resident.urls.database_url, "select 1") == [(1,)]


def test_secrets_and_data_are_the_users_alone(lived_in: tuple[House, User]) -> None:
    house, resident = lived_in
    folder = house.path / "embedded"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "passwords.json").stat().st_mode & 0o077 == 0
    secret = resident.urls.redis_url.split("@")[0].removeprefix("unix://:")
    assert len(secret) >= 32
    assert not [argv for argv in house.processes().values() if secret in argv]
    assert all(Path(f"/proc/{house.pid_of(name)}").stat().st_uid != 0 for name in ("postgres", "redis"))


def test_eight_users_at_once_start_one_keeper_and_the_last_to_go_stops_it(house: House) -> None:
    users = [house.user() for _ in range(8)]
    urls = users[0].urls
    assert {user.urls for user in users} == {urls}
    assert len(house.keepers()) == 1
    sql(urls.database_owner_url, "create table kept as select 1 as n")
    put_key(urls, "kept", "yes")
    for user in users[:4]:
        user.leave()
    for user in users[4:]:
        user.kill()
    house.assert_deserted()

    # A process id left by a killed server may by now be any other process's, one of the same account even.
    bystander = house.bystander()
    lines = (str(bystander.pid), "/proc/self/cwd", "1", "5432", ".", "", "1 1", "ready")
    (house.path / "embedded/pgdata18/postmaster.pid").write_text("\n".join(lines) + "\n")
    os.chown(
        house.path / "embedded/pgdata18/postmaster.pid", (house.path / "embedded/pgdata18").stat().st_uid, -1
    )
    again = house.user()
    assert again.urls == urls
    assert sql(urls.database_owner_url, "select n from kept") == [(1,)]
    assert get_key(urls, "kept") == "yes"
    bystander.kill()
    bystander.wait()


def test_whoever_comes_while_the_servers_stop_gets_new_ones(own_house: House) -> None:
    first = own_house.user()
    urls = first.urls
    keeper, server = own_house.keepers(), own_house.pid_of("redis")
    os.kill(server, signal.SIGSTOP)
    alone_since = time.monotonic()
    first.kill()
    eventually(lambda: not status(own_house.path).servers[1].ready, "the keeper begins to stop")
    assert time.monotonic() - alone_since > 1.5, "one command after another finds the servers running"
    second = own_house.user()
    eventually(lambda: not status(own_house.path).servers[0].running, "PostgreSQL has stopped")
    assert own_house.keepers() == keeper
    os.kill(server, signal.SIGCONT)
    assert second.urls == urls
    assert sql(urls.database_url, "select 1") == [(1,)]
    assert own_house.keepers() != keeper
