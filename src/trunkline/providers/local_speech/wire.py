"""The pipe between us and a helper: one request, one answer, each a JSON header and raw bytes.

A message is two little-endian 32-bit lengths, the header in UTF-8, and the body. Both ends are
ours and of one version, so nothing here is negotiated.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

LENGTHS = struct.Struct("<II")

Message = tuple[dict[str, Any], bytes]


def pack(header: dict[str, Any], body: bytes) -> bytes:
    """Return the message as it goes over the pipe."""
    encoded = json.dumps(header).encode()
    return LENGTHS.pack(len(encoded), len(body)) + encoded + body


def unpack_header(encoded: bytes) -> dict[str, Any]:
    """Read a header back. Raises ValueError if it is not a JSON object."""
    header = json.loads(encoded)
    if not isinstance(header, dict):
        raise ValueError("a header is a JSON object")
    return header


def serve(handle: Callable[[dict[str, Any], bytes], Message]) -> None:
    """Answer requests on stdin until it ends; the main loop of a helper process.

    A ValueError of `handle` is answered as an error; anything else ends the helper, and its
    parent starts another.
    """
    requests, answers = _take_pipes()
    while len(lengths := requests.read(LENGTHS.size)) == LENGTHS.size:
        header_size, body_size = LENGTHS.unpack(lengths)
        header = unpack_header(requests.read(header_size))
        body = requests.read(body_size)
        try:
            answer = pack(*handle(header, body))
        except ValueError as error:
            answer = pack({"error": str(error)}, b"")
        try:
            answers.write(answer)
            answers.flush()
        except BrokenPipeError:
            return


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    # A library that prints must not do it into the protocol: the answers get a descriptor of
    # their own, and file descriptor 1 becomes another name of stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers
