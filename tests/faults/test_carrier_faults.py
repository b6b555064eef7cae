"""What goes wrong at the carrier: lost and late replies, errors; callbacks lost, doubled, reordered."""

from __future__ import annotations

import pytest

from support.system import FINAL_ITEM_STATES, System


@pytest.mark.parametrize(
    ("fault", "is_placed"),
    [
        ("lose_reply", True),
        ("500_after_placing", True),
        ("unreadable", True),
        ("slow", True),
        ("500_before", False),
    ],
)
def test_an_order_in_doubt_is_never_repeated(system: System, fault: str, is_placed: bool) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    system.carrier.order_faults(create=fault, times=2, seconds=3)
    system.start_worker()
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        done = api.wait_for_state(run.id, "completed")
        items, attempts = api.items(run.id), api.attempts(run.id)

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert len(page.creates) == len(world.phones)
    assert {item["state"] for item in items} <= FINAL_ITEM_STATES
    # A placed one is bound by its callbacks; of one that was not, nobody will ever hear.
    assert done["progress"]["unknown"] == (0 if is_placed else 2)
    bound = {row["phone"]: row["carrier_sid"] for row in attempts if row["carrier_sid"]}
    assert bound == {call["to"]: call["sid"] for call in page.calls}


def test_with_neither_reply_nor_callback_the_carrier_s_list_tells(system: System) -> None:
    world = system.world("busy", size=4)
    run = world.make_run()
    system.carrier.order_faults(create="lose_reply", status_callbacks="drop")
    system.start_worker()
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        done = api.wait_for_state(run.id, "completed")
        attempts = api.attempts(run.id)

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert done["progress"]["failed"] == len(world.phones)
    assert all(callback["fault"] == "drop" for call in page.calls for callback in call["callbacks"])
    assert {row["phone"]: row["carrier_sid"] for row in attempts} == {
        call["to"]: call["sid"] for call in page.calls
    }


@pytest.mark.parametrize("fault", ["drop", "duplicate", "reorder"])
def test_callbacks_may_be_lost_doubled_or_out_of_order(system: System, fault: str) -> None:
    world = system.world("no_answer", size=6)
    run = world.make_run()
    system.carrier.order_faults(status_callbacks=fault)
    system.start_worker()
    with system.signed_in(world) as api:
        assert api.start(run.id).status_code == 202
        done = api.wait_for_state(run.id, "completed")
        items, attempts = api.items(run.id), api.attempts(run.id)

    page = system.carrier.page_of(world.phones)
    assert page.double_dials == []
    assert page.most_rings == 1
    assert done["progress"]["failed"] == done["progress"]["total"] == len(world.phones)
    assert [item["disposition"] for item in items] == ["no_answer"] * len(world.phones)
    assert [row["state"] for row in attempts] == ["ended"] * len(world.phones)
    faults = {callback["fault"] for call in page.calls for callback in call["callbacks"]}
    assert fault in faults
