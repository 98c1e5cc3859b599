"""A comparison that takes as long as it may, for a pool that is killed."""

from __future__ import annotations

from liftmap.records import Question, Verdict


def compare(question: Question, answer: str) -> Verdict:
    # One operation that lets no other thread of Python run.
    return Verdict("right" if 3 ** (10**9) else "wrong")
