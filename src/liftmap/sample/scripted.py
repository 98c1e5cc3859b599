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
# First among the rates: the model knows the questions of a probed task by heart.
BY_HEART = "by-heart"
# In the metadata of a question that is shown in part: the rest of its text, and whether it is one
# of the task or a fresh one.
PROBED_REST = "probed_rest"
PROBED_OF_TASK = "probed_of_task"


class ScriptedEngine:
    """Answers each question right at a set rate.

    Attributes:
        rates: Success rates; a question takes the one at (hash of its id) modulo their number.
    """

    def __init__(self, model: str, questions: list[Question]) -> None:
        """Reads the rates.

        Args:
            model: `scripted:` and success rates in [0, 1], as `scripted:0,0.05,0.5,0.95`; with
                `by-heart` before them it completes a question of a task that is shown in part.
            questions: Those that may be asked; their answers are needed.

        Raises:
            ModelError: The name holds no rates.
        """
        remedy = f"Write {PREFIX} and rates from 0 to 1, as {PREFIX}0,0.05,0.5,0.95."
        if not model.startswith(PREFIX):
            raise ModelError("The scripted engine has no such model.", seen=model, remedy=remedy)
        try:
            names = model.removeprefix(PREFIX).split(",")
            by_heart = names[0] == BY_HEART
            self.rates = [float(rate) for rate in names[by_heart:]]
        except ValueError:
            raise ModelError(
                "A scripted rate is not a number.", seen=model, remedy=remedy
            ) from None
        if not self.rates or not all(0 <= rate <= 1 for rate in self.rates):
            raise ModelError("A scripted rate is out of range.", seen=model, remedy=remedy)
        self._answers = {q.question_id: q.answer for q in questions}
        self._rests = {
            q.question_id: str(q.metadata[PROBED_REST]).split()
            for q in questions
            if by_heart and q.metadata.get(PROBED_OF_TASK) is True
        }

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
                words = [*self._rests.get(question_id, ()), *words]
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
