"""The responses that all files of `tests/read/data/rollouts` hold: four sums, three tries each.

Question q has 3 - q right tries. The second try at the last question was cut by the token limit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Try:
    question: int
    index: int
    prompt: str
    gold: str
    text: str
    answer: str
    right: bool
    cut: bool


def tries() -> list[Try]:
    made = []
    for question in range(4):
        for index in range(3):
            right = index < 3 - question
            gold = 2 + question + 5
            answer = str(gold if right else gold + 1 + index)
            cut = (question, index) == (3, 1)
            made.append(
                Try(
                    question=question,
                    index=index,
                    prompt=f"What is {2 + question} + 5?",
                    gold=str(gold),
                    text=f"Let me add. {2 + question} + 5 is" + ("" if cut else f" {answer}"),
                    answer="" if cut else answer,
                    right=right,
                    cut=cut,
                )
            )
    return made
