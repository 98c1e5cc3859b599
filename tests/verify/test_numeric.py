"""The numeric verifier: which number of a response is its answer, and what number that is."""

# ruff: noqa: RUF001 (full-width and raised digits are digits too)
from __future__ import annotations

import time

import pytest

from liftmap.records import Question, Verdict
from liftmap.verify import make_verifier


def judge(gold: str, text: str, question: str = "?") -> Verdict:
    return make_verifier("numeric", {})(Question("q", question, gold), text)


# The answer is 18; 7 is another number in the text.
MARKED = [
    r"She earns \boxed{18} dollars on each of the 7 days.",
    r"\boxed{18}" + "\n\nCheck: 25 - 7 = 18 eggs, less 7.",
    r"\boxed{\$18}, not 7",
    r"\boxed{18 \text{ dollars}} in 7 days",
    r"\boxed{x = 18}. There are 7 days.",
    r"\boxed{9 \times 2 = 18}, 7 times",
    r"$$\boxed{18.00}$$ for 7",
    r"\fbox{18} and 7 more",
    "#### 18\n\nQuestion: Tom has 3 pens and gets 4. How many?\n#### 7",
    "#### 18 dollars\n7",
    "#### $18.00\n(7 days)",
    "<answer>18</answer> after 7 steps",
    "<answer>\n$18 a day\n</answer>\n7",
    "<ANSWER>9 * 2 = 18</ANSWER> 7",
    r"<answer>\boxed{18}</answer> 7",
    r"First \boxed{7}. Then \boxed{18}.",
    r"\boxed{7} was wrong. #### 18",
    "The answer is 18. I used 7 steps.",
    "The answer is 18 dollars for 7 days.",
    "**Answer:** 18\n\nThis took 7 lines.",
    "Answer: 9 * 2 = 18 (7 days)",
    "She earns **18 dollars** on each of the 7 days.",
    "The answer is 18.\n\nQuestion: Tom has 3 pens. How many after 4 more?\nThe answer is 7.",
    "It is 18, not 7.",
    "18 instead of 7",
    "7 is wrong, so it is 18.",
    "18 = 25 - 7",
    "Step 1: 9 * 2 = 18\nStep 7: done.",
    "1. I count the eggs.\n2. I multiply: 18\n7. Done",
    "It is 18, which is more than 7.",
]


