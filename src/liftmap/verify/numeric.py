"""The numeric verifier: the last number of the response must be the gold number.

A verifier of the `verify` stage; a pure function.
"""

from __future__ import annotations

from fractions import Fraction

from liftmap.errors import ConfigError
from liftmap.records import Question, Verdict
from liftmap.verify.exact import compiled
from liftmap.verify.numbers import Number, last_number, read_number
from liftmap.verify.steps import NO_ANSWER


def numeric(
    question: Question, text: str, *, pattern: str | None = None, tolerance: float = 0.0
) -> Verdict:
    """Compares two numbers exactly, or within a tolerance.

    Thousands separators, currency signs, fractions, mixed numbers, percentages and powers of ten
    are understood; 50 % equals both 50 and 0.5.

    Args:
        question: Its `answer` is the gold number.
        text: The response.
        pattern: A regular expression with one group, the answer; its last match counts. By default
            the last number.
        tolerance: The largest difference that is still right, as a share of the gold number.

    Returns:
        right or wrong; wrong with the reason if there is no answer. unscored if the gold answer is
        no number.

    Raises:
        ConfigError: The pattern is no regular expression with one group, or the tolerance is no
            number of at least 0.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise ConfigError(
            "verify.options.tolerance must be a number of 0 or more.",
            seen=tolerance,
            remedy="Write for instance 0.01 for one percent of the gold number.",
        )
    answer: str | None
    if pattern is None:
        answer = last_number(text)
    else:
        found = compiled(pattern).findall(text)
        answer = found[-1].strip() if found else None
    gold = read_number(question.answer)
    if gold is None:
        return Verdict("unscored", answer or "", "the gold answer is no number")
    if not answer:
        return Verdict("wrong", reason=NO_ANSWER)
    number = read_number(answer)
    if number is None:
        return Verdict("wrong", answer, "the answer is no number")
    right = same(gold, number, Fraction(tolerance))
    return Verdict("right" if right else "wrong", answer)


def same(gold: Number, answer: Number, tolerance: Fraction) -> bool:
    """Whether a number is the gold one within a share of it."""
    return any(
        abs(one - other) <= tolerance * abs(one)
        for one in gold.values()
        for other in answer.values()
    )
