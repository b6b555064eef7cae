"""The first page, as a person at the browser meets it.

`live_app` is a running application: `url`, `email` and `password` of an owner whose language is
English, `business_name`, and in that business a list, an agent and a finished run with calls that
were talked in.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

import trunkline.web

PAGE = Path(trunkline.web.__file__).parent / "page"
ENDED = ["completed", "cancelled", "failed"]
SETTLED = ["done", "failed", "cancelled", "unknown"]


def test_a_wrong_password_is_answered_with_a_sentence(page: Page, live_app: Any) -> None:
    _sign_in(page, live_app.email, "not the password")
    expect(page.get_by_role("alert")).to_have_text("E-mail address or password is wrong.")
    expect(page.locator("#password")).to_be_focused()


def test_a_person_signs_in_and_out(page: Page, live_app: Any) -> None:
    _sign_in(page, live_app.email, live_app.password)
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    expect(page.locator(".business")).to_have_text(live_app.business_name)
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#email")).to_be_visible()
    page.reload()
    expect(page.locator("#email")).to_be_visible()


def test_a_session_that_has_ended_does_not_bar_a_new_one(page: Page, live_app: Any) -> None:
    page.context.add_cookies([{"name": "trunkline", "value": "long-gone", "url": live_app.url}])
    page.reload()
    _sign_in(page, live_app.email, live_app.password)
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()


def test_a_finished_run_has_counts_that_add_up_and_no_bar(signed_in: Page) -> None:
    runs = signed_in.request.get(f"{_origin(signed_in)}/api/runs").json()
    finished = next(run for run in runs if run["state"] in ENDED)
    card = signed_in.locator(f"#run-{finished['id']}")
    counts = {
        figure.get_attribute("data-count"): int(figure.inner_text()) for figure in card.locator("dd").all()
    }
    assert counts == finished["progress"]
    assert counts.pop("total") == sum(counts.values()) > 0
    expect(card.get_by_role("progressbar")).to_have_count(0)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_the_bar_of_an_active_run_is_the_servers_count(signed_in: Page, state: str) -> None:
    progress = {"queued": 5, "active": 3, "done": 6, "failed": 3, "cancelled": 1, "unknown": 2, "total": 20}

    def answer(route: Route) -> None:
        run = route.fetch().json()[0]
        route.fulfill(json=[run | {"state": state, "finished_at": None, "progress": progress}])

    signed_in.route("**/api/runs", answer)
    signed_in.reload()
    bar = signed_in.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "12")
    expect(bar).to_have_attribute("aria-valuemax", "20")
    expect(bar).to_have_attribute("aria-valuetext", "12 of 20 settled, 60%")
    whole = bar.bounding_box()
    assert whole is not None
    for part in SETTLED:
        # The bar takes its new width in an animation; the share is what the rule says at its end.
        share = bar.locator(f"[data-tone={part}]").evaluate("part => part.style.getPropertyValue('--share')")
        assert float(share.removesuffix("%")) == pytest.approx(100 * progress[part] / 20)


def test_a_refused_start_says_which_run_is_active(signed_in: Page) -> None:
    run = signed_in.request.get(f"{_origin(signed_in)}/api/runs").json()[0]
    active = run | {"id": str(uuid.uuid4()), "title": "The <b>other</b> one", "state": "running"}
    error = {
        "code": "run_already_active",
        "message": "This list is being worked on already.",
        "data": {"run_id": active["id"]},
    }
    signed_in.route("**/api/runs", lambda route: route.fulfill(json=[run | {"state": "pending"}, active]))
    signed_in.route("**/api/runs/*/start", lambda route: route.fulfill(status=409, json={"error": error}))
    signed_in.reload()
    signed_in.get_by_role("button", name=f"Start: {run['title']}").click()
    alert = signed_in.get_by_role("alert")
    expect(alert).to_contain_text("This list is being worked on already.")
    link = alert.get_by_role("link", name="The <b>other</b> one")
    expect(link).to_have_attribute("href", f"#/runs/{active['id']}")


def test_a_call_shows_its_transcript(signed_in: Page) -> None:
    call = _talked_in(signed_in)
    signed_in.get_by_role("link", name="Calls", exact=True).click()
    signed_in.locator(f"a[href='#/calls/{call['id']}']").click()
    events = {"agent_said": [], "caller_said": []}
    for event in call["events"]:
        events.setdefault(event["kind"], []).append(event["data"])
    said = signed_in.locator("li[data-kind=agent_said] p")
    expect(said).to_have_text([" ".join(data["text"].split()) for data in events["agent_said"]])
    spoken = [data["text"] for data in events["caller_said"] if data["kind"] == "speech"]
    expect(signed_in.locator("li.caller[data-kind=caller_said] p")).to_have_text(spoken)


def test_words_that_were_not_heard_are_struck(signed_in: Page) -> None:
    call = _talked_in(signed_in)
    said = {
        "turn": 1, "text": "Good  morning. <b>Which</b> day suits you?",
        "heard_text": "Good morning. <b>Which</b>",
        "interrupted": True, "resumed": False,
    }  # fmt: skip
    events = [{"sequence": 1, "kind": "agent_said", "at": call["created_at"], "data": said}]
    signed_in.route(f"**/api/calls/{call['id']}", lambda route: route.fulfill(json=call | {"events": events}))
    signed_in.goto(f"{_origin(signed_in)}/old#/calls/{call['id']}")
    line = signed_in.locator("li[data-kind=agent_said]")
    expect(line.locator("p")).to_have_text("Good morning. <b>Which</b> day suits you?")
    expect(line.locator("s")).to_have_text("day suits you?")
    expect(line).to_contain_text("interrupted")


def test_hebrew_is_right_to_left_and_leaves_no_english(signed_in: Page) -> None:
    call = _talked_in(signed_in)
    run = signed_in.request.get(f"{_origin(signed_in)}/api/runs").json()[0]
    english, hebrew = (_strings(signed_in, language) for language in ("en", "he"))
    assert english.keys() == {key for key in hebrew if not key.endswith(".two")}
    assert all(hebrew.values())

    signed_in.get_by_label("Language").select_option("he")
    expect(signed_in.locator("html")).to_have_attribute("dir", "rtl")
    signed_in.reload()
    expect(signed_in.locator("html")).to_have_attribute("dir", "rtl")
    addresses = ["runs", "lists", "calls", "appointments", f"runs/{run['id']}", f"calls/{call['id']}"]
    ours = [_pattern(text) for key, text in english.items() if text != hebrew[key] and _has_words(text)]
    for address in addresses:
        signed_in.goto(f"{_origin(signed_in)}/old#/{address}")
        expect(signed_in.locator(f"[data-key='view #/{address}'] h1")).to_be_visible()
        left = [text for text in _texts(signed_in) if any(pattern.fullmatch(text) for pattern in ours)]
        assert left == [], f"English is left on {address}"


def test_the_faults_of_an_imported_file_are_shown(signed_in: Page) -> None:
    name = f"Import {uuid.uuid4().hex[:8]}"
    content = "phone,name\n+12125550123,Dana\nnot a number,<i>Noa</i>\n+12125550123,Dana again\n"
    signed_in.get_by_role("link", name="Lists", exact=True).click()
    signed_in.get_by_role("button", name="Import a file").click()
    signed_in.get_by_label("CSV or Excel file").set_input_files(
        files=[{"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content.encode()}]
    )
    expect(signed_in.get_by_label("Name of the list")).to_have_value(name)
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("dialog")).to_have_count(0)
    card = signed_in.locator("article", has=signed_in.get_by_role("heading", name=name))
    expect(card.locator(".badge")).to_have_text("Completed", timeout=30_000)
    figures = {"rows": "3", "imported": "1", "created": "1", "faults": "2"}
    for key, figure in figures.items():
        expect(card.locator(f"[data-count={key}]")).to_have_text(figure)
    with signed_in.expect_download() as download:
        card.get_by_role("link", name="Download them").click()
    saved = download.value.path().read_text("utf-8-sig")
    assert "3,'not a number' is not a telephone number," in saved
    assert "<i>Noa</i>" in saved
    assert "stands on line 2 already" in saved
    expect(signed_in.get_by_role("row", name=name)).to_be_visible()


@pytest.mark.parametrize("language", ["en", "he"])
def test_a_person_says_what_each_column_of_a_file_holds(signed_in: Page, language: str) -> None:
    signed_in.get_by_role("link", name="Lists", exact=True).click()
    if language == "he":
        signed_in.get_by_label("Language").select_option("he")
    words = _strings(signed_in, language)
    name = f"Import {uuid.uuid4().hex[:8]}"
    content = "Who,\u200fטלפון:,Reach\nDana,0,+12125550124\nNoa,0,nonsense\n"  # noqa: RUF001
    signed_in.get_by_role("button", name=words["lists.import"]).first.click()
    box = signed_in.get_by_role("dialog")
    box.get_by_label(words["import.file"]).set_input_files(
        files=[{"name": f"{name}.csv", "mimeType": "text/csv", "buffer": content.encode()}]
    )
    expect(box.get_by_label("טלפון:")).to_have_value("phone")
    expect(box.get_by_role("row", name=words["import.reason"])).to_be_visible()
    box.get_by_label("Reach").select_option("phone")
    expect(box.get_by_label("טלפון:")).to_have_value("")
    box.get_by_label("Who").select_option("name")
    expect(box.locator("[data-key='line 2']")).to_contain_text("+12125550124")
    expect(box.locator("[data-key='line 2']")).to_contain_text("Dana")
    reason = "'nonsense' is not a telephone number" if language == "en" else "אינו מספר טלפון"
    expect(box.locator("[data-key='line 3']")).to_contain_text(reason)
    box.get_by_label("Reach").select_option("")
    expect(box.get_by_role("alert")).to_have_count(1)
    box.get_by_label("Reach").select_option("phone")
    expect(box.get_by_role("alert")).to_have_count(0)
    box.get_by_role("button", name=words["import.button"], exact=True).click()
    expect(box).to_have_count(0)
    card = signed_in.locator("article", has=signed_in.get_by_role("heading", name=name))
    expect(card.locator("[data-count=imported]")).to_have_text("1", timeout=30_000)
    expect(card.locator("[data-count=faults]")).to_have_text("1")


def test_a_file_that_is_no_list_is_refused_in_the_dialog(signed_in: Page) -> None:
    signed_in.get_by_role("link", name="Lists", exact=True).click()
    signed_in.get_by_role("button", name="Import a file").click()
    signed_in.get_by_label("CSV or Excel file").set_input_files(
        files=[{"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG\xff\xfe\x01\x02"}]
    )
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("dialog").get_by_role("alert")).to_contain_text("neither CSV nor Excel")


def test_a_lost_connection_is_told_and_comes_back_by_itself(signed_in: Page) -> None:
    signed_in.context.set_offline(True)
    notice = signed_in.locator(".lost")
    expect(notice).to_contain_text("No connection to the server")
    signed_in.context.set_offline(False)
    expect(notice).to_have_count(0)


def test_nothing_sticks_out_on_a_telephone(signed_in: Page) -> None:
    signed_in.set_viewport_size({"width": 360, "height": 740})
    call = _talked_in(signed_in)
    for address in ("runs", "lists", "calls", f"calls/{call['id']}", "appointments"):
        signed_in.goto(f"{_origin(signed_in)}/old#/{address}")
        expect(signed_in.locator(f"[data-key='view #/{address}'] h1")).to_be_visible()
        assert signed_in.evaluate("document.documentElement.scrollWidth") <= 360, address


def test_the_page_names_no_physical_side_and_makes_no_markup_of_data() -> None:
    style = re.sub(r"/\*.*?\*/", "", (PAGE / "style.css").read_text(), flags=re.DOTALL)
    assert re.findall(r"(?<![\w-])(?:[\w-]+-)?(?:left|right)\b", style) == []
    unsafe = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b")
    assert [path.name for path in PAGE.glob("*.js") if unsafe.search(path.read_text())] == []


def _sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def _origin(page: Page) -> str:
    return str(page.evaluate("location.origin"))


def _talked_in(page: Page) -> dict[str, Any]:
    """Return a call in which both sides spoke, with its events."""
    api = f"{_origin(page)}/api/calls"
    for row in page.request.get(api).json()["calls"]:
        call = dict(page.request.get(f"{api}/{row['id']}").json())
        if {"agent_said", "caller_said"} <= {event["kind"] for event in call["events"]}:
            return call
    raise AssertionError("the running application holds no call in which both sides spoke")


def _strings(page: Page, language: str) -> dict[str, str]:
    """Return a language's dictionary as the page itself reads it."""
    module = "async language => (await import(`/page/${language}.js`)).default.strings"
    return dict(page.evaluate(module, language))


def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what a sentence of the dictionary looks like once its placeholders are filled."""
    return re.compile(".+".join(re.escape(part) for part in re.split(r"\{\w+\}", sentence)))


def _has_words(sentence: str) -> bool:
    return re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", sentence)) is not None


def _texts(page: Page) -> list[str]:
    """Return every piece of text that a person sees or hears on the page, but not what people wrote."""
    return list(
        page.evaluate(
            """() => {
              const texts = [document.title];
              const persons = "[dir=auto], [dir=ltr], option, noscript, pre";
              const told = ["aria-label", "title", "placeholder", "aria-valuetext"];
              const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
              while (walker.nextNode()) {
                const { parentElement, nodeValue } = walker.currentNode;
                if (!parentElement.closest(persons)) texts.push(nodeValue.trim());
              }
              for (const name of told)
                for (const element of document.querySelectorAll(`[${name}]`))
                  texts.push(element.getAttribute(name).trim());
              return texts.filter(Boolean);
            }"""
        )
    )
