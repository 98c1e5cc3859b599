"""One question as it is shown: worked cases, and texts that want to be more than texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest

from liftmap.read.outcomes import TEXTS
from liftmap.report.mathematics import mathml, pieces
from liftmap.report.question_view import SideRows, question_html, question_view, text_html

from .payloads import PAYLOADS

# All that a question's HTML is made of.
ELEMENTS = set(
    re.findall(
        r"\w+",
        "div section h2 p span b i svg circle rect path table caption tbody tr th td details "
        "summary article mark a",
    )
)
MATHML = {"math", "mrow", "mi", "mo", "mn", "mtext", "msup", "mfrac", "msqrt", "mspace", "mstyle"}
ATTRIBUTES = {
    "class", "aria-label", "aria-hidden", "width", "height", "viewbox", "cx", "cy", "r", "x", "y",
    "d", "scope", "open", "data-number", "title", "dir", "display", "href", "stretchy",
    "mathvariant",
}  # fmt: skip


def rows(*responses: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        [{**dict.fromkeys(TEXTS), "question_id": "q", **each} for each in responses], schema=TEXTS
    )


def said(text: str, answer: str | None, right: bool | None, tokens: int | None = None) -> Any:
    return {"text": text, "answer": answer, "right": right, "tokens": tokens}


class Tags(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def test_answers_are_a_histogram_and_responses_stand_by_answer() -> None:
    lengths = [9, 4, 7, 5, 6]
    given = [said(f"it is 5 {'x' * n}", "5", True, n) for n in lengths]
    given[2:2] = [said("it is 6", "6", False, 3), said("", None, None)]
    [side] = question_view("q", [SideRows("m", rows(*given))], "What?", "5").sides
    assert (side.n, side.c, side.unscored) == (6, 5, 1)
    assert [(g.answer, g.verdict, g.count) for g in side.groups] == [
        ("5", "right", 5),
        ("6", "wrong", 1),
        ("", "unscored", 1),
    ]
    assert sum(group.share for group in side.groups) == pytest.approx(1)
    # The first has 9 tokens, the shortest 4, the median 6; the others follow in their order.
    assert [(r.role, r.number, r.tokens) for r in side.groups[0].responses] == [
        ("first", 0, 9),
        ("shortest", 1, 4),
        ("typical", 6, 6),
        ("next", 4, 7),
        ("next", 5, 5),
    ]


def test_a_page_of_eight_shows_each_answer_before_a_second_of_any() -> None:
    given = [said(f"say {a}", str(a), a == 0) for a in range(5) for _ in range(20 - a)]
    [side] = question_view("q", [SideRows("m", rows(*given))], most_responses=8).sides
    assert [len(group.responses) for group in side.groups] == [2, 2, 2, 1, 1]
    assert [group.left_out for group in side.groups] == [18, 17, 16, 16, 15]


def test_many_answers_are_counted_and_said() -> None:
    given = [said(f"say {a}", str(a), False) for a in range(30)]
    view = question_view("q", [SideRows("m", rows(*given))])
    assert (len(view.sides[0].groups), view.sides[0].other_answers) == (12, 18)
    assert "18 other answers" in question_html(view)


def test_the_one_right_response_is_shown_however_many_wrong_answers_there_are() -> None:
    wrong = [said(f"it is {i}", str(i), False) for i in range(20) for _ in range(3)]
    (side,) = question_view("q", [SideRows("m", rows(*wrong, said("it is x", "x", True)))]).sides
    (right,) = (group for group in side.groups if group.verdict == "right")
    assert right.answer == "x"
    assert len(right.responses) == 1
    assert side.other_answers == 21 - len(side.groups)


def test_a_response_is_set_in_its_parts() -> None:
    text = "<think>try 4 <b></think>The sum $2+3$ is so \\boxed{5}."
    [side] = question_view("q", [SideRows("m", rows(said(text, "5", True)))]).sides
    [response] = side.groups[0].responses
    assert response.thought == "try 4 &lt;b&gt;"
    assert "<math" in response.text
    assert r"\boxed{<mark>5</mark>}." in response.text
    cut = {**said("<think>on and on", None, False), "truncated": True}
    [side] = question_view("q", [SideRows("m", rows(cut))]).sides
    html = question_html(question_view("q", [SideRows("m", rows(cut))]))
    assert (side.groups[0].responses[0].unfinished, side.truncated) == (True, 1)
    assert "ended while thinking" in html
    assert "cut by the token limit" in html


def test_the_last_place_of_the_answer_is_marked() -> None:
    assert text_html("5 or 15, so 5.", "5") == "5 or 15, so <mark>5</mark>."
    assert text_html("so $x=5$", "5").startswith("so <mark><math")
    assert text_html("none here", "5") == "none here"


def test_a_long_text_is_shown_by_its_ends() -> None:
    long = "begin " + "x" * 50_000 + " \\boxed{5}"
    [side] = question_view("q", [SideRows("m", rows(said(long, "5", True)))]).sides
    [response] = side.groups[0].responses
    assert response.left_out == len(long) - 16_000
    assert response.text.startswith("begin")
    assert "<mark>5</mark>" in response.text
    [side] = question_view(
        "q", [SideRows("m", rows(said(long, "5", True)))], most_characters=None
    ).sides
    assert side.groups[0].responses[0].left_out == 0


def test_two_sides_and_a_conversation() -> None:
    single = SideRows("base", rows(said("so 5", "5", True)))
    none = SideRows("tuned", rows())
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "2+3?"}]
    html = question_html(question_view("q", [single, none], messages, "5"))
    place = 0
    for part in (
        "system",
        "Be short.",
        "user",
        "2+3?",
        "Gold answer",
        "before",
        "after",
        "No resp",
    ):
        place = html.index(part, place)


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("it costs $5 and $6 more", []),
        ("$x$ and $$y$$ and \\(z\\) and \\[w\\]", ["x", "y", "z", "w"]),
        ("an escaped \\$5 and $a\\$b$", ["a\\$b"]),
        ("$ 5 $ and $5\n6$", []),
        ("\\(open and $open", []),
    ],
)
def test_formulas_are_found(text: str, formulas: list[str]) -> None:
    result = list(pieces(text))
    assert [piece.formula for piece in result if piece.formula is not None] == formulas
    assert "".join(text[piece.start : piece.end] for piece in result) == text


def test_mathematics_becomes_mathml() -> None:
    assert mathml(r"\frac{1}{2}") == (
        '<math display="inline"><mrow><mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>'
        "</mrow></math>"
    )
    assert "≤" in str(mathml(r"x \le y"))
    for broken in (r"\frac{1}{", r"\left(", "{" * 60 + "x" + "}" * 60, "x" * 2001, r"\def\a{b}\a"):
        assert mathml(broken) is None, broken
        assert "<math" not in text_html(f"${broken}$")


@pytest.mark.parametrize(
    "text",
    [
        "$" + "x_" * 900 + "$",
        "\\(" * 20_000,
        "$" * 50_000,
        "$a" * 30_000,
        "$" + "\\left(" * 300 + "$",
        "\\[" + "{" * 1500 + "\\]",
        "$" + "^{" * 39 + "}" * 39 + "$",
        "\\(" + "\\\\" * 9_000,
    ],
    ids=lambda text: text[:12],
)
@pytest.mark.timeout(10)
def test_no_formula_takes_long(text: str) -> None:
    assert text_html(text, "5")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_is_text_wherever_it_stands(payload: str) -> None:
    each = said(f"<think>{payload}</think>{payload} \\boxed{{{payload}}}", payload, False, 3)
    side = SideRows(payload, rows(each, {**each, "right": None, "reasoning": payload}))
    with_reason = SideRows(payload, side.rows.with_columns(reason=pl.lit(payload)))
    messages = [{"role": payload, "content": payload}]
    html = question_html(
        question_view(payload, [side, with_reason], messages, payload), lambda *_: "/responses"
    )
    tags = Tags(html)
    assert tags.elements <= ELEMENTS | MATHML, tags.elements - ELEMENTS
    assert tags.attributes <= ATTRIBUTES
    assert set(tags.links) <= {"/responses"}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)


def test_template_signs_are_not_filled_in() -> None:
    assert "{{ 7*7 }}" in text_html("{{ 7*7 }}")


def test_there_are_31_payloads() -> None:
    assert len(set(PAYLOADS)) == 31
