"""The pages about jobs and the system, as an owner and a system admin meet them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import text

from browser.conftest import _is_violation, _visit, serving
from browser.test_first_page import _has_words, _pattern, _strings, _texts
from jobs.handlers import fail_until, leave_mark
from support.installation import Installation
from support.processes import eventually
from support.world import PASSWORD, World
from trunkline import schedule
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.people import service as people
from trunkline.kit import clock
from trunkline.kit.ids import new_id

ADMIN = "admin@trunkline.example"
_IS_READY = "() => { try { return typeof baseurl === 'string' } catch { return false } }"
"""Whether the script of RQ's dashboard has run as far as the name that all of it uses."""
TRACE = """Traceback (most recent call last):
  File "jobs.py", line 41, in finalize_call_log
    <b>raise</b> RuntimeError(said)
RuntimeError: the printer is on fire
"""


@pytest.fixture(scope="module")
def url(servers: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real API on the session's servers."""
    with serving(servers, tmp_path_factory.mktemp("api")) as address:
        yield address


@contextmanager
def visit(chromium: Browser, url: str, email: str, address: str) -> Iterator[Page]:
    """Open a page as somebody who has signed in."""
    context = chromium.new_context()
    answer = context.request.post(
        f"{url}/api/sign-in", data={"email": email, "password": PASSWORD}, headers={"X-Trunkline": "1"}
    )
    assert answer.ok, answer.text()
    session = context.storage_state()
    context.close()
    with _visit(chromium, f"{url}/old#/{address}", session) as page:
        yield page


@pytest.fixture
def owner(chromium: Browser, url: str, acme: World) -> Iterator[Page]:
    """Acme's owner on the page of jobs."""
    with visit(chromium, url, acme.email, "jobs") as page:
        yield page


@pytest.fixture
def admin(chromium: Browser, url: str, installation: Installation) -> Iterator[Page]:
    """A system admin on the page of the system, in no business."""
    with unit_of_work(SYSTEM) as session:
        people.create_user(
            session, business_id=None, email=ADMIN, name="A", password=PASSWORD, role=None, actor="test"
        )
    with visit(chromium, url, ADMIN, "system") as page:
        yield page


def settle(installation: Installation, job_id: UUID, **columns: Any) -> None:
    """Give a row what a worker would have given it."""
    assert installation.database.relay is not None
    values = ", ".join(f"{name} = :{name}" for name in columns)
    with installation.database.relay.begin() as relay:
        relay.execute(text(f"update jobs set {values} where id = :id"), {**columns, "id": job_id})


def fill(installation: Installation, world: World) -> dict[str, UUID]:
    """Give a business a job of every kind."""
    now = clock.now()
    with unit_of_work(world.scope):
        made = {
            "queued": enqueue_job("high", leave_mark, "<i>one</i>"),
            "later": enqueue_job("default", leave_mark, "two", run_in=5400),
            "running": enqueue_job("maintenance", fail_until, 2, run_id=new_id()),
            "done": enqueue_job("default", leave_mark, "four"),
            "dead": enqueue_job("recordings", fail_until, 9),
        }
    settle(installation, made["queued"], run_at=now - timedelta(seconds=75))
    settle(
        installation, made["running"], state="running", attempt=1, started_at=now - timedelta(minutes=12),
        progress_done=1250, progress_total=20000, lease_owner="worker-1",
        lease_expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    settle(
        installation, made["done"], state="succeeded", attempt=1, started_at=now, finished_at=now,
        run_at=now - timedelta(milliseconds=12),
    )  # fmt: skip
    settle(
        installation, made["dead"], state="failed", attempt=3, error=TRACE, run_at=now - timedelta(hours=2),
        started_at=now - timedelta(hours=1, minutes=59), finished_at=now - timedelta(hours=1, minutes=58),
    )  # fmt: skip
    return made


def rows_of(page: Page, caption: str) -> Any:
    return page.get_by_role("table", name=caption).locator("tbody tr")


def test_an_empty_ledger_teaches_what_jobs_are(owner: Page) -> None:
    expect(owner.get_by_role("heading", name="No job yet")).to_be_visible()


def test_what_stands_where_is_counted_and_a_number_narrows_the_list(
    installation: Installation, acme: World, owner: Page
) -> None:
    made = fill(installation, acme)
    owner.reload()
    standing = rows_of(owner, "Jobs by queue")
    expect(standing).to_have_count(4)
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(5)
    dead = owner.locator(f"tr[data-key='{made['dead']}']")
    expect(dead).to_contain_text("RuntimeError: the printer is on fire")
    expect(dead).to_contain_text("3/3")
    running = owner.locator(f"tr[data-key='{made['running']}']")
    expect(running).to_contain_text("1,250 of 20,000")

    owner.get_by_role("button", name="1 Dead in recordings: show these only").click()
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(1)
    expect(owner.get_by_label("Queue")).to_have_value("recordings")
    expect(owner.get_by_label("State")).to_have_value("failed")
    owner.get_by_role("button", name="Show all").click()
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(5)
    expect(owner.get_by_label("State")).to_have_value("")
    expect(owner.get_by_label("Queue")).to_be_focused()


def test_filters_work_by_keyboard_and_keep_the_focus(
    installation: Installation, acme: World, owner: Page
) -> None:
    fill(installation, acme)
    owner.reload()
    owner.get_by_label("State").focus()
    owner.keyboard.type("Wait")
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(2)
    expect(owner.get_by_label("State")).to_be_focused()
    owner.get_by_label("State").select_option("")
    owner.get_by_label("Job").fill("fail_until")
    with owner.expect_response("**/api/jobs?*name=fail_until*"):
        # What is typed while the answer to this is on its way stays.
        owner.keyboard.press("Enter")
        owner.get_by_label("Job").fill("nothing_is_called")
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(2)
    expect(owner.get_by_label("Job")).to_have_value("nothing_is_called")
    expect(owner.get_by_label("Job")).to_be_focused()
    owner.get_by_label("Job").fill("nothing_is_called_so")
    owner.keyboard.press("Enter")
    expect(owner.locator("main")).to_contain_text("No job is such a one.")


def test_a_dead_job_is_sent_back_and_followed_to_its_end(
    installation: Installation, acme: World, owner: Page
) -> None:
    made = fill(installation, acme)
    settle(installation, made["dead"], name="leave_mark", queue="default")
    owner.goto(owner.url.replace("#/jobs", f"#/jobs/{made['dead']}"))
    expect(owner.locator("pre.trace")).to_have_text(TRACE)
    owner.get_by_role("button", name="Send it back").click()
    expect(owner.get_by_role("status").filter(has_text="The job is queued again.")).to_be_visible()
    expect(owner.locator("h1 .badge")).to_have_text("Waiting")
    installation.run_jobs("default")
    expect(owner.locator("h1 .badge")).to_have_text("Succeeded")


def test_a_running_job_is_told_to_stop_and_what_that_means_is_said_first(
    installation: Installation, acme: World, owner: Page
) -> None:
    made = fill(installation, acme)
    owner.goto(owner.url.replace("#/jobs", f"#/jobs/{made['running']}"))
    owner.get_by_role("button", name="Stop", exact=True).click()
    dialog = owner.get_by_role("dialog")
    expect(dialog).to_contain_text("What it has written stays.")
    expect(dialog.get_by_label("Stop it by force, at once")).not_to_be_checked()
    dialog.get_by_role("button", name="Leave it").click()
    expect(owner.locator("h1 .badge")).to_have_text("Running")
    owner.get_by_role("button", name="Stop", exact=True).click()
    dialog.get_by_role("button", name="Stop the job").click()
    expect(owner.locator("h1 .badge")).to_have_text("Told to stop")
    expect(owner.get_by_role("status").filter(has_text="The job was told to stop.")).to_be_visible()


def test_a_refusal_is_shown_in_a_sentence(installation: Installation, acme: World, owner: Page) -> None:
    made = fill(installation, acme)
    owner.goto(owner.url.replace("#/jobs", f"#/jobs/{made['queued']}"))
    owner.get_by_role("button", name="Cancel", exact=True).click()
    settle(installation, made["queued"], state="succeeded")
    owner.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(owner.get_by_role("alert")).to_contain_text("The job is succeeded and cannot be cancelled.")
    owner.goto(owner.url.replace(str(made["queued"]), str(new_id())))
    expect(owner.get_by_role("alert")).to_contain_text("There is no such job.")


def test_dead_jobs_go_back_together_as_filtered(installation: Installation, acme: World, owner: Page) -> None:
    made = fill(installation, acme)
    settle(installation, made["done"], state="failed")
    owner.reload()
    owner.get_by_label("Queue").select_option("recordings")
    expect(rows_of(owner, "Jobs, newest first")).to_have_count(1)
    owner.get_by_role("button", name="Send dead jobs back").click()
    dialog = owner.get_by_role("dialog")
    expect(dialog).to_contain_text("in the queue recordings")
    dialog.get_by_role("button", name="Send them back").click()
    expect(owner.get_by_role("status").filter(has_text="1 job is queued again.")).to_be_visible()


def test_an_agent_is_not_shown_the_way_to_jobs(
    chromium: Browser, url: str, acme: World, installation: Installation
) -> None:
    from trunkline.core.access import Role

    with unit_of_work(acme.scope) as session:
        people.create_user(
            session, business_id=acme.business_id, email="x@acme.example", name="X", password=PASSWORD,
            role=Role.AGENT, actor="test",
        )  # fmt: skip
    with visit(chromium, url, "x@acme.example", "jobs") as page:
        expect(page.get_by_role("alert")).to_contain_text("This needs the role admin.")
        expect(page.get_by_role("link", name="Runs", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Jobs", exact=True)).to_have_count(0)


def test_a_system_admin_sees_the_system(installation: Installation, acme: World, admin: Page) -> None:
    expect(admin.locator("main")).to_contain_text("No worker runs")
    populate_system(installation, acme)
    expect(rows_of(admin, "Workers")).to_have_count(2)
    expect(rows_of(admin, "Workers").first).to_contain_text("dial_next")
    expect(rows_of(admin, "Workers").last).to_contain_text("Silent")
    expect(rows_of(admin, "Who waits in them").filter(has_text="Acme")).to_have_count(4)
    expect(rows_of(admin, "Recurring jobs")).to_have_count(len(schedule.RECURRING))
    admin.get_by_role("link", name="Jobs of the system").click()
    expect(rows_of(admin, "Jobs, newest first")).to_have_count(1)
    rows_of(admin, "Jobs, newest first").get_by_role("link").click()
    admin.get_by_role("button", name="Cancel", exact=True).click()
    admin.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
    expect(admin.locator("h1 .badge")).to_have_text("Cancelled")


def populate_system(installation: Installation, world: World) -> None:
    """Let there be workers, and jobs of the business and of the system."""
    fill(installation, world)
    with unit_of_work(SYSTEM):
        enqueue_job("maintenance", leave_mark, "ours")
    assert installation.database.relay is not None
    with installation.database.relay.begin() as relay:
        for pid, state, job, age in ((7, "busy", "dial_next", -300), (8, "idle", None, 400)):
            # The first has just told of itself, and will have for the test's length.
            relay.execute(
                text(
                    "insert into workers (name, host, pid, version, queues, state, started_at, beat_at,"
                    " job_name, jobs_run, rss_bytes) select 'w' || n, 'box', n, '0',"
                    ' \'["high", "default"]\', :state, now(), now() - make_interval(secs => :age), :job,'
                    " 48211, 91226112 from cast(:pid as int) n"
                ),
                {"pid": pid, "state": state, "job": job, "age": age},
            )


def test_hebrew_leaves_no_english(
    installation: Installation, acme: World, chromium: Browser, url: str, admin: Page
) -> None:
    made = fill(installation, acme)
    populate_system(installation, acme)
    english, hebrew = (_strings(admin, language) for language in ("en", "he"))
    ours = [
        _pattern(sentence)
        for key, sentence in english.items()
        if sentence != hebrew[key] and _has_words(sentence)
    ]
    with visit(chromium, url, acme.email, "jobs") as owner:
        for page, addresses in (
            (owner, ["jobs", f"jobs/{made['dead']}", f"jobs/{made['running']}"]),
            (admin, ["system", "system-jobs"]),
        ):
            page.get_by_label("Language").select_option("he")
            for address in addresses:
                page.goto(f"{url}/old#/{address}")
                expect(page.locator(f"[data-key='view #/{address}'] h1")).to_be_visible()
                left = [said for said in _texts(page) if any(pattern.fullmatch(said) for pattern in ours)]
                assert left == [], f"English is left on {address}"


def test_nothing_sticks_out_on_a_telephone(
    installation: Installation, acme: World, chromium: Browser, url: str, admin: Page
) -> None:
    made = fill(installation, acme)
    populate_system(installation, acme)
    with visit(chromium, url, acme.email, "jobs") as owner:
        for page, addresses in (
            (owner, ["jobs", f"jobs/{made['dead']}", f"jobs/{made['running']}"]),
            (admin, ["system", "system-jobs"]),
        ):
            page.set_viewport_size({"width": 360, "height": 740})
            for address in addresses:
                page.goto(f"{url}/old#/{address}")
                expect(page.locator(f"[data-key='view #/{address}'] h1")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") <= 360, address


def test_rq_s_dashboard_works_under_its_policy(
    installation: Installation, acme: World, chromium: Browser, url: str, admin: Page
) -> None:
    with unit_of_work(acme.scope):
        enqueue_job("default", leave_mark, "one")
    # A page of its own: that the policy stops something is what is tried here.
    context = chromium.new_context(storage_state=admin.context.storage_state())
    page, told = context.new_page(), []
    page.on("console", lambda message: _is_violation(message.text) and told.append(message.text))
    page.goto(f"{url}/admin/rq/")
    page.wait_for_url(f"{url}/admin/rq/queues")
    expect(page.get_by_role("link", name="Workers")).to_be_visible()
    # Its script begins by naming this; a page that refreshes itself may be between two documents.
    eventually(lambda: page.evaluate(_IS_READY), "the script of the page has run")
    with page.expect_response("**/admin/rq/queues/json") as asked:  # its own refresh
        page.evaluate("updateQueuesData()")
    assert asked.value.status == 200
    page.get_by_role("link", name="Workers").click()
    page.wait_for_url(f"{url}/admin/rq/workers")
    assert told == []
    # What a script that somebody put into Redis would try: to speak to our API, or to open our page.
    assert page.evaluate("fetch('/api/me').then(() => 'answered', () => 'stopped')") == "stopped"
    assert page.evaluate("window.open('/') === null")
    assert "/api/me" in told[0]
    context.close()
