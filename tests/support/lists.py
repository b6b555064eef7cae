"""Files of leads, as people have them, and their import by the door that people use."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook

from api.doorway import TestClient
from support.installation import Installation

Table = Sequence[Sequence[Any]]


def as_csv(rows: Table, *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Return rows as a text file; the cells must need no quotes."""
    return "".join(delimiter.join(map(str, row)) + "\r\n" for row in rows).encode(encoding)


def as_xlsx(rows: Table) -> bytes:
    """Return rows as a workbook's first sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def send_file(
    owner: TestClient, content: bytes, *, name: str = "A list", filename: str = "leads.csv",
    mapping: dict[str, int] | None = None, path: str = "/api/lead-imports",
) -> Any:  # fmt: skip
    """Send a file to the door of imports. Returns the answer."""
    data = {"name": name} if mapping is None else {"name": name, "mapping": json.dumps(mapping)}
    return owner.post(path, data=data, files={"file": (filename, content)})


def imported(
    owner: TestClient, installation: Installation, content: bytes, *,
    name: str = "A list", mapping: dict[str, int] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Import a file to its end. Returns what the API says of it then."""
    answer = send_file(owner, content, name=name, mapping=mapping)
    assert answer.status_code == 202, answer.text
    installation.run_jobs("maintenance")
    return dict(owner.get(f"/api/lead-imports/{answer.json()['id']}").json())
