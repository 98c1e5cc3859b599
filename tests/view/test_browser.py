"""The viewer in a real browser: what a reader clicks and types, and what hostile texts can't do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import TOKEN, Served
from .payloads import PAYLOADS

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Any]:
    """The viewer at its address; at the end nothing may have been said on the console."""
    yield from _opened(browser, served)


def _opened(browser: Any, served: Served, **context: Any) -> Iterator[Any]:
    window = browser.new_context(**context)
    page = window.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served.address}/?token={TOKEN}")
    yield page
    window.close()
    assert not said


def test_two_clicks_from_the_list_to_a_lost_questions_texts(opened: Any, served: Served) -> None:
    opened.get_by_role("link", name="lost 1").click()
    assert opened.url == f"{served.address}/?lost=1"
    opened.locator("a.row-link").click()
    assert "lost%2Fone" in opened.url
    text = opened.locator(".side.before .group[open] .response .text").first
    assert text.is_visible()
    assert "that is" in text.inner_text()
    opened.reload()
    opened.get_by_role("link", name="The list").click()
    assert opened.url == f"{served.address}/?lost=1"


def test_filters_and_search_by_form(opened: Any) -> None:
    opened.get_by_label("order").select_option("rose")
    opened.get_by_role("button", name="Show").last.click()
    # With all of the page: the keys are the script's.
    opened.wait_for_url(re.compile("sort=rose"))
    assert opened.locator("a.row-link").first.inner_text().startswith("moved")
    opened.keyboard.press("/")
    opened.keyboard.type("needle")
    opened.keyboard.press("Enter")
    opened.wait_for_url(re.compile("search=needle"))
    assert opened.locator("a.row-link").count() == 1
    assert opened.get_by_label("order").input_value() == "rose"


def test_keys(opened: Any) -> None:
    for key in ("j", "j", "k", "j"):
        opened.keyboard.press(key)
    assert opened.evaluate("document.activeElement.textContent").strip().startswith("gained")
    opened.keyboard.press("Enter")
    opened.wait_for_url(re.compile("/question/gained"))
    opened.keyboard.press("n")
    opened.wait_for_url(re.compile("/question/moved"))
    opened.keyboard.press("p")
    opened.wait_for_url(re.compile("/question/gained"))
    opened.keyboard.press("?")
    assert opened.get_by_role("dialog").is_visible()
    opened.keyboard.press("Escape")
    assert not opened.get_by_role("dialog").is_visible()


def test_a_wrong_verdict_is_noted(opened: Any, served: Served, study: Any) -> None:
    opened.goto(f"{served.address}/question/gained")
    first = opened.locator(".side.after .response").first
    first.get_by_text("The verdict is wrong").click()
    first.get_by_label("why").fill("it is not <b>1</b>")
    first.get_by_role("button", name="Note it").click()
    try:
        noted = opened.get_by_text("is wrong (it is not <b>1</b>)")
        assert noted.is_visible()
        opened.get_by_role("button", name="Take back").click()
        assert noted.count() == 0
    finally:
        (study.path / "notes.jsonl").unlink()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_can_be_read(browser: Any, served: Served, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    size = {"width": width, "height": 844}
    for page in _opened(browser, served, viewport=size, color_scheme=scheme):
        for path in ("/", "/responses", "/question/same-0"):
            page.goto(served.address + path)
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            result = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "best-practice"]})
            assert result.violations_count == 0, result.generate_report()


def test_hostile_texts_run_nothing(browser: Any, served_hostile: Served) -> None:
    window = browser.new_context()
    ran: list[str] = []
    window.expose_function("ran", lambda: ran.append("ran"))
    page = window.new_page()
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.on("console", lambda message: ran.append(message.text))
    page.on(
        "request",
        lambda request: request.url.startswith(served_hostile.address) or ran.append(request.url),
    )
    page.goto(f"{served_hostile.address}/?token={TOKEN}")
    paths = ["/", "/responses", "/responses?page=2", "/responses?page=3"]
    paths += [f"/question/{quote(f'{at} {p}'[:300], safe='')}" for at, p in enumerate(PAYLOADS)]
    for path in paths:
        page.goto(served_hostile.address + path)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        # Nothing but the viewer's own addresses can be followed.
        hrefs = page.eval_on_selector_all("a, area, [*|href]", "all => all.map((a) => a.href)")
        own = [str(href) for href in hrefs if str(href).startswith(served_hostile.address)]
        assert len(own) == len(hrefs), path
    assert not ran
    window.close()
