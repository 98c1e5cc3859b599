"""Which indicator tells a right response from a wrong one to the same question.

Reads one value per response (length, phrases, log-likelihood, agreement with the majority) and
whether it was right, gives the area under the ROC curve within question. Within, since an easy
question has short responses and many right ones, and a curve over all responses would read that as
"short is right".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.stats.passk import FloatArray, IntArray


def question_aucs(
    values: ArrayLike, right: ArrayLike, question_index: ArrayLike
) -> tuple[IntArray, FloatArray]:
    """The area under the ROC curve of each question by itself: the Mann-Whitney statistic.

    Args:
        values: Shape (responses,): the indicator; responses without one (nan) are left out.
        right: Shape (responses,): whether the response is right.
        question_index: Shape (responses,): number of the question, 0 or more, in any order.

    Returns:
        The numbers of the questions with both right and wrong responses, increasing, and the area
        of each, 0 to 1.

    Raises:
        InputError: Arrays of different lengths, or a negative question number.
    """
    indicator = np.asarray(values, dtype=np.float64)
    correct = np.asarray(right, dtype=bool)
    question = np.asarray(question_index, dtype=np.int64)
    if not indicator.shape == correct.shape == question.shape or indicator.ndim != 1:
        raise InputError(
            "An indicator needs one value, one verdict and one question for each response.",
            seen=(indicator.shape, correct.shape, question.shape),
            remedy="Give three arrays of one length.",
        )
    if len(question) and int(question.min()) < 0:
        raise InputError(
            "Questions are numbered from 0.",
            seen=int(question.min()),
            remedy="Number the questions 0, 1, 2 ...",
        )
    known = ~np.isnan(indicator)
    indicator, correct, question = indicator[known], correct[known], question[known]
    if not len(question):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    order = np.lexsort((indicator, question))
    indicator, correct, question = indicator[order], correct[order], question[order]
    # Middle ranks: equal values of one question share the mean of their places in it.
    changed = np.flatnonzero((np.diff(question) != 0) | (np.diff(indicator) != 0)) + 1
    starts = np.concatenate([[0], changed])
    ends = np.append(starts[1:], len(question))
    places = np.repeat((starts + ends + 1) / 2, ends - starts)
    responses = np.bincount(question)
    first = np.cumsum(responses) - responses
    ranks = places - first[question]
    rights = np.bincount(question, weights=correct)
    wrongs = responses - rights
    rank_sums = np.bincount(question, weights=ranks * correct)
    usable = np.flatnonzero((rights > 0) & (wrongs > 0))
    pairs = (rights * wrongs)[usable]
    above = (rank_sums - rights * (rights + 1) / 2)[usable]
    return usable.astype(np.int64), above / pairs
