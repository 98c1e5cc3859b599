"""Verifying 100,000 responses of a maths log with `math`, against a plain loop of math-verify.

256 responses a question, each with its own text, but few distinct answers: the right one, more
often the easier the question is, and wrong ones of which some are common mistakes. The plain loop
parses each gold answer once and each response whole; it is timed on a sample.
"""

from __future__ import annotations

import logging
import random

from math_verify import parse, verify

from bench.timing import Row, rate
from liftmap.records import Question
from liftmap.verify import make_verifier
from liftmap.verify.answers import final_answer
from liftmap.verify.pool import close_pool

RESPONSES, EACH, SAMPLE = 100_000, 256, 1000
MISTAKES = 60
# Ways of writing one answer, and how often each is used.
WAYS = (r"\boxed{%s}", r"$\boxed{%s}$", r"\boxed{x = %s}", r"\boxed{ %s }", r"\[ \boxed{%s} \]")
WEIGHTS = (50, 40, 3, 4, 3)
WORDS = ("so", "we", "have", "then", "since", "the", "sum", "of", "both", "sides", "is", "equal")


def run() -> list[Row]:
    pairs = make_log(random.Random(1))
    distinct = {(q.question_id, final_answer(text)) for q, text in pairs}
    sample = random.Random(2).sample(pairs, SAMPLE)

    def ours() -> int:
        # The start of the workers is part of it.
        close_pool()
        return len(make_verifier("math", {}).judge(pairs))

    what = (
        f"math, {RESPONSES:,} responses, {100 * len(distinct) / RESPONSES:.1f} % distinct answers"
    )
    return [Row(what, "responses", rate(ours, 2), rate(lambda: plain(sample), 2), "math-verify")]


def plain(pairs: list[tuple[Question, str]]) -> int:
    """The loop that a script would run; gives how many it judged."""
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    golds: dict[str, object] = {}
    for question, text in pairs:
        if question.question_id not in golds:
            golds[question.question_id] = parse(f"${question.answer}$")
        verify(golds[question.question_id], parse(text))
    return len(pairs)


def make_log(rng: random.Random) -> list[tuple[Question, str]]:
    pairs = []
    for index in range(-(-RESPONSES // EACH)):
        kind = rng.choice(KINDS)
        gold = kind(rng)
        question = Question(f"q{index}", "", gold)
        mistakes = [kind(rng) for _ in range(MISTAKES)]
        common = [1 / (place + 1) ** 1.5 for place in range(MISTAKES)]
        easy = rng.betavariate(0.7, 0.7)
        for _ in range(min(EACH, RESPONSES - len(pairs))):
            answer = gold if rng.random() < easy else rng.choices(mistakes, common)[0]
            way = rng.choices(WAYS, WEIGHTS)[0]
            pairs.append((question, f"{reasoning(rng)} {way % answer}."))
    return pairs


def reasoning(rng: random.Random) -> str:
    """Some 600 characters that no other response has."""
    parts = []
    for _ in range(12):
        words = " ".join(rng.choices(WORDS, k=7))
        parts.append(f"{words} ${rng.randrange(99)}x + {rng.randrange(99)}$.")
    return " ".join(parts)


def integer(rng: random.Random) -> str:
    return str(rng.randrange(-50, 2000))


def fraction(rng: random.Random) -> str:
    return rf"\frac{{{rng.randrange(1, 40)}}}{{{rng.randrange(2, 40)}}}"


def root(rng: random.Random) -> str:
    return rf"{rng.randrange(2, 9)}\sqrt{{{rng.randrange(2, 40)}}}"


def point(rng: random.Random) -> str:
    return f"({rng.randrange(-9, 9)}, {rng.randrange(-9, 9)})"


def interval(rng: random.Random) -> str:
    start = rng.randrange(-20, 20)
    return rf"[{start}, {start + rng.randrange(1, 20)})"


def expression(rng: random.Random) -> str:
    return rf"{rng.randrange(2, 9)}x^2 - {rng.randrange(2, 9)}x + {rng.randrange(2, 9)}\pi"


# Most answers of the field's benchmarks are numbers.
KINDS = (integer, integer, integer, integer, fraction, fraction, root, point, interval, expression)
