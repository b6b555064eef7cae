"""How much of a body is taken, and from whom: counted at the door of the application itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.doorway import HEADERS, TestClient, build_app, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline import schema
from trunkline.domain.leads import imports
from trunkline.domain.people import service as people
from web.conftest import Away

PIECE = b"7" * 1024 * 1024
FORM = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
END = b"\r\n--XX--\r\n"
PREVIEW, UPLOAD = "/api/lead-imports/preview", "/api/suppressions/upload"


async def send(
    path: str,
    pieces: list[bytes],
    *,
    secret: str = "",
    claims: int | None = None,
    form: str = "multipart/form-data; boundary=XX",
) -> tuple[int, dict[str, Any], int]:
    """Send a body in pieces; return the answer's status and content, and how many pieces were taken."""
    taken, answer = 0, bytearray()
    status = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken == len(pieces):
            return {"type": "http.disconnect"}
        taken += 1
        return {"type": "http.request", "body": pieces[taken - 1], "more_body": taken < len(pieces)}

    async def keep(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        answer.extend(message.get("body", b""))

    headers = {**HEADERS, "host": "testserver", "cookie": f"trunkline={secret}"}
    headers["content-type"] = form
    if claims is not None:
        headers["content-length"] = str(claims)
    app = build_app()
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": ("::1", 1),
        "server": ("testserver", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    async with app.router.lifespan_context(app):
        await app(scope, receive, keep)
    return status, json.loads(answer), taken


@pytest.fixture
def secret(acme: World) -> str:
    """The proof of a live session."""
    return people.sign_in(acme.email, PASSWORD)[0]


@pytest.mark.parametrize("path", [PREVIEW, UPLOAD, "/api/leads/bulk-update", "/api/sign-in"])
async def test_nobody_sends_more_than_a_little(path: str, acme: World) -> None:
    pieces = [FORM, *[PIECE] * 5, END]
    status, error, taken = await send(path, pieces)
    assert (status, error["error"]["code"], taken) == (401, "not_signed_in", 2)
    status, error, taken = await send(path, pieces, secret="of a session that never was")
    assert (status, taken) == (401, 2)
    # One that says how much it is: nothing of it is taken.
    status, error, taken = await send(path, pieces, claims=2_000_000)
    assert (status, error["error"]["code"], taken) == (401, "not_signed_in", 0)


@pytest.mark.parametrize(
    ("path", "most_mb"), [(PREVIEW, 4), ("/api/lead-imports", 4), (UPLOAD, 21), ("/api/leads/bulk-update", 2)]
)
async def test_more_than_fits_is_refused_before_it_is_there(
    path: str, most_mb: int, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_largest_mb", 3)
    pieces = [PIECE] * 30
    status, error, taken = await send(path, [FORM + PIECE, *pieces], secret=secret)
    assert (status, error["error"]["code"]) == (413, "too_large")
    assert error["error"]["data"] == {"most_bytes": most_mb * len(PIECE)}
    assert taken == most_mb
    status, error, taken = await send(path, pieces, secret=secret, claims=30 * len(PIECE))
    assert (status, error["error"]["code"], taken) == (413, "too_large", 0)


async def test_a_carrier_s_door_takes_little_from_anybody(acme: World) -> None:
    path = "/hooks/carrier/inbound/answer"
    form = "application/x-www-form-urlencoded"
    assert (await send(path, [b"To=", *[PIECE] * 5], form=form))[::2] == (413, 2)
    assert (await send(path, [b"To=", b"7" * 30_000], form=form))[0] == 403


async def test_what_fits_is_taken_whole(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "_largest_mb", 3)
    phones = b"phone\n" + b"+12125550171\n" * 200_000
    pieces = [FORM, *(phones[at : at + 60_000] for at in range(0, len(phones), 60_000)), END]
    status, shown, taken = await send(PREVIEW, pieces, secret=secret)
    assert (status, len(shown.get("rows", ())), taken) == (200, 20, len(pieces))


async def test_while_nobody_can_say_who_it_is_little_is_taken(
    secret: str, database_away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "at_head", lambda _engine: True)  # it was there a moment ago
    with database_away():
        status, error, taken = await send(PREVIEW, [FORM, PIECE, END], secret=secret, claims=len(PIECE))
    assert (status, "cannot be reached" in error["error"]["message"], taken) == (503, True, 0)


def test_a_business_begins_and_keeps_open_only_so_many_imports(
    acme: World, umbrella: World, visitor: TestClient, installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    sign_in(visitor, acme.email)

    def begin(name: str) -> Any:
        file = {"file": ("a.csv", b"phone\n+12125550171\n")}
        return visitor.post("/api/lead-imports", data={"name": name}, files=file)

    begun = [begin(f"List {n}") for n in range(11)]
    assert [answer.status_code for answer in begun] == [202] * 10 + [429]
    assert 0 < int(begun[-1].headers["retry-after"]) <= 60
    monkeypatch.setattr("trunkline.domain.leads.import_limits._A_MINUTE", 1_000)
    assert [begin(f"More {n}").status_code for n in range(11)] == [202] * 10 + [409]
    # A paused one keeps its file; one that is over makes room.
    first, second = (f"/api/lead-imports/{answer.json()['id']}" for answer in begun[:2])
    assert visitor.post(f"{first}/pause").status_code == 202
    assert begin("No room").status_code == 409
    assert visitor.post(f"{second}/cancel").status_code == 202
    assert begin("Room").status_code == 202
    sign_in(visitor, umbrella.email)
    assert begin("Another business's").status_code == 202
