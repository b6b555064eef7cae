"""Workers killed while people are reminded: the page says it once, and each device and letter box shows one.

Counted where it really arrives: at a push service, which keeps for a browser one message of a topic, and at a
mail server, by Message-ID. Between a service's answer and the word here nobody can know: there alone one more
of the same is sent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

import pytest

from support.installation import VAULT_KEY, Installation
from support.post_office import PostOffice, open_post_office
from support.processes import eventually
from support.push_service import OWN_NETWORK, PushStand, open_push_service, public_key
from support.world import make_world
from support.yard import HASTE, Yard
from tasks.staff import owner_of, sendings, task, told
from trunkline.core import registry
from trunkline.core.db import SYSTEM, unit_of_work
from trunkline.core.jobs import enqueue_job
from trunkline.domain.notifications import choices
from trunkline.kit import clock
from trunkline.kit.safe_http import SafeHttp
from trunkline.providers.web_push import WebPush

PATIENT = HASTE | {"lease_seconds": 5.0}
"""Long enough that a busy machine takes no job from a worker that is at it, which would be sent twice."""
TITLES = ["Call Ruth", "Send the quote", "Water the plants"]


@pytest.fixture(scope="module")
def push_stand(servers: Installation) -> Iterator[PushStand]:
    """A push service on this machine, to which this process may subscribe people."""
    before = registry.pusher()
    registry.register_pusher(
        WebPush("mailto:calls@agency.example", SafeHttp(allowed=[ip_network(OWN_NETWORK)]))
    )
    with open_push_service() as stand:
        yield stand
    registry.register_pusher(before)


@pytest.fixture(scope="module")
def post_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with open_post_office(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.mark.parametrize(
    ("barrier", "nth", "twice"),
    [
        ("reminders.written", 1, 0),
        ("sql.commit", 4, 0),
        ("push.ready", 1, 0),
        ("push.sent", 2, 1),
        ("mail.ready", 1, 0),
        ("mail.sent", 2, 1),
    ],
)
def test_each_is_reminded_once_though_a_worker_is_killed(  # noqa: PLR0917 - fixtures
    barrier: str, nth: int, twice: int, yard: Yard, push_stand: PushStand, post_office: PostOffice
) -> None:
    post_office.empty()
    acme = make_world("Acme", number="+12125550190", phones=("+12125550101",))
    me = owner_of(acme).user_id
    ways = {"task_due": {"page": True, "push": True, "email": True}}
    with unit_of_work(acme.scope) as session:
        choices.choose(session, acme.business_id, me, kinds=ways, ahead=[15], own_quiet=False, quiet=None)
    browser = push_stand.browser(public_key(acme))
    browser.subscribe(acme, me)
    due = clock.now() + timedelta(minutes=10)
    with clock.frozen_at(due - timedelta(hours=2)):
        for title in TITLES:
            task(acme, title, due_on=f"{due:%Y-%m-%d}", due_time=f"{due:%H:%M}")

    environment = {
        "PRIVATE_NETWORKS_ALLOWED": OWN_NETWORK, "SMTP_URL": post_office.url,
        "MAIL_FROM": "calls@agency.example", "VAULT_KEY": base64.b64encode(VAULT_KEY).decode(),
    }  # fmt: skip
    with unit_of_work(SYSTEM):
        enqueue_job("default", "send_reminder_notifications")
    victim = yard.start_worker(barrier=barrier, nth=nth, settings=PATIENT, environment=environment)
    victim.wait_until_dead()
    assert victim.has_reached
    yard.start_upkeep(settings=PATIENT)
    yard.start_worker(settings=PATIENT, environment=environment)
    eventually(lambda: yard.unfinished() == 0, "everybody is reminded", within_s=60)
    # The next minute tells nobody anything new.
    with unit_of_work(SYSTEM):
        enqueue_job("default", "send_reminder_notifications")
    eventually(lambda: yard.unfinished() == 0, "the next minute is over", within_s=60)

    assert sorted(row.data["title"] for row in told(acme)) == sorted(TITLES)
    assert sorted(message["payload"]["title"] for message in browser.shown()) == sorted(TITLES)
    letters = post_office.letters(acme.email)
    assert sorted({letter["Message-ID"]: letter["Subject"] for letter in letters}.values()) == sorted(TITLES)
    assert {sending.state for sending in sendings(acme)} == {"sent"}
    # Nothing went twice but what nobody could know of.
    assert len(browser.arrived()) == len(TITLES) + (twice if "push" in barrier else 0)
    assert len(letters) == len(TITLES) + (twice if "mail" in barrier else 0)
