"""Metrics of the lm-evaluation-harness tasks kin_pass and kin_each."""

from __future__ import annotations

from math import comb


def last_word(text: str) -> str:
    """The last word of a response."""
    return (text.split() or [""])[-1]


def pass_at_k(
    references: list[str], predictions: list[list[str]], k: list[int]
) -> dict[str, float]:
    """The unbiased estimate of pass@k from all responses to one question."""
    n = len(predictions[0])
    c = sum(last_word(text) == references[0] for text in predictions[0])
    return {f"pass@{i}": 1 - comb(n - c, i) / comb(n, i) for i in k}


def each(doc: dict[str, str], results: list[list[str]]) -> dict[str, list[int]]:
    """A verdict for each response."""
    return {"right": [int(last_word(text) == doc["answer"]) for text in results[0]]}


def mean_of_all(items: list[list[int]]) -> float:
    """The share of right responses."""
    return sum(map(sum, items)) / sum(map(len, items))
