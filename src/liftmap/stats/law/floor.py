"""The floor of the law's figures: what the same method gives where nothing was lost.

Beside `estimates`: takes the counts that a law was fitted to, fits a law in which nothing fell,
draws data sets from it and asks each what was asked of the real one. A fitted law always holds some
mass with p_after < p_before, since noise looks like that; so a gross loss means something only
where it stands above what data sets without any loss show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from liftmap.errors import InputError
from liftmap.stats.law.climb import climb_tables
from liftmap.stats.law.counts import PairCounts
from liftmap.stats.law.estimates import expected, moved_cells
from liftmap.stats.law.fit import REFIT_ERRORS, JointLaw, error_groups, fit_joint_law, law_grid
from liftmap.stats.law.measures import gross_gained, gross_lost, noise
from liftmap.stats.passk import FloatArray

DATA_SETS = 19
# What may have happened in the world that the data sets are drawn from.
World = Literal["unchanged", "nothing fell", "nothing rose"]


@dataclass(frozen=True, slots=True)
class Floor:
    """What one figure comes to in data sets without the change that it measures.

    Attributes:
        mean: Mean over the data sets.
        largest: The largest of them; with 19 data sets a figure beyond it has a chance of 1 in 20
            where there is no such change.
    """

    mean: float
    largest: float


@dataclass(frozen=True, slots=True)
class MovesFloor:
    """The floors of the figures at k tries, in questions.

    Attributes:
        k: Number of tries.
        data_sets: How many data sets were drawn.
        excess_lost: Of the excess of lost questions; None where k is not n.
        gross_lost: Of the gross part of lost questions.
        excess_gained: Of the excess of gained questions; None where k is not n.
        gross_gained: Of the gross part of gained questions.
    """

    k: int
    data_sets: int
    excess_lost: Floor | None
    gross_lost: Floor
    excess_gained: Floor | None
    gross_gained: Floor


def fit_law_of_world(pairs: PairCounts, world: World, *, rounds: int = 400) -> JointLaw:
    """The law of greatest likelihood among those of a kind of world.

    Args:
        pairs: The counts, exact or binned.
        world: "unchanged" (p_after = p_before for every question), "nothing fell"
            (p_after >= p_before) or "nothing rose".
        rounds: EM rounds at most.

    Returns:
        The law, on one grid for both sides.
    """
    grid = law_grid(int(max(pairs.before.n.max(), pairs.after.n.max())))
    square = np.ones((len(grid), len(grid)))
    start = {
        "unchanged": np.diag(np.diag(square)),
        "nothing fell": np.triu(square),
        "nothing rose": np.tril(square),
    }[world]
    if pairs.pair_of_question is not None:
        pairs = error_groups(pairs, REFIT_ERRORS)[0]
    return fit_joint_law(pairs, grid_before=grid, grid_after=grid, start=start, rounds=rounds)


def draw_tables(
    pairs: PairCounts, law: JointLaw, data_sets: int, rng: np.random.Generator
) -> tuple[PairCounts, FloatArray]:
    """Data sets of as many questions as there are, answered with success rates from a law.

    Args:
        pairs: The counts that say how questions are asked: n, plans and bins of both sides.
        law: Where success rates come from.
        data_sets: How many to draw.
        rng: Source of all randomness.

    Returns:
        The pairs as they are counted in the data sets (exact counts put together as for refits),
        and the numbers of questions, shape (data sets, rows before, rows after). Where n differs
        between questions, each question draws its n anew, on either side.
    """
    if pairs.pair_of_question is not None:
        pairs = error_groups(pairs, REFIT_ERRORS)[0]
    before = pairs.before.likelihood(law.grid_before)
    after = pairs.after.likelihood(law.grid_after)
    chances = before @ law.weights @ after.T
    shape = chances.shape
    chances = np.maximum(chances, 0).ravel()
    drawn = rng.multinomial(pairs.questions, chances / chances.sum(), size=data_sets)
    return pairs, drawn.reshape(data_sets, *shape).astype(np.float64)


def moves_floor(
    pairs: PairCounts,
    law: JointLaw,
    k: int,
    rng: np.random.Generator,
    *,
    data_sets: int = DATA_SETS,
    rounds: int = 400,
) -> MovesFloor:
    """The floors of gross loss, gross gain and the excesses at k tries.

    Args:
        pairs: The counts of the real data set.
        law: A law without the change in question, from `fit_law_of_world`.
        k: Number of tries.
        rng: Source of all randomness.
        data_sets: How many data sets to draw from the law, 1 or more.
        rounds: EM rounds at most, by data set; 400 is what `fit_joint_law` takes.

    Returns:
        Mean and largest of each figure over the data sets, each fitted from equal weights like the
        real one.

    Raises:
        InputError: No data set, or k = n where questions lost at n can't be counted.
    """
    if data_sets < 1:
        raise InputError(
            "A floor needs at least one data set.", seen=data_sets, remedy=f"Take {DATA_SETS}."
        )
    drawn, tables = draw_tables(pairs, law, data_sets, rng)
    before, after = law_grid(int(drawn.before.n.max())), law_grid(int(drawn.after.n.max()))
    likelihoods = drawn.before.likelihood(before), drawn.after.likelihood(after)
    even = np.full((len(before), len(after)), 1 / (len(before) * len(after)))
    weights, _ = climb_tables(tables, likelihoods, even, rounds)
    fits = [
        replace(law, grid_before=before, grid_after=after, weights=w, log_likelihood=np.nan)
        for w in weights
    ]
    questions = pairs.questions

    def floor(values: FloatArray) -> Floor:
        return Floor(float(values.mean()), float(values.max()))

    lost, gained = (
        floor(np.array([questions * expected(fit, measure(k)) for fit in fits]))
        for measure in (gross_lost, gross_gained)
    )
    if k != int(pairs.before.n.max()):
        return MovesFloor(k, data_sets, None, lost, None, gained)
    noises = np.array([questions * expected(fit, noise(k)) for fit in fits])
    excess_lost, excess_gained = (
        floor(tables[:, moved_cells(drawn.before, drawn.after, which)[1]].sum(axis=1) - noises)
        for which in ("lost", "gained")
    )
    return MovesFloor(k, data_sets, excess_lost, lost, excess_gained, gained)
