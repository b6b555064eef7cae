"""Settings as people meet them: invitations, forgotten passwords, keys, hours, and one's own account."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from browser.conftest import SENDER
from browser.dashboard import visiting
from support.installation import TOKEN_KEY, Installation
from support.post_office import PostOffice, link_in
from support.world import PASSWORD, World
from trunkline.core import registry
from trunkline.core.db import unit_of_work
from trunkline.domain.people.links import PeopleLinks, install_links
from trunkline.domain.tenants import service as tenants
from trunkline.providers.smtp import SmtpMailer

NEW = "another long passphrase"
ANN = "ann@new.example"
KEY = "sk-live-0123456789abcdefghijWXYZ"


@pytest.fixture(scope="module", autouse=True)
def _mailer(url: str, post_office: PostOffice) -> Iterator[None]:
    """Letters are sent by this process, as by a worker."""
    install_links(PeopleLinks(url, TOKEN_KEY))
    registry.register_mailer(SmtpMailer(post_office.url, sender=SENDER))
    yield
    registry.register_mailer(None)
    install_links(PeopleLinks("http://127.0.0.1:8000", TOKEN_KEY))


def sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_person_is_invited_joins_and_gets_another_role(
    chromium: Browser, url: str, acme: World, installation: Installation, post_office: PostOffice
) -> None:
    post_office.empty()
    with visiting(chromium, url, acme.email, "/settings/people") as owner:
        owner.get_by_role("button", name="Invite a person").first.click()
        form = owner.get_by_role("dialog")
        form.get_by_label("E-mail address").fill(ANN)
        form.get_by_role("button", name="Invite").click()
        invitations = owner.get_by_role("region", name="Open invitations", exact=True).last
        expect(invitations).to_contain_text("On its way")
        installation.run_jobs("default")
        expect(invitations).to_contain_text("Sent")

        link = link_in(post_office.letters(ANN)[0])
        with visiting(chromium, url, path=link.removeprefix(url), refusals={401}) as ann:
            expect(ann.get_by_role("heading", name="Join Acme")).to_be_visible()
            ann.get_by_label("Your name").fill("Ann Bell")
            ann.get_by_label("Choose a password").fill(NEW)
            ann.get_by_role("button", name="Join").click()
            expect(ann.get_by_role("banner")).to_contain_text("Acme")

            # The owner's page knows it by itself.
            people = owner.get_by_role("region", name="People of the business", exact=True).last
            expect(people).to_contain_text("Ann Bell")
            expect(owner.get_by_text("On its way")).to_have_count(0)
            owner.get_by_role("button", name="Actions for Ann Bell").click()
            owner.get_by_role("menuitem", name="Change role").click()
            owner.get_by_role("dialog").get_by_label("Admin").check()
            owner.get_by_role("button", name="Change role").click()
            expect(people.get_by_role("row", name=re.compile("Ann Bell"))).to_contain_text("Admin")

            # Her session is over; she signs in as what she is now.
            ann.reload()
            sign_in(ann, ANN, NEW)
            ann.get_by_role("link", name="Settings").click()
            expect(ann.get_by_role("heading", name="Business", exact=True)).to_be_visible()


def test_a_forgotten_password_is_chosen_anew(
    chromium: Browser, url: str, acme: World, installation: Installation, post_office: PostOffice
) -> None:
    post_office.empty()
    with visiting(chromium, url) as page:
        page.get_by_role("link", name="Forgotten your password?").click()
        # The form before it has a field of the same name.
        expect(page.get_by_role("heading", name="Forgotten your password?")).to_be_visible()
        page.get_by_label("E-mail address").fill(acme.email)
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("status")).to_contain_text("a link is on its way")
        installation.run_jobs("default")
        (letter,) = post_office.letters(acme.email)
        page.goto(link_in(letter))
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_role("status")).to_contain_text("The new password is set")
        page.get_by_role("link", name="Go to sign-in").click()
        sign_in(page, acme.email, NEW)
        expect(page.get_by_role("banner")).to_contain_text("Acme")


def test_a_link_that_is_over_is_said_so(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, path="/invitation#nonsense", language="he", refusals={404}) as page:
        expect(page.get_by_role("heading", name="ההזמנה הזו כבר אינה נפתחת")).to_be_visible()


def test_a_key_goes_in_and_comes_out_nowhere(chromium: Browser, url: str, acme: World) -> None:
    bodies: list[str] = []

    def read(response: Response) -> None:
        # The stream has no end, and so no body.
        if "/api/" in response.url and "/stream" not in response.url:
            bodies.append(response.text())

    with visiting(chromium, url, acme.email, "/settings/keys") as page:
        page.on("response", read)
        page.get_by_role("button", name="Add a key of OpenAI").click()
        page.get_by_label("Key of OpenAI").fill(KEY)
        page.get_by_role("button", name="Save key").click()
        card = page.get_by_role("region", name="OpenAI")
        expect(card).to_contain_text("•••• WXYZ")
        expect(card).to_contain_text("Own key")
        page.reload()
        expect(card).to_contain_text("•••• WXYZ")
        assert KEY not in page.content()
        page.get_by_role("button", name="Remove the key of OpenAI").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(card).to_contain_text("No key of your own")
        page.remove_listener("response", read)
    assert len(bodies) >= 5
    assert [body for body in bodies if KEY in body] == []


def test_hours_colleagues_and_numbers_are_kept(chromium: Browser, url: str, acme: World) -> None:
    with visiting(chromium, url, acme.email, "/settings") as page:
        page.get_by_label("Name of the business").fill("Acme & Sons")
        # What a colleague saves meanwhile shows where nobody has typed, and saving the rest leaves it.
        with unit_of_work(acme.scope) as session:
            tenants.change_business(session, acme.business_id, {"slot_minutes": 45}, actor="ann@acme.example")
        expect(page.get_by_role("combobox", name="Length of an appointment")).to_have_value("45 minutes")
        page.get_by_role("switch", name="Sunday").check(force=True)
        page.get_by_role("combobox", name="Sunday, until").click()
        page.get_by_role("option", name="13:15").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("banner")).to_contain_text("Acme & Sons")

        pages = page.get_by_role("navigation", name="Settings pages")
        pages.get_by_role("link", name="Calling hours").click()
        page.get_by_role("combobox", name="Call until").click()
        page.get_by_role("option", name="20:30").click()
        page.get_by_label("Saturday").uncheck()
        page.get_by_label("Dials per day").fill("")
        page.get_by_label("Said before anything else").fill("This is an AI.")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("It applies from the next dial on.")).to_be_visible()

        page.get_by_role("link", name="Call transfers").click()
        page.get_by_role("button", name="Add a colleague").click()
        page.get_by_label("Extension", exact=True).fill("7")
        page.get_by_label("Name", exact=True).fill("Office")
        page.get_by_label("Number", exact=True).fill("(212) 555-0177")
        page.get_by_label("A callback").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.").last).to_be_visible()

        page.get_by_role("link", name="Numbers").click()
        page.get_by_role("combobox", name=f"Who answers {acme.number}").click()
        page.get_by_role("option", name="Nobody").click()
        expect(page.get_by_text("Saved.").last).to_be_visible()
        page.reload()
        expect(page.get_by_role("combobox", name=f"Who answers {acme.number}")).to_have_value(
            "Nobody: calls are rejected"
        )
    with unit_of_work(acme.scope) as session:
        business = tenants.get_business(session, acme.business_id)
        assert (business.name, business.slot_minutes) == ("Acme & Sons", 45)
        assert business.working_hours["sunday"] == [["09:00", "13:15"]]
        assert business.extensions == [{"extension": "7", "name": "Office", "number": "+12125550177"}]
        assert business.when_full == "callback"
        assert business.calling_window == {"from": "00:00", "to": "20:30"}
        rules = business.calling_rules
        assert "saturday" not in rules["days"]
        assert len(rules["days"]) == 6
        assert (rules["attempts_per_day"], rules["disclosure"]) == (None, "This is an AI.")
        assert tenants.list_numbers(session, acme.business_id)[0].agent_id is None


def test_one_s_account_is_one_s_own(chromium: Browser, url: str, acme: World) -> None:
    with (
        visiting(chromium, url, acme.email, "/account") as page,
        visiting(chromium, url, acme.email, "/account", refusals={401}) as other,
    ):
        expect(page.get_by_role("region", name="Where you are signed in").last).to_contain_text("Here")
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("New password").fill(NEW)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("The password is changed.")).to_be_visible()
        other.reload()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
        page.get_by_role("combobox", name="Language of pages and e-mails").click()
        page.get_by_role("option", name="עברית").click()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_role("heading", name="החשבון שלי")).to_be_visible()
