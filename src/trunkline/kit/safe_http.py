"""HTTP to addresses that people of a business give us: it reaches the internet, and nothing beside it.

A name is resolved once; every address that it has must be of the public internet, and the connection goes to
the one that was looked at, so that no second answer of the name server sends it elsewhere. Redirects are not
followed, proxies of the environment are not used, and only so much of an answer is read, for so long.
Networks of one's own are reached where the installation names them, and there alone without TLS.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore

from trunkline.kit.tls import trusted

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_NAT64 = ip_network("64:ff9b::/96")
_MOST_BYTES = 64 * 1024


class AddressRefused(Exception):
    """The address is none that may be asked; the message says why."""


class Unreachable(Exception):
    """There was no answer, or none that could be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes
    """Its beginning: as much as is read."""


class SafeHttp:
    """A client of the internet that is not talked into one's own network."""

    def __init__(self, *, allowed: Iterable[Network] = (), timeout_s: float = 15.0) -> None:
        self._allowed = tuple(allowed)
        self._timeout_s = timeout_s

    def check(self, url: str) -> None:
        """Refuse what is no address to be asked, as far as its text tells. Raises AddressRefused."""
        parts = _parts(url)
        if parts.secure:
            return
        try:
            literal = ip_address(parts.host)
        except ValueError:
            literal = None
        if literal is None or not self._is_own(literal):
            raise AddressRefused("only https is asked")

    def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send something. Raises AddressRefused, and Unreachable where nobody knows whether it came."""
        self.check(url)
        ends = time.monotonic() + self._timeout_s
        per_step = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        backend = _Pinned(self._allowed)
        try:
            # A connection a request: none stays open, and each begins with a look at where it goes.
            with (
                httpcore.ConnectionPool(ssl_context=trusted(), network_backend=backend) as pool,
                pool.stream(
                    "POST",
                    url,
                    headers=list(headers.items()),
                    content=content,
                    extensions={"timeout": per_step},
                ) as answer,
            ):
                body = bytearray()
                for piece in answer.iter_stream():
                    body += piece[: _MOST_BYTES - len(body)]
                    if len(body) >= _MOST_BYTES:
                        break
                    if time.monotonic() > ends:
                        raise Unreachable("the answer takes too long")
                found = {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers}
                return Answer(answer.status, found, bytes(body))
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise Unreachable(f"{urlsplit(url).hostname}: {error or type(error).__name__}") from error

    def _is_own(self, address: Address) -> bool:
        return _is_in(address, self._allowed)


@dataclass(frozen=True, slots=True)
class _Parts:
    host: str
    secure: bool


def _parts(url: str) -> _Parts:
    if not url.isascii() or not url.isprintable():
        raise AddressRefused(
            "an address is written in letters of ASCII: a name of others as xn--, a path in %"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressRefused("this is no address") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise AddressRefused("only https is asked")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("an address with a name and a password is not asked")
    return _Parts(host, parts.scheme == "https")


class _Pinned(httpcore.NetworkBackend):
    """Connects to the very address that it has looked at."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises AddressRefused where any address of the name is not of the internet."""
        addresses = _resolved(host, port)
        for address in addresses:
            if not is_public(address) and not _is_in(address, self._allowed):
                raise AddressRefused(f"{host} is an address of a network of its own, not of the internet")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return self._plain.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address,
                    socket_options=socket_options,
                )  # fmt: skip
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: no address that people give is a file of this machine. Raises AddressRefused."""
        raise AddressRefused("only https is asked")


def is_public(address: Address) -> bool:
    """Return whether an address is of the internet, also as what another form of it stands for."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return False
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


def _resolved(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address") from error
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
