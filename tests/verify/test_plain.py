"""The verifiers that judge in this process: numeric and choice; and the finding of answers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.records import Question
from liftmap.verify import make_verifier
from liftmap.verify.answers import LONGEST, final_answer, last_box
from liftmap.verify.numbers import last_number, read_number


@pytest.mark.parametrize(
    ("gold", "text", "label"),
    [
        ("18", "She makes $18 a day.", "right"),
        ("18", "9 * 2 = $18.00", "right"),
        ("18", "So 18, not 19", "right"),
        ("19", "So 18, not 19", "wrong"),
        ("1,250", "It costs 1250 dollars", "right"),
        ("1250", "It costs 1,250.", "right"),
        ("-3", "x = -3", "right"),
        ("3", "x = -3", "wrong"),
        ("-3", "x = \u22123", "right"),
        ("2", "5 - 3 = 2", "right"),
        ("3", "it is 5-3", "right"),
        ("3/4", "or 0.75", "right"),
        ("0.75", "which is 3/4 of it", "right"),
        ("3.5", r"so 3\frac{1}{2}", "right"),
        ("50%", "so 50 percent", "right"),
        ("50", "so 50%", "right"),
        ("0.5", "so 50%", "right"),
        ("5", "so 50%", "wrong"),
        ("6e23", r"so 6 \times 10^{23}", "right"),
        ("0.3333", "1/3", "wrong"),
        ("10", "no number here", "wrong"),
        ("10", "", "wrong"),
        ("many", "10", "unscored"),
        ("7", "9" * 2000, "wrong"),
        ("7", "1e999999999", "wrong"),
        ("7", "7/0", "wrong"),
    ],
)  # fmt: skip
def test_numeric(gold: str, text: str, label: str) -> None:
    assert make_verifier("numeric", {})(Question("q", "?", gold), text).label == label


def test_numeric_options() -> None:
    question = Question("q", "?", "100")
    near = make_verifier("numeric", {"tolerance": 0.01})
    assert [near(question, text).label for text in ("101", "99", "101.1")] == [
        "right", "right", "wrong",
    ]  # fmt: skip
    marked = make_verifier("numeric", {"pattern": r"#### (.*)"})
    assert marked(question, "#### 1,00\n#### 100. \nthe 5th").label == "right"
    assert marked(question, "100").reason == "no answer"
    assert marked(question, "#### many").reason == "the answer is no number"


@given(st.fractions(), st.sampled_from(["", " apples", ".", ", as we saw", " $"]))
def test_a_fraction_is_read_back(value: Fraction, after: str) -> None:
    found = last_number(f"Of 12 that makes {value}{after}")
    assert found is not None
    number = read_number(found)
    assert number is not None
    assert number.value == value


@given(st.integers(-(10**20), 10**20), st.integers(0, 6))
def test_thousands_and_decimals_are_read_back(value: int, places: int) -> None:
    number = read_number(f"{Decimal(value).scaleb(-places):,f}")
    assert number is not None
    assert number.value == Fraction(value, 10**places)


@given(st.text(alphabet="0123456789,./-+%e\\{}$ frac", max_size=60))
def test_reading_numbers_never_fails(text: str) -> None:
    read_number(text)
    found = last_number(text)
    assert found is None or found in text


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is (B).", "B"),
        ("Answer: B", "B"),
        ("**Answer: B**", "B"),
        ("Answer:\nB", "B"),
        ("so\n\n(B)", "B"),
        ("B.", "B"),
        ("**B**", "B"),
        (r"\boxed{B}", "B"),
        (r"\boxed{\textbf{(B)}\ 5}", "B"),
        (r"The final answer is: \(\boxed{B}\)", "B"),
        ("The correct option is **B) Rome**", "B"),
        ("Option B is right", "B"),
        ("The answer is not A. The answer is B", "B"),
        ("The answer is A because it rains", "A"),
        ("the answer is A.", "A"),
        ("The answer is A good idea", ""),
        ("The answer is a dog", ""),
        ("A dog barked", ""),
        ("Answer: Apple", ""),
        ("I think so", ""),
        ("The answer is I think B", "B"),
        ("It can't be A", ""),
        ("", ""),
        ("A or B", "A or B"),
        ("The answer is (A) and (B)", "A or B"),
        (r"\boxed{A, B, C}", "A or B or C"),
    ],
)
def test_choice(text: str, answer: str) -> None:
    verdict = make_verifier("choice", {})(Question("q", "?", "(B)"), text)
    assert verdict.answer == answer
    assert verdict.label == ("right" if answer == "B" else "wrong")


def test_choice_knows_its_letters() -> None:
    assert make_verifier("choice", {})(Question("q", "?", "Rome"), "B").label == "unscored"
    few = make_verifier("choice", {"letters": "AB"})
    assert few(Question("q", "?", "C"), "C").label == "unscored"
    assert few(Question("q", "?", "B"), "The answer is C").reason == "no answer"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{\frac{1}{\sqrt{2}}} or so", r"\frac{1}{\sqrt{2}}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\boxed{5}}", "5"),
        (r"\boxed{3} then \boxed{4}", "4"),
        (r"\boxed{3}, \boxed{4}", "3, 4"),
        (r"$\boxed{3}$ or $y = \boxed{4}$", "3, 4"),
        (r"\boxed{3} and \boxed{3}", "3"),
        (r"\boxed{3} cut off \boxed{4", "3"),
        (r"\boxed{", None),
        (r"\boxed", None),
        ("none", None),
    ],
)
def test_last_box(text: str, answer: str | None) -> None:
    assert last_box(text) == answer


@given(st.text(alphabet="\\boxed{} $,andr5=\n", max_size=400))
def test_finding_answers_never_fails(text: str) -> None:
    found = final_answer(text)
    assert found is None or (found.strip() and len(found) <= LONGEST * 12 + 40)
