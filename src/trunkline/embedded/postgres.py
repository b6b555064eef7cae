"""PostgreSQL: how its data is made, how it is started and stopped, when it is ready."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

from trunkline.embedded import process
from trunkline.embedded.binaries import find_programs, make_runnable
from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import Layout, ServerName
from trunkline.embedded.passwords import Passwords
from trunkline.embedded.process import CLEAN_ENVIRONMENT, HERE, Launch
from trunkline.embedded.roles import role_sql

_ADMINISTRATOR = "trunkline_admin"
_INITIAL_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "idle_in_transaction_session_timeout": "60s",
    # One call for the whole file system instead of one for each of a thousand files, when recovering too.
    "recovery_init_sync_method": "syncfs",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
_STATUS_LINE = 7
_SCRIPT_TIMEOUT_S = 60


class Postgres:
    """One cluster in the layout's folder."""

    name: ServerName = "postgres"
    program = "postgres"
    # A fast shutdown: transactions under way are undone, everything committed is on disk.
    stop_signal = signal.SIGINT
    # An immediate one: nothing is flushed, the next start recovers from the log.
    last_signal = signal.SIGQUIT

    def __init__(self, layout: Layout, passwords: Passwords) -> None:
        self._layout = layout
        self._data = layout.data("postgres")
        self._passwords = passwords
        self._bin = Path()

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Start on the data folder, made first where there is none; no other server may be alive in it."""
        self._bin = make_runnable(find_programs("postgres"), launch.identity).path.parent
        if not self._data.exists():
            self._create_cluster(launch)
        self._remove_stale_pid_file()
        self._write(
            "pg_hba.conf",
            f"local all {_ADMINISTRATOR} peer map=keeper\nlocal all all scram-sha-256\n",
            launch,
        )
        # The administrator has no password: the kernel says who is at the other end of a socket.
        self._write("pg_ident.conf", f"keeper {_account(os.geteuid())} {_ADMINISTRATOR}\n", launch)
        settings = ("listen_addresses=", "unix_socket_permissions=0700", "cluster_name=trunkline")
        argv = [str(self._bin / "postgres"), "-D", HERE, "-k", "."]
        for setting in settings:
            argv += ["-c", setting]
        return process.start(argv, launch)

    def is_ready(self, pid: int) -> bool:
        """Whether the server with this process id takes connections, as it says in its pid file."""
        lines = self._pid_file_lines()
        return len(lines) > _STATUS_LINE and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == "ready"

    def finish(self) -> None:
        """Make roles, database and extensions; harmless when they are there."""
        script = role_sql(
            owner_password=self._passwords.owner,
            app_password=self._passwords.app,
            relay_password=self._passwords.relay,
        )
        result = subprocess.run(  # noqa: S603
            [
                self._bin / "psql",
                "-XqAt",
                "-h",
                self._layout.socket("postgres").parent,
                "-U",
                _ADMINISTRATOR,
                "postgres",
            ],
            input=script.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=CLEAN_ENVIRONMENT | {"PGOPTIONS": "-c client_min_messages=warning"},
            timeout=_SCRIPT_TIMEOUT_S,
            check=False,
        )
        if result.returncode != 0:
            raise EmbeddedUnavailable(
                f"making the roles failed: {result.stderr.decode(errors='replace').strip()}"
            )

    def _create_cluster(self, launch: Launch) -> None:
        """Make a cluster aside and rename it, so that a data folder is whole or not there."""
        draft = self._data.with_name(self._data.name + ".new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        os.chown(draft, launch.identity.uid, launch.identity.gid)
        argv = [
            str(self._bin / "initdb"), "-D", HERE, "-U", _ADMINISTRATOR, "--auth=reject",
            "--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8", "--sync-method=syncfs",
        ]  # fmt: skip
        for name, value in _INITIAL_SETTINGS.items():
            argv += ["--set", f"{name}={value}"]
        made = process.start(argv, replace(launch, folder=draft, death_signal=signal.SIGKILL)).wait()
        if made != 0:
            raise EmbeddedUnavailable(f"initdb ended with status {made}")
        draft.rename(self._data)
        _sync_folder(self._data.parent)

    def _remove_stale_pid_file(self) -> None:
        """Remove what a killed server left, or PostgreSQL takes any process with its old id for itself."""
        lines = self._pid_file_lines()
        if lines and lines[0].isdigit() and process.lives_in(int(lines[0]), self._data, self.program):
            raise EmbeddedUnavailable(
                f"a PostgreSQL that is not ours (process {lines[0]}) runs in {self._data}: stop it"
            )
        for name in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self._data / name).unlink(missing_ok=True)

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _write(self, name: str, text: str, launch: Launch) -> None:
        path = self._data / name
        path.write_text(text)
        os.chown(path, launch.identity.uid, launch.identity.gid)


def _account(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
