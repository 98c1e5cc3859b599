"""The scripted engine: a shipped fake with set success rates, for trying and testing the line.

An engine of the `sample` stage. It loads no model: question by question it draws right and wrong
responses at a success rate that is written in the model's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from liftmap.errors import ModelError
from liftmap.records import Prompt, Question, Response, SamplingSettings

PREFIX = "scripted:"
REFLECTION_SHARE = 0.2


class ScriptedEngine:
    """Answers each question right at a set rate.

    Attributes:
        rates: Success rates; a question takes the one at (hash of its id) modulo their number.
    """

    def __init__(self, model: str, questions: list[Question]) -> None:
        """Reads the rates.

        Args:
            model: `scripted:` and success rates in [0, 1], as `scripted:0,0.05,0.5,0.95`.
            questions: Those that may be asked; their answers are needed.

        Raises:
            ModelError: The name holds no rates.
        """
        remedy = f"Write {PREFIX} and rates from 0 to 1, as {PREFIX}0,0.05,0.5,0.95."
        if not model.startswith(PREFIX):
            raise ModelError("The scripted engine has no such model.", seen=model, remedy=remedy)
        try:
            self.rates = [float(rate) for rate in model.removeprefix(PREFIX).split(",")]
        except ValueError:
            raise ModelError(
                "A scripted rate is not a number.", seen=model, remedy=remedy
            ) from None
        if not all(0 <= rate <= 1 for rate in self.rates):
            raise ModelError("A scripted rate is out of range.", seen=model, remedy=remedy)
        self._answers = {q.question_id: q.answer for q in questions}

    def rate(self, question_id: str) -> float:
        """The true success rate of a question."""
        return self.rates[_digest(question_id) % len(self.rates)]

    def generate(
        self, prompts: Mapping[str, Prompt], count: int, settings: SamplingSettings, first: int = 0
    ) -> Iterator[Response]:
        """Yields responses whose last words are `so ANSWER`, right at the question's rate."""
        answers = sorted(set(self._answers.values()))
        for question_id in prompts:
            rng = np.random.default_rng([settings.seed, _digest(question_id)])
            answer = self._answers[question_id]
            wrong = [a for a in answers if a != answer] or [""]
            # Three numbers a response, in order: the first ones don't depend on how many follow.
            draws = rng.random((first + count, 3))[first:]
            for index, (luck, mood, pick) in enumerate(draws.tolist(), start=first):
                right = luck < self.rate(question_id)
                given = answer if right else wrong[int(pick * len(wrong))]
                words = (["wait"] if mood < REFLECTION_SHARE else []) + ["so", given]
                cut = words[: settings.max_tokens]
                yield Response(
                    question_id=question_id,
                    response_index=index,
                    text=" " + " ".join(cut),
                    token_ids=tuple(_digest(word) % 50_000 for word in cut),
                    finish_reason="stop" if cut == words else "length",
                    log_probability=float("nan"),
                )


def text_with(answer: str) -> str:
    """A response that gives an answer."""
    return f" so {answer}"


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
