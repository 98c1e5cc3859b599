"""Copies among the texts of responses: repeats that no spread of texts explains.

Reads the question and the text (as a code) of each response, gives a fact or None. Equal texts are
no proof of copies: a short answer, or a model that is nearly sure, repeats itself. But then some
texts come up more often than others, while copied responses come up equally often. Among n
independent draws, *whatever* the chances of the texts are,

    P(a texts r times each, b texts once)
    <= ratio * P(one text r + 1 times, one r - 1 times, a - 2 texts r times, b texts once),

by Muirhead's inequality (Hardy, Littlewood and Polya 1934, Inequalities, section 2.18), where
`ratio` comes from the numbers of orders alone (`_ratio`). So among questions with one of the two
patterns the first has a known greatest chance, and too many of it are no chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from liftmap.errors import InputError
from liftmap.stats.dependence import CHANCE
from liftmap.stats.passk import FloatArray, IntArray

# Numbers of copies that are looked for.
_COPIES = (2, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class RepeatedTexts:
    """Texts that stand equally often, more than independent draws explain.

    Attributes:
        chance: The chance of it under independent draws, at most; below `dependence.CHANCE`.
        copies: How often the repeated texts stand.
        questions: Questions whose texts stand `copies` times or once, two or more of them
            `copies` times.
        repeated: Share of all responses whose text stands in its question already.
        complete: Whether every text of every question stands a multiple of `copies` times: then n
            and c can be divided by it.
    """

    chance: float
    copies: int
    questions: int
    repeated: float
    complete: bool


def repeated_texts(question: ArrayLike, text: ArrayLike) -> RepeatedTexts | None:
    """Whether responses were copied, from which texts are equal.

    Args:
        question: Shape (responses,): question of each response, from 0.
        text: Shape (responses,): code of its text, equal for equal texts; from 0.

    Returns:
        The fact if its chance is below `dependence.CHANCE`; else None.

    Raises:
        InputError: Arrays that do not fit, or negative codes.
    """
    asked, codes = np.asarray(question, dtype=np.int64), np.asarray(text, dtype=np.int64)
    fits = asked.ndim == 1 and asked.shape == codes.shape
    if not fits or np.any(asked < 0) or np.any(codes < 0):
        raise InputError(
            "Question and text must be one code of 0 or more for each response.",
            seen=(asked.shape, codes.shape),
            remedy="Number questions and texts from 0.",
        )
    if not len(asked):
        return None
    base = int(codes.max()) + 1
    keys, often = np.unique(asked * base + codes, return_counts=True)
    member = np.unique(keys // base, return_inverse=True)[1]
    questions = int(member.max()) + 1

    def texts_that_stand(times: NDArray[np.bool_]) -> IntArray:
        """Number of distinct texts of each question that stand so often."""
        return np.bincount(member, weights=times, minlength=questions).astype(np.int64)

    best: RepeatedTexts | None = None
    distinct, single = texts_that_stand(often > 0), texts_that_stand(often == 1)
    for copies in _COPIES:
        many = texts_that_stand(often == copies)
        copied = (many >= 2) & (many + single == distinct)
        # The pattern it is held against, with the a and b that lead to it.
        above, below = texts_that_stand(often == copies + 1), texts_that_stand(often == copies - 1)
        against = above == 1
        if copies == 2:
            against &= (below >= 1) & (many + below + 1 == distinct)
        else:
            against &= (below == 1) & (many + single + 2 == distinct)
        if not copied.any():
            continue
        pairs = np.where(copied, many, many + 2)
        rest = np.where(copied, single, single - (copies == 2))
        ratio = _ratio(pairs, rest, copies)
        shown = copied | against
        chance = _most_chance((ratio / (1 + ratio))[shown], int(copied.sum())) * len(_COPIES)
        if chance < CHANCE and (best is None or chance < best.chance):
            best = RepeatedTexts(
                chance=chance,
                copies=copies,
                questions=int(copied.sum()),
                repeated=float(1 - len(keys) / len(asked)),
                complete=bool(np.all(often % copies == 0)),
            )
    return best


def _ratio(pairs: IntArray, rest: IntArray, copies: int) -> FloatArray:
    """Greatest chance of the copied pattern in units of that of the other; see the module.

    The number of orders of each pattern is n! over the factorials of how often its texts stand, and
    the number of ways to name its texts goes with the factorials of how many stand equally often.
    """
    orders = (copies + 1) / copies
    names = np.maximum(pairs * (pairs - 1), 1).astype(np.float64)
    ratio: FloatArray = orders * (rest + 1 if copies == 2 else 1) / names
    return ratio


def _most_chance(chances: FloatArray, seen: int) -> float:
    """Chernoff's bound on the chance that `seen` or more of independent events happen."""
    if seen <= chances.sum():
        return 1.0
    tilts = np.linspace(0, 30, 301)[:, None]
    values, times = np.unique(chances, return_counts=True)
    logs = np.log1p(values * np.expm1(tilts)) @ times - tilts[:, 0] * seen
    return float(np.exp(logs.min()))
