"""The built dashboard over HTTP: one page for all addresses, each time a nonce of its own; files stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse

from api.doorway import TestClient
from trunkline.web.dashboard_files import DashboardFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a build leaves behind, in small."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<script nonce="%NONCE%"></script><style nonce="%NONCE%"></style>')
    (tmp_path / "early.js").write_text("early()")
    (tmp_path / "assets" / "main-1a2b.js").write_text("main()")
    (tmp_path / "assets" / "main-1a2b.js.br").write_bytes(b"packed by brotli")
    (tmp_path / "assets" / "main-1a2b.js.gz").write_bytes(b"packed by gzip")
    (tmp_path.parent / "secret.txt").write_text("not of the build")
    return tmp_path


@pytest.fixture
def browser(folder: Path) -> TestClient:
    """A browser at a server where nothing but the dashboard is found."""
    return TestClient(DashboardFiles(PlainTextResponse("nothing here", status_code=404), folder))


@pytest.mark.parametrize("path", ["/", "/calls", "/calls/01a2", "/admin", "/administration", "/docs-of-ours"])
def test_every_address_of_the_dashboard_is_its_page(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/api/nothing", "/api", "/hooks/x", "/media/x", "/docs/x", "/docs/page/x.js", "/admin/rq/x",
        "/health/x", "/metrics", "/openapi.json", "/missing.js", "/assets/missing.js", "/index.html",
        "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets/%00.js",
    ],
)  # fmt: skip
def test_what_is_not_the_dashboards_is_not_answered_by_it(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.text) == (404, "nothing here")


def test_nothing_is_written_to_it(browser: TestClient) -> None:
    assert browser.post("/calls").status_code == 404


def test_only_what_has_the_pages_own_nonce_takes_effect(browser: TestClient) -> None:
    seen = set()
    for _ in range(2):
        answer = browser.get("/")
        policy = answer.headers["content-security-policy"]
        [nonce] = set(re.findall(r'nonce="([^"]+)"', answer.text))
        assert f"style-src 'self' 'nonce-{nonce}'" in policy
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        seen.add(nonce)
    assert len(seen) == 2, "a nonce is used once"


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", "packed by brotli"),
        ("gzip", "gzip", "packed by gzip"),
        ("identity", None, "main()"),
    ],
)
def test_a_file_goes_out_in_the_smallest_form_and_is_kept_for_ever(
    folder: Path, accepted: str, encoding: str | None, body: str
) -> None:
    app = DashboardFiles(PlainTextResponse("", status_code=404), folder)
    with TestClient(app).stream(
        "GET", "/assets/main-1a2b.js", headers={"accept-encoding": accepted}
    ) as answer:
        assert b"".join(answer.iter_raw()).decode() == body
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers["content-type"].split(";")[0] in {"text/javascript", "application/javascript"}
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"


def test_what_bears_no_hash_is_asked_for_again(browser: TestClient) -> None:
    assert browser.get("/early.js").headers["cache-control"] == "no-cache"


def test_a_dashboard_that_is_not_built_says_what_to_run(tmp_path: Path) -> None:
    answer = TestClient(DashboardFiles(PlainTextResponse(""), tmp_path / "none")).get("/")
    assert answer.status_code == 503
    assert "make dashboard" in answer.text
