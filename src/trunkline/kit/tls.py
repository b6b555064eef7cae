"""Whom this process trusts: the certificates of the internet's authorities, read once.

Reading them takes tens of milliseconds of whoever makes a client, and that may be the loop that speaks.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import ssl


@cache
def trusted() -> ssl.SSLContext:
    """Return what every client of httpx checks its servers by: certifi's list, or SSL_CERT_FILE's."""
    return httpx.create_ssl_context()
