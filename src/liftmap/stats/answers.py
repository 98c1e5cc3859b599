"""Figures about the answers themselves: majority vote, spread of answers, guessing, gradient share.

Reads the answer and the verdict of each response (as codes), gives figures per question whose means
`intervals` puts intervals on; and reads curves over k to say where an untrained model reaches
a trained one. Where only tallies are known, the functions on n and c still work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from liftmap.errors import InputError
from liftmap.stats.passk import FloatArray, IntArray, checked_ks, checked_tally, fail_at_k

# Responses shuffled at once: bounds memory, not results.
_BLOCK = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class AnswerCounts:
    """How often each question was given each answer.

    Attributes:
        n: Shape (questions,): scored responses, those without an answer included.
        question: Shape (entries,): the question of each distinct answer, not decreasing.
        answer: Shape (entries,): its code.
        count: Shape (entries,): how many responses gave it.
        right: Shape (entries,): share of these responses that were right, 0 or 1 unless the
            verifier judged equal answers differently.
    """

    n: IntArray
    question: IntArray
    answer: IntArray
    count: IntArray
    right: FloatArray


def count_answers(
    question: ArrayLike, answer: ArrayLike, right: ArrayLike, questions: int
) -> AnswerCounts:
    """Counts the distinct answers to each question.

    Args:
        question: Shape (responses,): question of each scored response, 0 to questions - 1.
        answer: Shape (responses,): code of its answer, equal for equal answers; -1 for none.
        right: Shape (responses,): whether it was right, 0 or 1.
        questions: Number of questions.

    Returns:
        The counts. Responses without an answer are in n alone.

    Raises:
        InputError: Arrays of different lengths, a question out of range, a code below -1, or a
            response without an answer that is right.
    """
    asked = np.asarray(question, dtype=np.int64)
    given = np.asarray(answer, dtype=np.int64)
    correct = np.asarray(right, dtype=np.float64)
    if asked.ndim != 1 or asked.shape != given.shape or asked.shape != correct.shape:
        raise InputError(
            "Question, answer and verdict must be given for each response.",
            seen=(asked.shape, given.shape, correct.shape),
            remedy="Give three arrays of one length.",
        )
    strange = (asked < 0) | (asked >= questions) | (given < -1) | ((given < 0) & (correct > 0))
    if strange.any():
        row = int(np.argmax(strange))
        raise InputError(
            f"Response {row} can't be counted.",
            seen={
                "question": int(asked[row]),
                "answer": int(given[row]),
                "right": float(correct[row]),
            },
            remedy="Number questions from 0 and answers from 0; -1 is no answer, which is wrong.",
        )
    base = int(given.max(initial=0)) + 1
    answered = given >= 0
    key, inverse, count = np.unique(
        asked[answered] * base + given[answered], return_inverse=True, return_counts=True
    )
    return AnswerCounts(
        n=np.bincount(asked, minlength=questions),
        question=key // base,
        answer=key % base,
        count=count,
        right=np.bincount(inverse, weights=correct[answered], minlength=len(key)) / count,
    )


def majority_at_k(
    answers: AnswerCounts,
    ks: Sequence[int] | IntArray,
    rng: np.random.Generator,
    *,
    draws: int = 32,
) -> FloatArray:
    """The chance that the majority of k responses of a question is right (maj@k).

    k of the n responses are drawn without replacement, which keeps the estimate unbiased for k
    fresh responses. Responses without an answer have no vote; ties are broken at random, that is,
    each tied answer counts in equal part; no vote at all is wrong.

    Args:
        answers: The counts.
        ks: Numbers of responses that vote, each 1 up to the least n.
        rng: Source of all randomness.
        draws: Orders drawn for each question; k = 1 and k = n are exact. The error of a mean over
            Q questions is at most 0.5 / sqrt(draws * Q).

    Returns:
        Shape (questions, ks), each in [0, 1].

    Raises:
        InputError: A k below 1 or above some n, or no draws.
    """
    tries = checked_ks(ks)
    questions = len(answers.n)
    if draws < 1 or (questions and len(tries) and int(tries.max()) > int(answers.n.min())):
        raise InputError(
            "maj@k needs k responses to every question, and one draw or more.",
            seen={"k": int(tries.max()), "n": int(answers.n.min()), "draws": draws},
            remedy="Take a smaller k.",
        )
    out = np.zeros((questions, len(tries)))
    for n in np.unique(answers.n):
        members = np.flatnonzero(answers.n == n)
        step = max(1, _BLOCK // int(n))
        for start in range(0, len(members), step):
            part = members[start : start + step]
            out[part] = _majority_of_equal_n(answers, part, int(n), tries, rng, draws)
    return out


def _majority_of_equal_n(
    answers: AnswerCounts,
    part: IntArray,
    n: int,
    ks: IntArray,
    rng: np.random.Generator,
    draws: int,
) -> FloatArray:
    """maj@k of questions that all have n responses."""
    first, last = (np.searchsorted(answers.question, part, side=s) for s in ("left", "right"))
    distinct = last - first
    width = int(distinct.max(initial=0)) + 1
    # One column an answer of the question, and a last one for responses without an answer.
    counts = np.zeros((len(part), width), dtype=np.int64)
    right = np.zeros((len(part), width))
    row = np.repeat(np.arange(len(part)), distinct)
    entry = np.repeat(first - np.cumsum(distinct) + distinct, distinct) + np.arange(len(row))
    column = entry - first[row]
    counts[row, column] = answers.count[entry]
    right[row, column] = answers.right[entry]
    counts[:, -1] = n - counts.sum(axis=1)
    out = np.empty((len(part), len(ks)))
    sampled = np.flatnonzero((ks > 1) & (ks < n))
    for index in np.flatnonzero(ks == 1):
        out[:, index] = (counts * right).sum(axis=1) / n
    for index in np.flatnonzero((ks == n) & (ks > 1)):
        out[:, index] = _vote(counts[:, :-1], right[:, :-1])
    out[:, sampled] = 0
    if not len(sampled):
        return out
    responses = np.repeat(np.tile(np.arange(width), len(part)), counts.ravel()).reshape(
        len(part), n
    )
    offset = width * np.arange(len(part))[:, None]
    for _ in range(draws):
        shuffled = rng.permuted(responses, axis=1) + offset
        votes = np.zeros(len(part) * width, dtype=np.int64)
        done = 0
        for index in sampled[np.argsort(ks[sampled], kind="stable")]:
            k = int(ks[index])
            votes += np.bincount(shuffled[:, done:k].ravel(), minlength=len(votes))
            done = k
            out[:, index] += _vote(votes.reshape(len(part), width)[:, :-1], right[:, :-1])
    out[:, sampled] /= draws
    return out


def _vote(votes: IntArray, right: FloatArray) -> FloatArray:
    """The chance that the answer with most votes is right, by row; ties count in equal part."""
    if not votes.shape[1]:
        return np.zeros(len(votes))
    most = votes.max(axis=1, keepdims=True)
    tied = (votes == most) & (most > 0)
    chance: FloatArray = (tied * right).sum(axis=1) / np.maximum(tied.sum(axis=1), 1)
    return chance


class AnswerSpread(NamedTuple):
    """How spread out the answers to a question are; both (questions,).

    Attributes:
        distinct: Number of distinct answers.
        entropy: Entropy of the answers in nats, from their observed shares; 0 where all agree. It
            grows with n for one and the same model, so compare it at equal n. nan where no
            response has an answer.
    """

    distinct: IntArray
    entropy: FloatArray


def answer_spread(answers: AnswerCounts) -> AnswerSpread:
    """Distinct answers and answer entropy of each question; responses without one are left out."""
    questions = len(answers.n)
    answered = np.bincount(answers.question, weights=answers.count, minlength=questions)
    share = answers.count / answered[answers.question]
    entropy = np.bincount(answers.question, weights=-share * np.log(share), minlength=questions)
    return AnswerSpread(
        distinct=np.bincount(answers.question, minlength=questions),
        entropy=np.where(answered > 0, np.maximum(entropy, 0), np.nan),
    )


def guess_rate(
    answers: AnswerCounts, gold: ArrayLike, ks: Sequence[int] | IntArray = (1,)
) -> FloatArray:
    """The chance that one of k responses gives the gold answer of *another* question.

    Gold answers are shuffled among questions: what a model solves so, it solves by guessing common
    answers. The mean over all other questions' golds is taken exactly, not by shuffling.

    Args:
        answers: The counts, with answer codes that mean the same for all questions.
        gold: Shape (questions,): code of each gold answer; one that nobody gave needs a code too.
        ks: Numbers of tries, each 1 up to the least n.

    Returns:
        Shape (questions, ks), each in [0, 1]; its mean is the guess baseline of pass@k.

    Raises:
        InputError: Fewer than two questions, golds of another number or below 0, or a k above n.
    """
    golds = np.asarray(gold, dtype=np.int64)
    questions = len(answers.n)
    if questions < 2 or golds.shape != (questions,) or golds.min() < 0:
        raise InputError(
            "A guess rate needs two questions or more, each with a gold answer.",
            seen={"questions": questions, "golds": golds.shape},
            remedy="Give one code of 0 or more for each question's gold answer.",
        )
    size = 1 + max(int(golds.max()), int(answers.answer.max(initial=0)))
    others = np.bincount(golds, minlength=size)[answers.answer]
    others = others - (golds[answers.question] == answers.answer)
    solved = 1 - fail_at_k(answers.n[answers.question], answers.count, ks)
    weighted = solved * (others / (questions - 1))[:, None]
    return np.stack(
        [
            np.bincount(answers.question, weights=weighted[:, column], minlength=questions)
            for column in range(weighted.shape[1])
        ],
        axis=1,
    )


def gradient_share_of_counts(
    n: ArrayLike, c: ArrayLike, group_sizes: Sequence[int] | IntArray
) -> FloatArray:
    """The chance that a GRPO group has both right and wrong responses, without bias for G up to n.

    1 - C(c, G) / C(n, G) - C(n-c, G) / C(n, G): only such a group gives a gradient. For responses
    drawn by a fixed plan; under a curtailed one use the law (`measures.mixed_group`).

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses.
        group_sizes: Responses in a group, each 1 up to the least n.

    Returns:
        Shape (questions, group sizes), each in [0, 1].

    Raises:
        InputError: Impossible counts, or a group size below 1 or above n.
    """
    responses, right = checked_tally(n, c)
    all_wrong = fail_at_k(responses, right, group_sizes)
    all_right = fail_at_k(responses, responses - right, group_sizes)
    return np.maximum(1 - all_wrong - all_right, 0)


def first_reaching(ks: Sequence[int] | IntArray, values: ArrayLike, target: float) -> int | None:
    """The smallest k at which a curve reaches a target; None if it does not.

    With maj@k of the untrained model and the accuracy of the trained one it says how many samples
    buy by voting what training bought.

    Args:
        ks: Shape (ks,): increasing numbers of samples.
        values: Shape (ks,): the curve.
        target: What is to be reached.
    """
    reached = np.flatnonzero(np.asarray(values, dtype=np.float64) >= target)
    return int(np.asarray(ks)[reached[0]]) if len(reached) else None


def distinct_at_k(answers: AnswerCounts, k: int) -> FloatArray:
    """The number of distinct answers to expect among k responses to a question.

    An answer that c of the n responses gave is among k of them, drawn without replacement, with
    chance 1 - C(n-c, k) / C(n, k), as in pass@k: without bias for k fresh responses, and so free of
    n, which the plain number of distinct answers grows with (Hurlbert 1971, doi 10.2307/1934145).

    Args:
        answers: The counts. Responses without an answer are among the n, and give none.
        k: Number of responses, 1 or more.

    Returns:
        Shape (questions,), each in [0, k]; nan where a question has fewer than k responses.
    """
    enough = answers.n >= k
    entries = enough[answers.question]
    question, count = answers.question[entries], answers.count[entries]
    seen = 1 - fail_at_k(answers.n[question], count, [k])[:, 0]
    expected = np.bincount(question, weights=seen, minlength=len(answers.n))
    return np.where(enough, expected, np.nan)
