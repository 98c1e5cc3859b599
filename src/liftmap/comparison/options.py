"""How a comparison is made: its options and what they may be.

Beside `compare`, `track` and `suite`, which take them; made from a command's flags, from arguments
of Python, or from a study's settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from liftmap.comparison.parts import QuestionsAre, Rule
from liftmap.errors import InputError


@dataclass(frozen=True, slots=True)
class Options:
    """How a comparison is made; see `compare`."""

    k: int | None = None
    margin: float = 0.01
    bins: str = "study"
    level: float = 0.95
    seed: int = 0
    law_resamples: int = 50
    resamples: int = 1000
    extrapolate: bool = False
    questions: QuestionsAre = "like-these"
    min_responses: int | None = None
    looks: int | None = None
    advise_training: bool = False
    require: tuple[Rule, ...] = ()

    def check(self) -> None:
        """Whether the options can be used at all.

        Raises:
            InputError: One of them is out of range.
        """
        for name, good, remedy in (
            ("k", self.k is None or self.k >= 1, "k is a number of tries, 1 or more."),
            ("margin", 0 < self.margin < 1, "The margin is a share: 0.01 is one point."),
            ("level", 0 < self.level < 1, "The level lies between 0 and 1, such as 0.95."),
            ("seed", self.seed >= 0, "Take a seed of 0 or more."),
            (
                "law_resamples",
                self.law_resamples >= (2 if self.extrapolate else 0) and self.law_resamples != 1,
                "Take 2 or more, such as 50; 0 leaves out what needs them.",
            ),
            ("resamples", self.resamples >= 50, "Take 50 or more, such as 1000."),
            (
                "questions",
                self.questions in get_args(QuestionsAre),
                f"Take one of: {', '.join(get_args(QuestionsAre))}.",
            ),
            (
                "min_responses",
                self.min_responses is None or self.min_responses >= 1,
                "Take a number of responses, 1 or more.",
            ),
            (
                "looks",
                self.looks is None or self.looks >= 2,
                "Give the number of questions that you mean to ask in the end, 2 or more.",
            ),
        ):
            if not good:
                raise InputError(
                    f"{name} is out of range.", seen=getattr(self, name), remedy=remedy
                )
