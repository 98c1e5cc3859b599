"""Which of two models solves more for the same tokens: pass@k at equal budgets.

Beside `curve`: takes the matched pair and the mean tokens of each question's responses, gives an
`EqualTokens`. k tries of a model cost k times the mean tokens of a response. After at k is held
against before at the k' that costs as much; between whole numbers of tries pass@k is interpolated
in log k, question by question.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from liftmap.comparison.curve import doubling
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import EqualBudget, EqualTokens
from liftmap.records import Change, Counts
from liftmap.stats.intervals import mean_changes, means
from liftmap.stats.passk import FloatArray, pass_at_k
from liftmap.stats.resampling import clipped

# Mean tokens of a response by question, before and after: question_id, tokens; None: unknown.
Tokens = tuple[pl.DataFrame | None, pl.DataFrame | None]


def equal_tokens(pair: PairedTallies, tokens: Tokens, *, level: float) -> EqualTokens | None:
    """pass@k of both models for the same number of tokens.

    Args:
        pair: The matched tallies.
        tokens: The mean tokens of each question's responses.
        level: Coverage of the intervals.

    Returns:
        The costs and the comparison at each budget that both curves reach. Intervals are analytic
        and take in that the costs are known from these questions too (delta method). None where
        either side does not say its tokens, or fewer than two questions do.
    """
    before_tokens, after_tokens = tokens
    if before_tokens is None or after_tokens is None:
        return None
    counted = (
        pl.DataFrame({"question_id": pair.question_ids})
        .with_row_index("question")
        .join(before_tokens, on="question_id", maintain_order="left")
        .join(after_tokens, on="question_id", suffix="_after", maintain_order="left")
        .filter((pl.col("tokens") > 0) & (pl.col("tokens_after") > 0))
    )
    chosen = counted["question"].to_numpy().astype(np.int64)
    cluster = None if pair.cluster is None else pair.cluster[pair.row_of_question[chosen]]
    if len(chosen) < 2 or (cluster is not None and len(np.unique(cluster)) < 2):
        return None
    costs = counted.select("tokens", "tokens_after").to_numpy().astype(np.float64)
    cost_before, cost_after = means(costs, cluster=cluster, level=level)
    [cost_change] = means(costs[:, 1:] - costs[:, :1], cluster=cluster, level=level)
    sides = [tally.subset(chosen).counts for tally in (pair.before, pair.after)]
    # How far the relative costs of a question lie from the mean's, after less before.
    apart = costs[:, 1] / cost_after.estimate - costs[:, 0] / cost_before.estimate
    most = pair.most
    budgets = []
    for k in doubling(most):
        tries_before = k * cost_after.estimate / cost_before.estimate
        if not 1 <= tries_before <= most:
            continue
        solved_before, slope = _between(sides[0], tries_before, most)
        solved_after = pass_at_k(sides[1].n, sides[1].c, [k], sides[1].plan)[:, 0]
        moved = solved_after - solved_before - slope * apart
        first, then = means(
            np.column_stack([solved_before, solved_after]), cluster=cluster, level=level
        )
        [change] = mean_changes(
            np.zeros((len(moved), 1)), moved[:, None], cluster=cluster, level=level, floor=1.0
        )
        budgets.append(
            EqualBudget(
                clipped(first, 0.0),
                clipped(then, 0.0),
                change,
                tokens=k * cost_after.estimate,
                k_before=tries_before,
                k_after=k,
            )
        )
    return EqualTokens(len(chosen), Change(cost_before, cost_after, cost_change), tuple(budgets))


def _between(side: Counts, tries: float, most: int) -> tuple[FloatArray, float]:
    """pass@k of each question between whole k, and the slope of its mean in log k."""
    below = min(int(tries), max(most - 1, 1))
    above = min(below + 1, most)
    solved = pass_at_k(side.n, side.c, [below, above], side.plan)
    if below == above:
        return solved[:, 0], 0.0
    step = float(np.log(above / below))
    share = float(np.log(tries / below)) / step
    values: FloatArray = (1 - share) * solved[:, 0] + share * solved[:, 1]
    return values, float((solved[:, 1] - solved[:, 0]).mean()) / step
