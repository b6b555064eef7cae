"""Files that are kept, below one folder that every process of the installation reaches (STORAGE_DIR).

Owns where a file lies and that it is there whole or not at all. Refuses to know what is in it and who may
have it: whoever asks has looked that up in the database, within their business.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4


class Storage:
    """The folder. A key is a path below it: `recordings/<business>/<call>/1.wav`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def incoming(self, kind: str) -> Path:
        """Return the folder in which files of a kind wait to be kept; it may not be there yet."""
        return self._folder / "incoming" / kind

    def find(self, key: str) -> Path | None:
        """Return where the file of this key lies; None: there is none."""
        path = self._path(key)
        return path if path.is_file() else None

    def take(self, file: Path, key: str) -> Path:
        """Keep a file under a key, in place of what was kept there, and return where it lies. Raises OSError.

        It moves at once, also from another disk: nobody finds half of it.
        """
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            shutil.move(file, part)
            with part.open("rb") as moved:
                os.fsync(moved.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def remove(self, key: str) -> bool:
        """Keep what is under a key no longer. False: there was nothing. Raises OSError."""
        path = self._path(key)
        was_there = path.is_file()
        path.unlink(missing_ok=True)
        return was_there

    def _path(self, key: str) -> Path:
        path = self._folder / key
        if not path.resolve().is_relative_to(self._folder.resolve()) or key.startswith("incoming"):
            raise ValueError(f"{key!r} is no key")
        return path


_storage: Storage | None = None


def install_storage(storage: Storage) -> None:
    """Set where this process keeps files. Called once at start."""
    global _storage  # noqa: PLW0603 - one folder a process
    _storage = storage


def installed_storage() -> Storage:
    """Return where this process keeps files."""
    if _storage is None:
        raise RuntimeError("no storage was installed in this process")
    return _storage
