"""The client of addresses that people give: it asks the internet alone, where it has looked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from trunkline.kit.safe_http import AddressRefused, SafeHttp, Unreachable, is_public

HERE = [ip_network("127.0.0.0/8")]


class Echo(BaseHTTPRequestHandler):
    """Answers by the path, and remembers who asked for what."""

    asked: list[tuple[str, str]]

    def do_POST(self) -> None:
        type(self).asked.append((self.path, self.headers["Host"]))
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        if self.path == "/cut":
            self.close_connection = True
            return
        self.send_response(201)
        self.send_header("X-Said", "hello")
        self.end_headers()
        self.wfile.write(b"x" * 300_000 if self.path == "/huge" else body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    """A server on this machine."""
    Echo.asked = []
    with HTTPServer(("127.0.0.1", 0), Echo) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def url_of(server: HTTPServer, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_networks_of_one_s_own_are_not_the_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "142.250.1.1", "2a00:1450:4001:800::200e", "64:ff9b::808:808"]
)
def test_the_internet_is(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_address_of_one_s_own_is_refused_before_anything_is_sent(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.server_port
    client = SafeHttp()
    for url in (
        url_of(server, "/"),
        f"http://localhost:{port}/",
        f"http://[::1]:{port}/",
        "ftp://x/",
        "nonsense",
    ):
        with pytest.raises(AddressRefused):
            client.post(url, headers={}, content=b"")
    # A name that seems harmless, and means this machine beside the internet.
    found = [("8.8.8.8", port), ("127.0.0.1", port)]
    monkeypatch.setattr(
        socket, "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found],
    )  # fmt: skip
    with pytest.raises(AddressRefused):
        client.post(f"https://push.example:{port}/", headers={}, content=b"")
    assert Echo.asked == []


def test_a_name_is_asked_for_once_and_what_was_looked_at_is_connected_to(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says another thing the second time leads nobody elsewhere."""
    answers = iter(["127.0.0.1"])
    monkeypatch.setattr(
        socket, "getaddrinfo",
        lambda host, port, *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]
        if host == "push.example" else [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))],
    )  # fmt: skip
    client = SafeHttp(allowed=[ip_network("127.0.0.1/32")])
    monkeypatch.setattr(client, "check", lambda _url: None)
    answer = client.post(url_of(server, "/", host="push.example"), headers={}, content=b"hello")
    assert (answer.status, answer.body, answer.headers["x-said"]) == (201, b"hello", "hello")
    assert Echo.asked == [("/", f"push.example:{server.server_port}")]


@pytest.mark.parametrize(
    "url", ["https://push.example/גיל", "https://püsh.example/", "https://push.example/a b\r\nHost: x"]
)
def test_what_cannot_stand_in_a_request_is_no_address(url: str) -> None:
    with pytest.raises(AddressRefused, match="ASCII"):
        SafeHttp().check(url)


def test_redirects_are_not_followed_and_answers_are_read_so_far(server: HTTPServer) -> None:
    client = SafeHttp(allowed=HERE)
    assert client.post(url_of(server, "/away"), headers={}, content=b"").status == 302
    assert [path for path, _ in Echo.asked] == ["/away"]
    assert len(client.post(url_of(server, "/huge"), headers={}, content=b"").body) == 64 * 1024


def test_who_does_not_answer_is_unreachable(server: HTTPServer) -> None:
    client = SafeHttp(allowed=HERE, timeout_s=2)
    with pytest.raises(Unreachable):
        client.post(url_of(server, "/cut"), headers={}, content=b"")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable):
            client.post(f"http://127.0.0.1:{nobody.getsockname()[1]}/", headers={}, content=b"")
    with pytest.raises(Unreachable):
        SafeHttp().post("https://no-such-host.invalid/", headers={}, content=b"")
