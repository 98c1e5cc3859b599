"""The pages in a real browser: from the headline to a response, by mouse, keys and address."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liftmap.comparison.compare import compare
from liftmap.report.build import build_report
from liftmap.report.comparison import build_comparison_page

playwright = pytest.importorskip("playwright.sync_api")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser to open the page with: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def study_page(made: Any) -> str:
    return build_report(made.folder, made.config).resolve().as_uri()


@pytest.fixture(scope="module")
def pair_page(made: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "comparison.html"
    sides = [made.folder.path / "responses" / model / "test" for model in ("base", "rlvr@1")]
    build_comparison_page(compare(*sides, law_resamples=0), path)
    return path.as_uri()


class Opened:
    """A page in the browser, and all that it complained of."""

    def __init__(self, browser: Any, address: str, size: str = "desktop", scheme: str = "light"):
        width, height = SIZES[size]
        self.errors: list[str] = []
        self.page = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        ).new_page()
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(address)
        self.page.wait_for_selector("body[data-unpacked]", state="attached")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.errors.append(f"asked for {request.url}")

    def listed(self) -> list[str]:
        """The ids of the list, as shown."""
        return [str(a.get_attribute("title")) for a in self.page.query_selector_all("#list td a")]


def test_two_clicks_lead_from_the_headline_to_a_lost_question(browser: Any, pair_page: str) -> None:
    opened = Opened(browser, pair_page)
    page = opened.page
    links = [link for link in page.query_selector_all(".tallied a") if link.inner_text()[0] != "0"]
    count = int(links[0].inner_text().split()[0])
    links[0].click()
    assert len(opened.listed()) == min(count, 100)
    first = opened.listed()[0]
    page.click("#list td a")
    page.wait_for_selector("#question .side.after .text")
    assert page.inner_text("#question .side.after .text").strip()
    assert page.inner_text("#question-title") == first
    assert page.url.endswith(f"open={first}")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda address: "open=" not in address)
    assert not page.is_visible("#question")
    assert not opened.errors


def test_an_address_restores_what_was_seen(browser: Any, study_page: str) -> None:
    page = Opened(browser, study_page).page
    page.select_option("#arm", index=1)
    page.select_option("#show", "moved")
    page.fill("#find", "mother")
    seen, address = page.inner_text("#list"), page.url
    again = Opened(browser, address).page
    assert again.inner_text("#list") == seen
    assert again.input_value("#find") == "mother"
    again.click("text=Clear")
    assert again.input_value("#show") == "all"


def test_keys_move_through_the_list(browser: Any, pair_page: str) -> None:
    opened = Opened(browser, pair_page)
    page, ids = opened.page, opened.listed()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert page.inner_text("#question-title") == ids[1]
    page.keyboard.press("n")
    assert page.inner_text("#question-title") == ids[2]
    page.keyboard.press("p")
    assert page.inner_text("#question-title") == ids[1]
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.is_visible("#help-title")


def test_a_click_on_a_figure_filters_the_list(browser: Any, pair_page: str) -> None:
    opened = Opened(browser, pair_page)
    page = opened.page
    page.wait_for_selector("#matrix .panel:not([hidden]) svg .mark-rect path")
    everything = page.inner_text("#matches")
    page.click("#matrix .panel:not([hidden]) svg .mark-text text >> nth=0")
    assert "bin=" in page.url
    assert page.inner_text("#matches") != everything
    page.check("#matrix input[value='beyond noise']")
    assert page.is_visible("#matrix .panel[data-kind='beyond noise']")
    assert not page.is_visible("#matrix .panel[data-kind='counts']")
    assert not opened.errors


def test_a_study_shows_the_picked_arm(browser: Any, study_page: str) -> None:
    opened = Opened(browser, study_page)
    page = opened.page
    name = page.inner_text("[data-pick] >> nth=1")
    page.click("[data-pick] >> nth=1")
    assert page.get_attribute("[data-pick] >> nth=1", "aria-pressed") == "true"
    assert name in page.inner_text("#matches")
    shown = [
        panel.get_attribute("data-of")
        for panel in page.query_selector_all("#gain-by-difficulty .panel:not([hidden])")
    ]
    assert shown == [name]
    assert not opened.errors


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_chart_is_drawn_at_any_size(
    browser: Any, study_page: str, size: str, scheme: str
) -> None:
    opened = Opened(browser, study_page, size, scheme)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.evaluate("document.querySelectorAll('.panel').forEach((p) => { p.hidden = false; })")
    charts = page.query_selector_all(".chart")
    for chart in charts:
        chart.scroll_into_view_if_needed()
    page.wait_for_selector(f"body[data-drawn='{len(charts)}']", timeout=120_000)
    assert len(page.query_selector_all(".chart svg.marks")) == len(charts)
    assert not opened.errors


def test_a_chart_is_saved_as_a_figure(browser: Any, pair_page: str, tmp_path: Path) -> None:
    page = Opened(browser, pair_page).page
    for kind, head in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.click(f"#pass-at-k .save >> text={kind}")
        path = tmp_path / kind
        waiting.value.save_as(path)
        assert path.read_bytes().startswith(head)


def test_paper_holds_the_two_screens_and_the_lost_questions(
    browser: Any, pair_page: str, tmp_path: Path
) -> None:
    opened = Opened(browser, pair_page)
    opened.page.wait_for_selector("#matrix svg.marks")
    printed = tmp_path / "page.pdf"
    opened.page.emulate_media(media="print")
    opened.page.pdf(path=str(printed), format="A4")
    pages = len(re.findall(rb"/Type\s*/Page[^s]", printed.read_bytes()))
    assert 1 <= pages <= 4


def test_the_page_is_accessible(browser: Any, study_page: str, pair_page: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for address in (study_page, pair_page):
        for scheme in ("light", "dark"):
            opened = Opened(browser, address, scheme=scheme)
            result = axe.run(opened.page)
            assert not result.response["violations"], result.generate_report()
