"""A long list: few statements, the counts and the order as ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, select

from support.installation import Installation
from support.world import World
from trunkline.core.db import unit_of_work
from trunkline.domain.leads import service as leads
from trunkline.domain.leads.models import Lead, LeadListEntry
from trunkline.domain.tenants import service as tenants


@contextmanager
def statements(installation: Installation) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(installation.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(installation.database.engine, "before_cursor_execute", note)


def test_a_long_list_takes_few_statements(acme: World, installation: Installation) -> None:
    # Backwards, so that the order of the file is not the order of the numbers; three are known leads.
    phones = [f"+1212555{number:04}" for number in range(2_600, 100, -1)]
    known = set(acme.phones) & set(phones)
    rows = [f"{phone},Person {phone[-4:]}" for phone in phones]
    content = "\n".join(["phone,name", *rows, "nonsense,Nobody", rows[0]]).encode()
    with unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        began = time.monotonic()
        with statements(installation) as seen:
            result = leads.import_csv(session, business, name="Long", content=content, actor="test")
        took = time.monotonic() - began
        assert (result.imported, result.created, len(result.faults)) == (2_500, 2_500 - len(known), 2)
        listed = session.scalars(
            select(Lead)
            .join(LeadListEntry, LeadListEntry.lead_id == Lead.id)
            .where(LeadListEntry.list_id == result.lead_list.id)
            .order_by(LeadListEntry.position)
        ).all()
        assert [lead.phone for lead in listed] == phones
        assert all(
            lead.name == ("Lead" if lead.phone in known else f"Person {lead.phone[-4:]}") for lead in listed
        )
    assert len(seen) <= 10, f"{len(seen)} statements"
    assert took < 20