@pytest.mark.parametrize("text", MARKED)
def test_a_marked_answer_comes_before_the_last_number(text: str) -> None:
    assert judge("18", text).label == "right"
    assert judge("7", text).label == "wrong"


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        # Units with powers.
        ("7", "7 cm^2"), ("7", "so 7 m^3."), ("7", "7 cm²"), ("7", "7 m**2"), ("7", "7 cm2"),
        ("7", r"7\text{ cm}^2"), ("7", r"\boxed{7\,\mathrm{m}^{3}}"), ("7", r"7 \text{ m}^{-1}"),
        ("7", "7 m·s⁻²"), ("7", "7 km/h"), ("7", "7°"), ("45", r"45^\circ"),
        # Scales and powers.
        ("1500000", "about 1.5 million"), ("1500000", "1.5 Million dollars"),
        ("2000000000", "2 billion"), ("3000", "3 thousand"), ("500", "five: 5 hundred"),
        ("1500000", "$1.5 million"), ("1500000", "1.5-million"), ("1.5 million", "1,500,000"),
        ("1024", "2^10"), ("1024", "2^{10}"), ("1000000", "10⁶"), ("6.02e23", "6.02 x 10^23"),
        ("6.02e23", "6.02 × 10²³"), ("0.001", "10^{-3}"),
        # Thousands.
        ("1000000", "1 000 000"), ("1000000", "1,000,000"), ("1000000", "1\u202f000\u202f000"),
        ("1000000", "1\u00a0000\u00a0000 people"), ("12500", "12 500"), ("100000", "100 000"),
        ("1000000", "1{,}000{,}000"), ("1234.5", "1 234.5"), ("1000000", "1\u2009000\u2009000."),
        # Signs and full-width digits.
        ("-3", "x = −3"), ("-3", "\uff0d3"), ("-3", "−３"), ("18", "１８"), ("-18", "－１８．０"),
        ("1250", "１，２５０"), ("50%", "５０％"), ("3", "+3"), ("-5", "minus 5"),
        ("-5", "It is negative 5."),
        ("0.5", "½"), ("3.5", "3½"), ("-0.5", "−1/2"), ("18", "$１８"),
        ("1234567", "12,34,567 rupees"), ("1234567", "1'234'567"),
        # Letters for thousands, millions and billions.
        ("1500000", "1.5M"), ("70000", "about 70k"), ("70000", "$70K"), ("2000000000", "$2bn"),
        ("2000000000", "It costs 2B dollars."), ("1.5M", "1500000"), ("3500000", "3.5 mil"),
        # In words.
        ("12", "twelve"), ("25", "The answer is twenty-five apples."), ("36", "It is thirty six."),
        ("120", "one hundred and twenty"), ("70000", "Seventy thousand."), ("24", "two dozen"),
        ("0.5", "one half"), ("0.75", "three quarters"), ("2.5", "2 and a half"), ("0.5", "Half."),
        ("-3", "minus three"), ("2.5", "two and a half"), ("twelve", "12"), ("0", "zero"),
        ("18", "She is 18th."),
        # A percentage of what is asked for as a share, and of what is 1 or more.
        ("0.00002", "0.002%"), ("0.5%", "0.5"), ("0.5%", "0.005"), ("50", "50%"),
        # A gold answer with its unit.
        ("18 dollars", "18"), ("$18", "It is 18."), ("7 cm^2", "7"),
    ],
)  # fmt: skip
def test_what_is_the_same_number(gold: str, text: str) -> None:
    assert judge(gold, text).label == "right"


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("2", "7 cm^2"), ("2", "7 cm²"), ("3", r"\boxed{7\,\mathrm{m}^{3}}"), ("10", "2^10"),
        ("1.5", "about 1.5 million"), ("1500", "1.5 million"), ("15", "1.5 million"),
        ("0", "1 000 000"), ("1000", "1 000 000"), ("300", "100 200 300"), ("3", "x = −3"),
        ("3", "－３"), ("5", "minus 5"), ("2", "10²"), ("5", "5 thousand"), ("6", "10⁶"),
        # Several answers, ranges, sums, and both signs.
        ("18", "18 or 20"), ("20", "18 or 20"), ("20", "It is 18 or 20."),
        ("18", r"\boxed{18, 20}"),
        ("20", r"\boxed{18 \text{ or } 20}"), ("18", "<answer>18, 19, 20</answer>"),
        ("18", "#### 18-20"), ("20", "between 18 and 20"), ("18", r"\boxed{9 + 18}"),
        ("5", r"\boxed{\pm 5}"), ("5", "x = ±5"), ("5", "1 2 3 4 5"), ("5", "It is 4 or maybe 5"),
        # Denied, or a bound.
        ("5", "not 5"), ("5", "The answer is not 5."), ("5", "below 5"), ("5", r"\boxed{< 5}"),
        ("5", "5 is wrong"), ("5", "at least 5"), ("5", r"\boxed{\text{up to } 5}"),
        ("5", r"\boxed{\text{none}}, so not 6 but 5"),
        ("5", "It isn't 5."), ("5", "More than 5."), ("5", "The answer is less than 5."),
        # Letters that are units, or nothing.
        ("1500000", "1.5m"), ("1500", "1.5M"), ("70", "70k"), ("70000", "70 kg"), ("5000", "5 km"),
        # In words: several, or none.
        ("12", "thirteen"), ("3", "two or three"), ("1", "No one knows."), ("1", "One of them."),
        ("5", "two and three"), ("5", "5'6"), ("1", "60 min (1 hour)"),
        # A hundredth.
        ("0.002", "0.002%"), ("0.5", "0.5%"), ("5%", "500%"),
        # A number of the question before giving up.
        ("7", "One weighs 7 kg, but I cannot tell what the other weighs."),
        ("7", "One weighs 7 kg. It is not possible to determine the other."),
    ],
)  # fmt: skip
def test_what_is_not(gold: str, text: str) -> None:
    assert judge(gold, text).label == "wrong"


