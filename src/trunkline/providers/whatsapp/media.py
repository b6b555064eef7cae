"""Files to and from Graph: kinds and sizes, the upload, and the way back by an address of Meta's alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trunkline.providers.chat_http import ChatHttp
from trunkline.providers.ports.chat import ChatRefused, InFile, MessageKind, OutFile, Refusal
from trunkline.providers.whatsapp import wire
from trunkline.providers.whatsapp.composing import misfit
from trunkline.providers.whatsapp.reading import hexadecimal

_META = ("facebook.com", "fbcdn.net", "fbsbx.com", "whatsapp.net")
"""Below whose names Graph keeps what people sent; the token is told to nobody else."""
_OCTETS = "application/octet-stream"


def check_file(kind: MessageKind, file: OutFile) -> None:
    """Refuse a file that Graph would not take as this kind. Raises ChatRefused."""
    content_type = plain(file.content_type)
    if content_type not in wire.CONTENT_TYPES[kind]:
        raise misfit(f"WhatsApp takes no {content_type} as {kind}", "content_type")
    try:
        size = file.path.stat().st_size
        with file.path.open("rb") as opened:
            head = opened.read(32)
    except OSError as error:
        raise misfit(f"the file {file.name} is not there", "file_missing") from error
    still = kind is MessageKind.STICKER and wire.is_still(head)
    most = wire.STILL_STICKER_BYTES if still else wire.MOST_BYTES[kind]
    if not 0 < size <= most:
        raise misfit(f"{file.name} has {size} bytes; WhatsApp takes 1 to {most} as {kind}", "file_size")


def upload(http: ChatHttp, path: str, file: OutFile, options: Mapping[str, Any]) -> str:
    """Give Graph a file and return its id there. Nothing is sent by it. Raises ChatRefused."""
    content_type = plain(file.content_type)
    with file.path.open("rb") as opened:
        request = http.build(
            "POST", path, data={"messaging_product": "whatsapp", "type": content_type},
            files={"file": (file.name, opened, content_type)}, **options,
        )  # fmt: skip
        media_id = http.ask(request).get("id")
    if not isinstance(media_id, str) or not media_id:
        raise ChatRefused("WhatsApp took a file without naming it", refusal=Refusal.LATER, code="no_media_id")
    return media_id


def fetch(
    http: ChatHttp, node: Mapping[str, Any], key: str, file: InFile, into: Path, *, most_bytes: int
) -> str:
    """Write the file that a media node names to `into` and return its content type. Raises ChatRefused.

    What is too large, or is not what Graph says that it is, leaves no file.
    """
    url = str(node.get("url") or "")
    if not _is_metas(url, http.base_url):
        raise misfit("WhatsApp names a strange address for a file", "media_address")
    wanted = file.sha256 or hexadecimal(node.get("sha256"))
    size, digest = 0, hashlib.sha256()
    is_whole = False
    try:
        with (
            http.fetching("GET", url, headers={"Authorization": f"Bearer {key}"}) as reply,
            into.open("wb") as out,
        ):
            said = reply.headers.get("content-type", "")
            for piece in reply.iter_bytes():
                size += len(piece)
                if size > most_bytes:
                    raise misfit(f"the file has more than {most_bytes} bytes", "file_size")
                digest.update(piece)
                out.write(piece)
        if wanted is not None and digest.hexdigest() != wanted:
            raise ChatRefused("the file did not come whole", refusal=Refusal.LATER, code="file_broken")
        is_whole = True
    finally:
        if not is_whole:
            into.unlink(missing_ok=True)
    return plain(str(node.get("mime_type") or said)) or _OCTETS


def plain(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def _is_metas(url: str, base_url: str) -> bool:
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        host = parts.hostname or ""
        if parts.username is not None or parts.password is not None:
            return False
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            return True
        return (
            parts.scheme == "https"
            and parts.port in {None, 443}
            and any(host == name or host.endswith(f".{name}") for name in _META)
        )
    except ValueError:
        return False
