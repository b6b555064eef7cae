"""The stand-in's socket: the address and the key that Gemini Live has, on loopback, behind TLS.

The SDK speaks to no socket without TLS, so the server has a certificate of its own making.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from trunkline.simulators.gemini_live.session import UNUSABLE, Session, Turn
from trunkline.simulators.voice_script import VoiceScript

_PATH = re.compile(r"/+ws/google\.ai\.generativelanguage\.v1(beta)?\.GenerativeService\.BidiGenerateContent")


class GeminiLiveStandIn:
    """A server. `async with` it; `base_url` and `trust` are then what the SDK wants to know."""

    def __init__(self, *, api_key: str, script: VoiceScript | None = None, port: int = 0) -> None:
        self.script = script or VoiceScript()
        self.sessions: list[Session] = []
        self.saved: dict[str, list[Turn]] = {}
        self.is_deaf = False
        """Accepts connections and then says nothing."""
        self.refuses_with: HTTPStatus | None = None
        """Answers every handshake like this."""
        self._api_key = api_key
        self._port = port
        self._server: Server | None = None
        self._connections: set[ServerConnection] = set()
        self._certificate, self._key = _certificate()

    @property
    def base_url(self) -> str:
        """Where it listens, as the SDK's base URL."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"https://127.0.0.1:{port}"

    @property
    def trust(self) -> ssl.SSLContext:
        """A context that trusts this server and nobody else."""
        return ssl.create_default_context(cadata=self._certificate.decode())

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    async def __aenter__(self) -> GeminiLiveStandIn:
        self._server = await serve(
            self._hold, "127.0.0.1", self._port, ssl=self._tls(), process_request=self._admit,
            compression=None, close_timeout=1,
        )  # fmt: skip
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "both.pem"
            file.write_bytes(self._key + self._certificate)
            context.load_cert_chain(file)
        return context

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuses_with is not None:
            return connection.respond(self.refuses_with, "refused\n")
        if not _PATH.fullmatch(request.path.partition("?")[0]):
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing is here\n")
        return None

    async def _hold(self, connection: ServerConnection) -> None:
        async def send(text: str) -> None:
            # Whoever has hung up hears no more.
            with suppress(ConnectionClosed):
                await connection.send(text)

        request = connection.request
        assert request is not None
        if request.headers.get("x-goog-api-key") != self._api_key:
            await connection.close(UNUSABLE, "API key not valid. Please pass a valid API key.")
            return
        self._connections.add(connection)
        session = Session(self.script, self.saved, send, connection.close, connection.transport.abort)
        self.sessions.append(session)
        try:
            if self.is_deaf:
                await connection.wait_closed()
                return
            with suppress(ConnectionClosed):
                async for message in connection:
                    await session.take(message if isinstance(message, str) else message.decode())
        finally:
            await session.end()
            self._connections.discard(connection)


def _certificate() -> tuple[bytes, bytes]:
    """Return a certificate for loopback, good for a day, and its key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trunkline's stand-in")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(pem, *plain)