def test_a_question_in_millions_is_answered_with_or_without_the_word() -> None:
    for text in ("1.5", "1.5 million", "1,500,000"):
        wanted = "right" if text != "1,500,000" else "wrong"
        assert judge("1.5", text, "How many millions live there?").label == wanted
    assert judge("1.5", "1.5 million", "How many live there?").label == "wrong"


def test_a_percentage_that_is_asked_for_is_the_number_before_the_sign() -> None:
    assert judge("0.5", "0.5%", "What percent of them fail?").label == "right"
    assert judge("0.5", "0.5%", "What is the probability?").label == "wrong"


def test_a_letter_is_a_unit_where_the_question_has_it_as_one() -> None:
    assert judge("300", "300K", "What is its temperature?").label == "right"
    assert judge("300000", "300K", "What is its temperature?").label == "wrong"
    assert judge("300000", "300K", "What does it cost?").label == "right"


def test_a_first_line_that_is_a_number_comes_before_what_explains_it() -> None:
    assert judge("18", "18\n\nNote that a week has 7 days.").label == "right"
    assert judge("18", "18 dollars\nThis is what she makes in 7 days.").label == "right"
    assert judge("18", "9\n\n9 * 2 = 18").label == "right"
    assert judge("12", "12 eggs\n\n- 3 for breakfast\n- 4 for muffins").label == "right"


def test_last_remarks_hold_no_answer() -> None:
    assert judge("60", "60 min (1 hour)").label == "right"
    assert judge("12", "So 12.\n\nLet me know if you have 2 more questions!").label == "right"


def test_a_gold_answer_of_several_numbers_is_our_failure() -> None:
    for gold in ("18 or 20", "many", "", "±5"):
        assert judge(gold, "18").label == "unscored"


def test_long_texts_take_no_time() -> None:
    started = time.perf_counter()
    for piece in (
        "18 or ",
        "1 ",
        "#### ",
        "<answer>",
        "answer is ",
        "**1",
        "not ",
        "1,",
        "\n1. ",
        "- ",
    ):
        judge("18", piece * (20_000 // len(piece)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("gold", "response", "label"),
    [
        ("5 meters", "It is 5 feet long.", "wrong"),
        ("5 meters", "5 m", "right"),
        ("5 meters", "5", "right"),
        ("3 kg", "3000 g", "right"),
        ("3 kg", "The answer is 3 lb.", "wrong"),
        ("5 km/h", "so 5 km", "wrong"),
        ("3 hours", "That takes 180 minutes.", "right"),
        ("7", "She works 7 days a week.", "right"),
    ],
)
def test_units_that_both_name_are_compared(gold: str, response: str, label: str) -> None:
    [verdict] = make_verifier("numeric", {}).judge([(Question("q", "?", gold), response)])
    assert verdict.label == label


@pytest.mark.parametrize(
    ("gold", "response", "label"),
    [
        ("42", "## Solution\n\nThe product is **42**.", "right"),
        ("42", "Total: **42**. That is all.", "right"),
        ("42", "**1**. Add 40.\n**2**. Add 2 to get **42**.", "right"),
        ("2", "2\\sqrt{3}", "wrong"),
        ("3", "The ratio is 3:2", "wrong"),
        ("2*sqrt(3)", "2", "unscored"),
    ],
)
def test_bold_numbers_are_read_and_formulas_are_no_numbers(
    gold: str, response: str, label: str
) -> None:
    [verdict] = make_verifier("numeric", {}).judge([(Question("q", "?", gold), response)])
    assert verdict.label == label
