"""Valkey, which speaks Redis: how it is started and stopped, when it is ready."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

from trunkline.embedded import process
from trunkline.embedded.binaries import find_programs, make_runnable
from trunkline.embedded.layout import Layout, ServerName
from trunkline.embedded.passwords import Passwords
from trunkline.embedded.process import Launch

# Queues must not be thrown away to make room, and at most a second of them may be lost with the power.
_SETTINGS = """\
port 0
unixsocket valkey.sock
unixsocketperm 700
dir .
daemonize no
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
always-show-logo no
requirepass {password}
"""
_ANSWER_TIMEOUT_S = 0.5


class Valkey:
    """One server in the layout's folder."""

    name: ServerName = "redis"
    program = "valkey-server"
    # It writes its append-only file out before it goes.
    stop_signal = signal.SIGTERM
    last_signal = signal.SIGKILL

    def __init__(self, layout: Layout, passwords: Passwords) -> None:
        self._layout = layout
        self._password = passwords.redis

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Start on the data folder. The settings go in by the pipe, for anyone may read an argument."""
        program = make_runnable(find_programs("redis"), launch.identity).path
        launch.folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(launch.folder, launch.identity.uid, launch.identity.gid)
        settings = _SETTINGS.format(password=self._password).encode()
        return process.start([str(program), "-"], launch, stdin=settings)

    def is_ready(self, _pid: int) -> bool:
        """Whether the server answers, which it does not do while it still reads its file."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_TIMEOUT_S)
            try:
                connection.connect(str(self._layout.socket("redis")))
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (received := connection.recv(256)):
                    answer += received
            except OSError:
                return False
        return answer == b"+OK\r\n+PONG\r\n"

    def finish(self) -> None:
        """Nothing is left to do once it answers."""
