"""Tasks and notifications as people meet them: a task's life, reminders in the page, the push worker."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from playwright.sync_api import Browser, Page, expect

from browser.dashboard import visiting
from support.installation import Installation
from support.processes import eventually
from support.world import World
from tasks.staff import colleague, in_zone, local, owner_of, task
from trunkline.core.db import unit_of_work
from trunkline.domain.leads import service as leads
from trunkline.domain.notifications import reminders, service
from trunkline.kit import clock


def lead_of(world: World) -> UUID:
    with unit_of_work(world.scope) as session:
        return leads.lead_of_caller(session, world.business_id, world.phones[0])


def test_a_task_is_made_moved_done_and_comes_again(chromium: Browser, url: str, acme: World) -> None:
    in_zone(acme, "Asia/Jerusalem")
    colleague(acme, "Dana")
    today = datetime.now(UTC).astimezone(local("Asia/Jerusalem", 2026, 1, 1).tzinfo).date()
    with visiting(chromium, url, acme.email, "/tasks") as page:
        expect(page.get_by_text("Nothing to do yet")).to_be_visible()
        page.get_by_role("button", name="New task").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("What is to be done").fill("Send the weekly report")
        form.get_by_label("Due date").fill(f"{today:%Y-%m-%d}")
        form.get_by_label("Time (optional)").fill("23:59")
        form.get_by_role("combobox", name="Repeats").click()
        page.get_by_role("option", name="Weekly").click()
        form.get_by_role("combobox", name="Priority").click()
        page.get_by_role("option", name="High").click()
        form.get_by_role("button", name="Add task").click()
        row = page.get_by_role("row").filter(has_text="Send the weekly report")
        expect(row).to_contain_text("Today, 23:59")
        expect(row.get_by_label("High")).to_be_visible()

        # By keyboard: what stands on the badge is chosen anew.
        row.get_by_role("button", name="State of Send the weekly report").press("Enter")
        page.get_by_role("menuitem", name="Doing").press("Enter")
        expect(row).to_contain_text("Doing")

        # What a colleague adds shows by itself.
        task(acme, "Call Ruth back", assignee_id=None)
        expect(page.get_by_role("row").filter(has_text="Call Ruth back")).to_be_visible()

        # Dragged over the board, it is done, and its next one is there.
        page.get_by_text("Board", exact=True).click()
        doing = page.get_by_role("region", name="Doing: 1 task")
        card = doing.locator("[data-card]").filter(has_text="Send the weekly report")
        card.drag_to(page.locator('[data-column="done"]'))
        expect(page.get_by_role("region", name="Done: 1 task")).to_contain_text("Send the weekly report")
        todo = page.get_by_role("region", name="To do: 2 tasks")
        expect(todo).to_contain_text("Send the weekly report")
        expect(todo.get_by_label("Repeats").first).to_be_visible()

        page.get_by_text("List", exact=True).click()
        row = page.get_by_role("row").filter(has_text="Call Ruth back")
        row.get_by_text("Call Ruth back").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_role("dialog", name="Delete this task?").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("row").filter(has_text="Call Ruth back")).to_have_count(0)


def test_a_lead_s_tasks_stand_on_its_page_and_what_is_late_on_the_first(
    chromium: Browser, url: str, acme: World
) -> None:
    lead_id = lead_of(acme)
    with visiting(chromium, url, acme.email, f"/leads/{lead_id}") as page:
        panel = page.get_by_role("region", name="Tasks").first
        expect(panel).to_contain_text("Nothing is to be done about this lead.")
        panel.get_by_role("button", name="New task").first.click()
        form = page.get_by_role("dialog")
        form.get_by_label("What is to be done").fill("Call back")
        form.get_by_label("Due date").fill("2026-01-02")
        form.get_by_role("button", name="Add task").click()
        expect(panel).to_contain_text("Overdue")
        page.goto(f"{url}/")
        page.locator('[data-kind="overdue_tasks"]').get_by_role("link").click()
        row = page.get_by_role("row").filter(has_text="Call back")
        expect(row.get_by_role("link", name="Lead")).to_be_visible()
        row.get_by_label("Done: Call back").click()
        expect(page.get_by_text("No such tasks")).to_be_visible()


def test_one_is_reminded_in_the_page_and_chooses_how(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    due = clock.now() + timedelta(minutes=4)
    with clock.frozen_at(due - timedelta(hours=2)):
        made = task(acme, "Call Ruth", due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")
    with visiting(chromium, url, acme.email, "/runs") as page:
        bell = page.get_by_role("banner").get_by_role("link", name="Notifications")
        expect(bell).to_have_accessible_name("Notifications")
        with unit_of_work(acme.scope) as session:
            reminders.remind(session, acme.business_id)
        # It comes by itself.
        expect(bell).to_have_accessible_name("Notifications: 1 unread")
        bell.click()
        page.get_by_role("link", name=f"Due at {due:%H:%M}: Call Ruth").click()
        expect(page.get_by_role("dialog").get_by_label("What is to be done")).to_have_value("Call Ruth")
        assert str(made.id) in page.url
        expect(bell).to_have_accessible_name("Notifications")

        page.goto(f"{url}/notifications/settings")
        page.get_by_label("Somebody assigns you a task: In the page").uncheck()
        page.get_by_label("Somebody assigns you a task: On devices").uncheck()
        page.get_by_label("My own").check()
        page.get_by_label("From").first.fill("21:30")
        page.get_by_role("button", name="Save").first.click()
        expect(page.get_by_text("Saved.").first).to_be_visible()
        page.reload()
        expect(page.get_by_label("Somebody assigns you a task: In the page")).not_to_be_checked()
        expect(page.get_by_label("From").first).to_have_value("21:30")
        me = [owner_of(acme).user_id]
        with unit_of_work(acme.scope) as session:
            facts = {"task_id": "1", "title": "T", "by": "Dana"}
            assert service.notify(session, acme.business_id, me, "task_assigned", facts, "given") == 0


def pushed(page: Page, url: str, told: dict[str, str]) -> None:
    """Have the browser's push worker be given a message, as by its maker's service."""
    wire = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = []
    wire.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    wire.send("ServiceWorker.enable")
    workers: list[dict[str, Any]] = []
    for _ in range(600):
        workers = [one for one in found if one["scopeURL"].startswith(url) and not one["isDeleted"]]
        if workers:
            break
        page.wait_for_timeout(50)
    worker = workers[0]
    wire.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": url, "registrationId": worker["registrationId"], "data": json.dumps(told)},
    )
    wire.detach()


_SHOWN = """async () => {
  const worker = await navigator.serviceWorker.ready;
  return (await worker.getNotifications()).map(({ title, tag, dir, data }) => ({ title, tag, dir, data }));
}"""


def test_the_push_worker_shows_what_comes_once_and_nothing_is_registered_before_one_asks(
    chromium: Browser, url: str, acme: World
) -> None:
    told = {
        "id": "1",
        "tag": "a",
        "title": "Call Ruth",
        "body": "Due at 13:00",
        "path": "/tasks",
        "lang": "en",
    }
    with visiting(
        chromium, url, acme.email, "/notifications/settings", permissions=["notifications"]
    ) as page:
        expect(page.get_by_role("button", name="Notify me on this device")).to_be_visible()
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
        page.evaluate("async () => void (await navigator.serviceWorker.register('/push-worker.js'))")
        page.evaluate("async () => void (await navigator.serviceWorker.ready)")
        for message in (
            told,
            told,
            {**told, "id": "2", "title": "Call Ruth now"},
            {**told, "tag": "b", "lang": "he"},
        ):
            pushed(page, url, message)
        wanted = {"a": "Call Ruth now", "b": "Call Ruth"}
        eventually(
            lambda: {one["tag"]: one["title"] for one in page.evaluate(_SHOWN)} == wanted, "both are shown"
        )
        shown = {one["tag"]: one for one in page.evaluate(_SHOWN)}
        assert (shown["a"]["title"], shown["a"]["data"]) == ("Call Ruth now", {"id": "2", "path": "/tasks"})
        assert (shown["b"]["dir"], shown["a"]["dir"]) == ("rtl", "ltr")
