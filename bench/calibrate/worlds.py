"""Worlds of known truth: questions with their success rates, and ways to draw responses to them.

Bottom of `bench.calibrate`. A world is a finite population of sampling units (questions, or
clusters of them), so the truth of every figure is a mean over it; rounds draw units from it with
replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special, stats

from liftmap.comparison.published import read_matrix
from liftmap.records import CurtailedPlan, FixedPlan, Plan, Tally
from liftmap.stats.bins import Bins, assign
from liftmap.stats.law.counts import pair_counts_of_matrix
from liftmap.stats.law.fit import fit_joint_law

Rates = NDArray[np.float64]
Integers = NDArray[np.int64]

# Units of a population.
UNITS = 20_000


class Responses(NamedTuple):
    """What was counted of the responses to some questions, all (questions,)."""

    n: Integers
    c: Integers
    unscored: Integers
    plan: Plan | None


Respond = Callable[[Rates, np.random.Generator], Responses]


@dataclass(frozen=True, eq=False)
class World:
    """A population of questions, and what is asked of it.

    Attributes:
        name: What it stands for, as the table says it.
        before: Shape (units, questions of a unit): success rates before; one column where
            questions are the units.
        after: The same after.
        units: How many units a comparison draws.
        respond: How responses are drawn before and after.
        options: What `liftmap.compare` is called with.
    """

    name: str
    before: Rates
    after: Rates
    units: int
    respond: tuple[Respond, Respond]
    options: Mapping[str, Any] = field(default_factory=dict)
    _by_bin: dict[Bins, list[float]] = field(default_factory=dict, init=False)

    @property
    def questions(self) -> int:
        """Number of questions that a comparison draws."""
        return self.units * self.before.shape[1]

    def choose(self, rng: np.random.Generator, units: int | None = None) -> Integers:
        """Places of the units of one comparison."""
        return rng.integers(len(self.before), size=self.units if units is None else units)

    def ask(self, chosen: Integers, rng: np.random.Generator) -> tuple[Tally, Tally]:
        """The two sides of a comparison on these units."""
        before, after = (
            tally(respond(rates[chosen].ravel(), rng), self._labels(len(chosen)))
            for rates, respond in zip((self.before, self.after), self.respond, strict=True)
        )
        return before, after

    def draw(self, rng: np.random.Generator, units: int | None = None) -> tuple[Tally, Tally]:
        """The two sides of one comparison."""
        return self.ask(self.choose(rng, units), rng)

    def change_on(self, chosen: Integers, k: int) -> float:
        """The true change of pass@k on these units alone."""
        before, after = (1 - (1 - rates[chosen]) ** k for rates in (self.before, self.after))
        return float((after - before).mean())

    def _labels(self, units: int) -> NDArray[np.str_] | None:
        size = self.before.shape[1]
        return None if size == 1 else np.repeat(np.arange(units), size).astype(np.str_)

    @cached_property
    def unsolved(self) -> tuple[Rates, Rates]:
        """Log of the chance that one response is wrong, of all questions, before and after."""
        with np.errstate(divide="ignore"):
            return tuple(np.log1p(-rates.ravel()) for rates in (self.before, self.after))

    def passed(self, k: int, side: int) -> float:
        """The true pass@k before (0) or after (1)."""
        return float(1 - np.exp(k * self.unsolved[side]).mean())

    def change(self, k: int) -> float:
        """The true change of pass@k."""
        return self.passed(k, 1) - self.passed(k, 0)

    def excess(self, k: int) -> float:
        """Questions truly lost beyond noise at k, of those that a comparison draws."""
        u, v = (np.exp(k * side) for side in self.unsolved)
        return float(self.questions * ((1 - u) * (v - u)).mean())

    def gross(self, k: int) -> float:
        """The same from questions that became harder alone."""
        u, v = (np.exp(k * side) for side in self.unsolved)
        return float(self.questions * ((1 - u) * np.maximum(v - u, 0)).mean())

    def change_by_bin(self, bins: Bins) -> list[float]:
        """The true change of accuracy in each bin, where half of n responses bin a question."""
        if bins not in self._by_bin:
            half = bins.n // 2
            before, after = self.before.ravel(), self.after.ravel()
            outcomes = np.arange(half + 1)
            chance = stats.binom.pmf(outcomes, half, before[:, None])
            place = assign(outcomes, half, bins)
            weights = np.stack([chance[:, place == at].sum(axis=1) for at in range(len(bins))])
            with np.errstate(invalid="ignore"):
                changes = weights @ (after - before) / weights.sum(axis=1)
            self._by_bin[bins] = changes.tolist()
        return self._by_bin[bins]


def tally(responses: Responses, labels: NDArray[np.str_] | None = None) -> Tally:
    """The tally of questions q0, q1 ..."""
    ids = np.char.add("q", np.arange(len(responses.n)).astype(np.str_))
    nothing = np.zeros(len(ids), dtype=np.int64)
    return Tally(ids, responses.n, responses.c, responses.unscored, nothing, labels, responses.plan)


def fixed(n: int, copies: int = 1) -> Respond:
    """N responses to each question, of which `copies` at a time are one and the same."""

    def respond(p: Rates, rng: np.random.Generator) -> Responses:
        c = copies * rng.binomial(n // copies, p)
        return Responses(np.full(len(p), n), c, np.zeros(len(p), np.int64), FixedPlan(n))

    return respond


def right_ones_unscored(n: int, share: float) -> Respond:
    """N responses, of which a share fails to be scored: right ones, spread over all questions."""

    def respond(p: Rates, rng: np.random.Generator) -> Responses:
        c = rng.binomial(n, p)
        unscored = rng.binomial(c, min(1.0, share / float(p.mean())))
        return Responses(n - unscored, c - unscored, unscored, None)

    return respond


def curtailed(plan: CurtailedPlan, share: float = 0.0) -> Respond:
    """Rounds of scored responses; a share of all, right ones, fails to be scored."""

    def respond(p: Rates, rng: np.random.Generator) -> Responses:
        lost = p * min(1.0, share / float(p.mean()))
        seen = (p - lost) / (1 - lost)
        right = (rng.random((len(p), plan.cap)) < seen[:, None]).cumsum(axis=1)
        right = right[:, plan.round_size - 1 :: plan.round_size]
        enough = right >= plan.stop_after
        stop = np.where(enough.any(axis=1), enough.argmax(axis=1), right.shape[1] - 1)
        n = plan.round_size * (stop + 1)
        c = np.take_along_axis(right, stop[:, None], axis=1)[:, 0]
        return Responses(n, c, rng.negative_binomial(n, 1 - lost), plan)

    return respond


def curtailed_in_order(
    p: Rates, rng: np.random.Generator, plan: CurtailedPlan, share: float
) -> tuple[Responses, pl.DataFrame]:
    """As `curtailed`, response by response: also the rows in the order of drawing.

    Rounds are topped up to scored responses, so a question may be asked more often than the cap.

    Returns:
        The counts; and question_id and right (null where it could not be scored).
    """
    asked = 4 * plan.cap
    right = rng.random((len(p), asked)) < p[:, None]
    lost = right & (rng.random(right.shape) < min(1.0, share / float(p.mean())))
    scored, solved = (x.cumsum(axis=1) for x in (~lost, right & ~lost))
    ends = ~lost & (scored % plan.round_size == 0) & (solved >= plan.stop_after)
    ends |= ~lost & (scored == plan.cap)
    last = ends.argmax(axis=1)
    row = np.arange(len(p))
    question, place = np.nonzero(np.arange(asked) <= last[:, None])
    order = pl.DataFrame(
        {
            "question_id": np.char.add("q", question.astype(np.str_)),
            "right": np.where(right[question, place], 1, 0),
            "lost": lost[question, place],
        }
    ).select("question_id", right=pl.when(~pl.col("lost")).then(pl.col("right") == 1))
    n = scored[row, last]
    return Responses(n, solved[row, last], last + 1 - n, plan), order


def topped_up(n: int, most: int) -> Respond:
    """N responses, and n more to questions without a right one, up to `most`; nobody says so."""

    def respond(p: Rates, rng: np.random.Generator) -> Responses:
        asked, c = np.full(len(p), n), rng.binomial(n, p)
        while np.any(again := (c == 0) & (asked < most)):
            asked[again] += n
            c[again] = rng.binomial(n, p[again])
        return Responses(asked, c, np.zeros(len(p), np.int64), None)

    return respond


def unchanged(rng: np.random.Generator) -> Rates:
    """Success rates as models have them: many hard and easy questions, some between."""
    return rng.beta(0.4, 0.6, size=(UNITS, 1))


def sharpened_at_a_cost(rng: np.random.Generator) -> tuple[Rates, Rates]:
    """Likelier where there was something, gone where there was little: +7.6 at k = 1, -7 at 256."""
    before = rng.beta(0.35, 0.8, size=(UNITS, 1))
    after = special.expit(special.logit(np.clip(before, 1e-12, None)) + 0.68)
    gone = (before < 0.06) & (rng.random(before.shape) < 0.42)
    return before, np.where(gone, 0.0, after)


def sure(rng: np.random.Generator, fallen: float, to: float) -> tuple[Rates, Rates]:
    """Questions that are always right or always wrong; a share of all falls from right to `to`."""
    before = np.where(rng.random((UNITS, 1)) < 0.5, 0.0, 1.0)
    falls = (before > 0) & (rng.random(before.shape) < 2 * fallen)
    return before, np.where(falls, to, before)


def alike_in_clusters(rng: np.random.Generator, size: int) -> tuple[Rates, Rates]:
    """Clusters of questions of about one success rate, which move together; no change on average.

    Each cluster has a twin that moves the other way.
    """
    middle = rng.normal(0, 1.5, size=(UNITS // 20, 1))
    one = special.expit(middle + rng.normal(0, 0.5, size=(len(middle), size)))
    other = special.expit(special.logit(one) + rng.normal(0, 0.7, size=middle.shape))
    return np.concatenate([one, other]), np.concatenate([other, one])


def clusters_lost(rng: np.random.Generator, size: int, share: float) -> tuple[Rates, Rates]:
    """Clusters of which a few are lost as a whole while nothing else changes."""
    before = special.expit(rng.normal(1, 1.0, size=(UNITS // 10, size)))
    gone = rng.random((len(before), 1)) < share
    return before, np.where(gone, 0.0, before)


def published(rng: np.random.Generator, n: int = 256) -> tuple[Rates, Rates]:
    """RLVR as the joint law fitted to figure 9a of arXiv 2505.14216 has it."""
    path = resources.files("liftmap") / "data/published/fig9a_1.5b_math_train.csv"
    with resources.as_file(path) as file:
        law = fit_joint_law(pair_counts_of_matrix(*read_matrix(file, n)))
    cell = rng.choice(law.weights.size, size=UNITS, p=law.weights.ravel())
    place, other = np.divmod(cell, law.weights.shape[1])
    return law.grid_before[place][:, None], law.grid_after[other][:, None]


def distilled(before: Rates, rng: np.random.Generator, n: int = 256) -> Rates:
    """A distillation: all log-odds +0.5 +- 0.5, and half of the hardest to rates around 1/4."""
    inside = special.logit(np.clip(before, 1e-6, 1 - 1e-6))
    lifted = special.expit(inside + 0.5 + rng.normal(0, 0.5, before.shape))
    lifted = np.where(before == 0, 0.0, lifted)
    solved = (before < 4 / n) & (rng.random(before.shape) < 0.5)
    return np.where(solved, rng.beta(1, 3, before.shape), lifted)
