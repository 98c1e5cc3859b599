r"""The math verifier: math-verify says whether the response's answer equals the gold answer.

A verifier of the `verify` stage, in two steps: the answer is found here, and compared by
`math_compare` in a worker process, since sympy can take for ever, or all memory.
"""

from __future__ import annotations

from liftmap.errors import ConfigError, MissingDependencyError
from liftmap.records import Question
from liftmap.verify.answers import final_answer
from liftmap.verify.steps import TwoSteps


def math(*, seconds: float = 5.0) -> TwoSteps:
    """Compares expressions, sets, intervals, tuples, matrices and numbers by their meaning.

    Args:
        seconds: The longest that one comparison may take; the response is unscored then.

    Raises:
        ConfigError: `seconds` is no number above 0.
        MissingDependencyError: math-verify or Pebble is not installed.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e6:
        raise ConfigError(
            "verify.options.seconds must be a number above 0.",
            seen=seconds,
            remedy="Leave it out for 5 seconds.",
        )
    try:
        from liftmap.verify.math_compare import compare
    except ImportError as error:
        raise MissingDependencyError(
            f"The math verifier needs math-verify and Pebble ({error}).",
            remedy="Install them: pip install 'liftmap[math]'",
        ) from error
    return TwoSteps(_extract, compare, float(seconds))


def _extract(question: Question, text: str) -> str | None:
    return final_answer(text)
