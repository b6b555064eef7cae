"""What kind of file some bytes are, by what is in them; what their sender calls them counts for nothing.

Owns a list of kinds that people attach to a record. What is none of them is bytes, or text if it reads so.
"""

from __future__ import annotations

import codecs
import zipfile
from pathlib import Path
from typing import IO

OCTETS, PLAIN = "application/octet-stream", "text/plain; charset=utf-8"

_HEAD = 4_096

_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"{\\rtf", "application/rtf"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_IN_ZIP = (
    ("word/document.xml", f"{_OFFICE}.wordprocessingml.document"),
    ("xl/workbook.xml", f"{_OFFICE}.spreadsheetml.sheet"),
    ("ppt/presentation.xml", f"{_OFFICE}.presentationml.presentation"),
)

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What every browser shows, and runs nothing of."""


def content_type_of(file: IO[bytes]) -> str:
    """Return the media type of a file by its content; it is read from its beginning on."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], OCTETS)
    if head.startswith(b"PK\3\4"):
        return _of_zip(file)
    for at, mark, kind in _MAGIC:
        if head.startswith(mark, at):
            return kind
    return PLAIN if _is_text(head) else OCTETS


def safe_name(name: str, *, otherwise: str = "file") -> str:
    """Return a file's name without folders, controls and marks of direction, 150 characters at most."""
    last = Path(name.replace("\\", "/")).name
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '"<>:|?*')
    stem, dot, ending = kept.strip(" .").rpartition(".")
    short = f"{stem[:120]}{dot}{ending[:29]}" if stem else ending[:150]
    return short or otherwise


def _of_zip(file: IO[bytes]) -> str:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as parts:
            names = set(parts.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return OCTETS
    return next((kind for part, kind in _IN_ZIP if part in names), "application/zip")


def _is_text(head: bytes) -> bool:
    if not head or b"\0" in head:
        return False
    try:
        # A letter may be cut in two where the piece ends.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError:
        return False
    return True
