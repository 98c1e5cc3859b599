r"""The math verifier: whether the response's answer means what the gold answer means.

A verifier of the `verify` stage, in two steps: the answer is found here, and compared by
`math_compare` in a worker process, since sympy can take for ever, or all memory.
"""

from __future__ import annotations

from liftmap.errors import ConfigError, MissingDependencyError
from liftmap.records import Question
from liftmap.verify.answers import final_answer, last_box
from liftmap.verify.marked import before_next_question
from liftmap.verify.steps import TwoSteps


def math(*, seconds: float = 5.0) -> TwoSteps:
    """Compares expressions, sets, intervals, tuples, matrices and numbers by their meaning.

    Args:
        seconds: CPU time that one comparison may take. A response that takes longer is wrong if its
            gold answer, compared with itself, does not.

    Raises:
        ConfigError: `seconds` is not a number above 0.
        MissingDependencyError: math-verify or Pebble is not installed.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e6:
        raise ConfigError(
            "verify.options.seconds must be a number above 0.",
            seen=seconds,
            remedy="Leave it out for 5 seconds.",
        )
    try:
        from liftmap.verify.math_compare import compare, compare_gold
    except ImportError as error:
        raise MissingDependencyError(
            f"The math verifier needs math-verify and Pebble ({error}).",
            remedy="Install them: pip install 'liftmap[math]'",
        ) from error
    return TwoSteps(_extract, compare, float(seconds), compare_gold)


def _extract(question: Question, text: str) -> str | None:
    head = before_next_question(text)
    return (last_box(head) if head else None) or final_answer(text)
