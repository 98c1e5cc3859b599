r"""The gym verifier: the question's own scorer in reasoning-gym says whether a response is right.

A verifier of the `verify` stage. reasoning-gym gives partial credit for form; right is 1.0 alone.
Some of its scorers evaluate the answer as Python, so what may stand in such an answer is checked
first, and every scorer runs in a worker process with a time limit.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any

from liftmap.records import Question, Verdict
from liftmap.tasks.gym import make_items
from liftmap.verify.exact import compiled
from liftmap.verify.marked import unwrapped
from liftmap.verify.steps import TwoSteps

# What an answer may consist of where a scorer evaluates it: nothing that is called but functions
# of mathematics, and no attribute.
ARITHMETIC = r"[\d\s+\-*/().]*"
LIST = r"[A-Za-z_\d\s\[\],'\"+\-]*"
FORMULA = (
    r"(?:\d+(?:\.\d+)?|\b(?:[A-Za-z]|sin|cos|tan|exp|log|sqrt|asin|acos|atan|sinh|cosh|tanh|Integral|pi)\b"
    r"|[\s+\-*/^(),])*"
)
EVALUATED = {
    "countdown": ARITHMETIC,
    "puzzle24": ARITHMETIC,
    "binary_matrix": LIST,
    "n_queens": LIST,
    "spiral_matrix": LIST,
    "string_insertion": LIST,
    "intermediate_integration": FORMULA,
    "polynomial_multiplication": FORMULA,
    "simple_integration": FORMULA,
}
LONGEST = 2000
_NOT_WORKED_OUT = re.compile(r"\bIntegral\s*\(|\bintegrate\s*\(|∫|\\int\b")
_MINUS = re.compile(r"\u2212(?=\s*[\d(])")


def gym(*, pattern: str | None = None, seconds: float = 5.0) -> TwoSteps:
    """Asks the scorer of the item that the question was made from.

    right at a score of 1.0; else wrong. unscored if the question is not of the gym task, or if
    reasoning-gym makes another question from the same seed here.

    Args:
        pattern: A regular expression with one group, the answer; its last match counts. By default
            what the response marks as its answer, or all of it (`marked.unwrapped`).
        seconds: CPU time that scoring one answer may take; loading reasoning-gym and making the
            item don't count. An answer that takes longer is wrong if the gold answer does not.

    Raises:
        ConfigError: The pattern is no regular expression with one group.
    """
    if pattern is not None:
        compiled(pattern)
    return TwoSteps(partial(extract, pattern=pattern), compare, seconds, compare_gold, load)


def extract(question: Question, text: str, *, pattern: str | None) -> str | None:
    """The answer of a response, or None."""
    if pattern is None:
        answer = unwrapped(text)
        # Scorers read numbers with a plain minus only.
        return _MINUS.sub("-", answer) or None
    found = compiled(pattern).findall(text)
    return found[-1].strip() or None if found else None


def compare(question: Question, answer: str) -> Verdict:
    """The scorer's verdict on an answer."""
    about = question.metadata
    if "gym" not in about:
        return Verdict("unscored", answer, "not a question of the gym task")
    name = str(about["gym"])
    allowed = EVALUATED.get(name)
    if allowed and (len(answer) > LONGEST or not re.fullmatch(allowed, answer)):
        return Verdict("wrong", answer, "not in the form of an answer")
    if _NOT_WORKED_OUT.search(answer) and not _NOT_WORKED_OUT.search(question.answer):
        # To the scorer an integral equals what it comes to, so the question would be an answer.
        return Verdict("wrong", answer, "an integral that is not worked out")
    items, item = _item_of(question)
    if item["question"].strip() != question.text:
        # Another version; or a data set whose items hang on Python's random hashes of texts.
        return Verdict("unscored", answer, "reasoning-gym makes another question here")
    return Verdict("right" if items.score_answer(answer, item) == 1.0 else "wrong", answer)


def compare_gold(question: Question) -> Verdict:
    """The scorer's verdict on the gold answer."""
    return compare(question, question.answer)


def load(question: Question) -> None:
    """Loads reasoning-gym and makes the item, which is not part of scoring an answer."""
    if "gym" in question.metadata:
        _item_of(question)


def _item_of(question: Question) -> tuple[Any, Any]:
    about = question.metadata
    return _make_item(
        str(about["gym"]), int(about["gym_seed"]), str(about["gym_config"]), int(about["gym_index"])
    )


@lru_cache(maxsize=256)
def _make_item(name: str, seed: int, config: str, index: int) -> tuple[Any, Any]:
    """A data set of reasoning-gym, and one of its items."""
    items = make_items(name, seed, config)
    return items, items[index]
