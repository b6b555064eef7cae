"""Files on notes: kept whole, given back as what they are and never as a page, and gone with their note."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from api.doorway import TestClient, sign_in
from support.installation import Installation
from support.world import PASSWORD, World
from trunkline.core.access import Role
from trunkline.core.db import unit_of_work
from trunkline.core.errors import TooLarge
from trunkline.core.jobs.models import Job
from trunkline.core.storage import installed_storage
from trunkline.domain.leads import attachments
from trunkline.domain.leads.models import Lead
from trunkline.domain.people import service as people
from trunkline.kit import barriers, clock
from trunkline.kit.content_types import content_type_of, safe_name

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 2_000


class Paper:
    """A note on a lead, and what hangs on it."""

    def __init__(self, door: TestClient, world: World) -> None:
        self.door, self.world = door, world
        with unit_of_work(world.scope) as session:
            self.lead_id = session.scalars(select(Lead.id).where(Lead.phone == world.phones[0])).one()
        note = door.post(f"/api/leads/{self.lead_id}/notes", json={"text": "The plan"}).json()
        self.note = f"/api/leads/{self.lead_id}/notes/{note['id']}"

    def hang(self, content: bytes = PNG, name: str = "plan.png", kind: str = "image/png") -> Any:
        return self.door.post(f"{self.note}/files", files={"file": (name, content, kind)})

    def bytes_of(self, file_id: str) -> Path | None:
        return installed_storage().find(f"notes/{self.world.business_id}/{file_id}")

    def shown(self) -> list[dict[str, Any]]:
        entries = self.door.get(f"/api/leads/{self.lead_id}/timeline").json()["entries"]
        return [file for entry in entries if entry["kind"] == "note" for file in entry["data"]["files"]]


@pytest.fixture
def paper(acme: World, visitor: TestClient) -> Paper:
    sign_in(visitor, acme.email)
    return Paper(visitor, acme)


def test_a_file_is_shown_on_its_note_and_given_back_from_any_byte_on(paper: Paper) -> None:
    answer = paper.hang()
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["name"], made["media_type"], made["size"], made["is_image"]) == (
        "plan.png", "image/png", len(PNG), True
    )  # fmt: skip
    assert [file["id"] for file in paper.shown()] == [made["id"]]
    whole = paper.door.get(f"{paper.note}/files/{made['id']}")
    assert whole.content == PNG
    part = paper.door.get(f"{paper.note}/files/{made['id']}", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")


def test_what_it_is_called_does_not_make_it_a_page(paper: Paper) -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    for name, kind in (("x.html", "text/html"), ("../../x.svg", "image/svg+xml")):
        made = paper.hang(page, name, kind).json()
        assert made["media_type"] == "text/plain; charset=utf-8"
        got = paper.door.get(f"{paper.note}/files/{made['id']}")
        assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''x.")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert got.headers["content-type"] == "text/plain; charset=utf-8"


def test_too_much_too_many_and_nothing_are_refused(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    assert paper.hang(b"").json()["error"]["data"]["reason"] == "file_empty"
    big = paper.hang(b"x" * (attachments.LARGEST + 1))
    assert (big.status_code, big.json()["error"]["code"]) == (413, TooLarge.code)
    assert paper.hang(b"x" * attachments.LARGEST).status_code == 201
    monkeypatch.setattr(attachments, "MOST_A_NOTE", 1)
    assert paper.hang().json()["error"]["data"]["reason"] == "most_note_files"


def test_who_wrote_a_note_or_an_admin_changes_what_hangs_on_it(paper: Paper, acme: World) -> None:
    made = paper.hang().json()
    with unit_of_work(acme.scope) as session:
        for role in (Role.AGENT, Role.VIEWER):
            people.create_user(
                session, business_id=acme.business_id, email=f"{role}@acme.example", name="Somebody",
                password=PASSWORD, role=role, actor="test",
            )  # fmt: skip
    file = f"{paper.note}/files/{made['id']}"
    for email in ("agent@acme.example", "viewer@acme.example"):
        sign_in(paper.door, email)
        assert paper.hang().status_code == 403
        assert paper.door.delete(file).status_code == 403
        assert paper.door.get(file).status_code == 200


def test_a_file_s_bytes_go_with_it_its_note_and_its_lead(paper: Paper, installation: Installation) -> None:
    one, two, three = (paper.hang().json()["id"] for _ in range(3))
    assert paper.door.delete(f"{paper.note}/files/{one}").status_code == 204
    assert paper.bytes_of(one) is not None, "by a job, behind the commit"
    installation.run_jobs("maintenance")
    assert paper.bytes_of(one) is None
    assert paper.bytes_of(two) is not None
    assert paper.door.delete(paper.note).status_code == 204
    installation.run_jobs("maintenance")
    assert paper.bytes_of(two) is paper.bytes_of(three) is None
    again = Paper(paper.door, paper.world)
    four = again.hang().json()["id"]
    wish = {"lead_ids": [str(again.lead_id)]}
    assert again.door.post("/api/leads/bulk-delete", json=wish).status_code == 202
    installation.run_jobs("maintenance")
    assert again.bytes_of(four) is None


def test_bytes_whose_row_was_never_written_are_removed(
    paper: Paper, installation: Installation, acme: World
) -> None:
    """The process dies between the bytes and the commit; the job that was written first tidies up."""

    class Killed(Exception):
        pass

    def die(name: str) -> None:
        if name == "note_file.stored":
            raise Killed

    barriers.install(die)
    try:
        with pytest.raises(Killed):
            paper.hang()
    finally:
        barriers.install(None)
    assert paper.shown() == []
    folder = installed_storage().find(f"notes/{acme.business_id}/{_only_job(acme)}")
    assert folder is not None
    kept = paper.hang().json()["id"]
    with unit_of_work(acme.scope) as session:
        session.execute(update(Job).where(Job.name == "drop_note_file").values(run_at=clock.now()))
    installation.run_jobs("maintenance")
    assert not folder.exists()
    assert paper.bytes_of(kept) is not None, "whose row is there keeps its bytes"


def _only_job(world: World) -> UUID:
    with unit_of_work(world.scope) as session:
        (args,) = session.scalars(select(Job.args).where(Job.name == "drop_note_file"))
        return UUID(args["args"][0])


def _zip(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as parts:
        for name in names:
            parts.writestr(name, "x")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (
            _zip("word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (_zip("a.txt"), "application/zip"),
        (b"PK\3\4 torn", "application/octet-stream"),
        ("שלום".encode(), "text/plain; charset=utf-8"),
        ("ש".encode() * 3_000, "text/plain; charset=utf-8"),
        (b"x" + "ש".encode() * 3_000, "text/plain; charset=utf-8"),
        ("שלום".encode("cp1255"), "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
    ],
    ids=range(12),
)
def test_what_a_file_is_stands_in_it(content: bytes, kind: str) -> None:
    assert content_type_of(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("C:\\secret\\plan.pdf", "plan.pdf"), ("../../etc/passwd", "passwd"), ("", "file"), ("..", "file"),
        ("a\r\nb\u202e.txt", "ab.txt"), ("תוכנית.pdf", "תוכנית.pdf"),
        ("x" * 300 + ".pdf", "x" * 120 + ".pdf"),
    ],
)  # fmt: skip
def test_a_name_is_a_name_and_no_way(name: str, safe: str) -> None:
    assert safe_name(name) == safe
