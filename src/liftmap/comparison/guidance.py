"""What to do next: advice from a comparison, each piece with its figures and question ids.

Near the end of the flow of `comparison`: takes the pair, the curve, the losses and the law, gives
`Guidance` records. Advice that nothing in the data speaks for is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.comparison.fitted import FirmlyLost, FittedLaw, firmly_lost
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.result import CurvePoint, Guidance, Moves
from liftmap.comparison.votes import Vote
from liftmap.records import Estimate, Tally
from liftmap.stats.answers import first_overtaking, first_reaching
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.law.estimates import estimate, posterior_mean
from liftmap.stats.law.measures import Measure, gross_lost, swapped
from liftmap.stats.passk import FloatArray, IntArray

GROUP_SIZES = (4, 8, 16, 32, 64)
# Fewest right responses out of 256 of the groups of lost questions that are looked at, the starts
# of the study's bins.
_STARTS = (1, 5, 17, 33, 65, 129)


def advise(
    pair: PairedTallies,
    points: Sequence[CurvePoint],
    loss: FirstLoss,
    lost: Moves,
    fitted: FittedLaw,
    teacher: Tally | None,
    votes: Sequence[Vote],
) -> tuple[Guidance, ...]:
    """All advice on exact counts.

    Args:
        pair: The two pair.
        points: The curve.
        loss: The first k at which after lies below before.
        lost: Questions lost.
        fitted: The joint law.
        teacher: A teacher's tally; None if there is none.
        votes: Majority votes of the model before; empty where its answers are unknown.

    Returns:
        Advice, what needs attention first.
    """
    found = [
        _lost(pair, lost, fitted),
        _distil(pair, teacher),
        _mixed(pair, fitted),
        _saturated(pair),
        _samples([point for point in points if not point.extrapolated], loss, votes),
    ]
    return tuple(one for one in found if one is not None)


def _lost(pair: PairedTallies, lost: Moves, fitted: FittedLaw) -> Guidance | None:
    """Questions lost beyond noise."""
    n, c_before, c_after = pair.common_n, pair.before.c, pair.after.c
    gone = (c_before > 0) & (c_after == 0)
    if n is not None and gone.any():
        starts = sorted({max(1, -(-start * n // 256)) for start in _STARTS})
        right, number = np.unique(c_before[gone], return_counts=True)
        firm = firmly_lost(fitted, n, right, number, starts)
        if firm is not None:
            chosen = np.flatnonzero(gone & (c_before >= firm.least))
            ids = _ids(pair, chosen[np.argsort(-c_before[chosen], kind="stable")])
            return firm_loss(firm, n, ids)
    if lost.excess is None or lost.k is None or lost.excess.low <= 0:
        return None
    ranked = posterior_mean(fitted.pairs, fitted.law, gross_lost(lost.k))
    assert fitted.pairs.pair_of_question is not None
    chance = ranked[fitted.pairs.pair_of_question]
    first = np.argsort(-chance, kind="stable")[: round(lost.excess.estimate)]
    low, high = lost.excess.low, lost.excess.high
    return Guidance(
        "lost",
        f"{lost.excess.estimate:,.0f} questions [{low:,.0f}, {high:,.0f}] are lost beyond noise at "
        f"k = {lost.k}: look first at those most likely among them.",
        {"k": lost.k, "excess": lost.excess},
        _ids(pair, first),
    )


def firm_loss(firm: FirmlyLost, n: int, ids: tuple[str, ...] = ()) -> Guidance:
    """The advice on lost questions that noise can't explain."""
    noise = firm.noise
    least, greatest = noise.range or (noise.low, noise.high)
    one = firm.least == firm.greatest
    which = f"{firm.least:,}" if one else f"{firm.least:,}-{firm.greatest:,}"
    return Guidance(
        "lost",
        f"Of the questions with {which} right of {n:,} before, {firm.observed:,} "
        f"{'is' if firm.observed == 1 else 'are'} lost where about {noise.estimate:.1f} "
        f"[{noise.low:.1f}, {noise.high:.1f}] is noise ({least:.1f} to {greatest:.1f} is all that "
        "the data allow): look at these first.",
        {
            "right_before": [firm.least, firm.greatest],
            "responses": n,
            "observed": firm.observed,
            "noise": noise,
        },
        ids,
    )


def _distil(pair: PairedTallies, teacher: Tally | None) -> Guidance | None:
    """Questions that neither model solves, and a teacher does."""
    unsolved = np.flatnonzero((pair.before.c == 0) & (pair.after.c == 0))
    if not len(unsolved):
        return None
    number = (
        f"{len(unsolved):,} question{' is' if len(unsolved) == 1 else 's are'} unsolved by both"
    )
    if teacher is None:
        return Guidance(
            "distil",
            f"{number}: distil those that a teacher solves (its results say which: --teacher).",
            {"unsolved": len(unsolved), "teacher_answered": None, "teacher_solved": None},
            _ids(pair, unsolved),
        )
    ids = pl.DataFrame({"id": pair.before.question_ids[unsolved], "place": unsolved})
    taught = pl.DataFrame({"id": teacher.question_ids, "n": teacher.n, "c": teacher.c})
    both = ids.join(taught.filter(pl.col("n") > 0), on="id", maintain_order="left")
    solved = both.filter(pl.col("c") > 0).sort(
        pl.col("c") / pl.col("n"), descending=True, maintain_order=True
    )
    return Guidance(
        "distil",
        f"{number}; the teacher solves {len(solved):,} of the {len(both):,} of them that it "
        "answered: distil these.",
        {
            "unsolved": len(unsolved),
            "teacher_answered": len(both),
            "teacher_solved": len(solved),
        },
        _ids(pair, solved["place"].to_numpy()),
    )


def _mixed(pair: PairedTallies, fitted: FittedLaw) -> Guidance | None:
    """Questions with right and wrong responses after, on which GRPO still has a gradient."""
    n, c = pair.after.n, pair.after.c
    mixed = np.flatnonzero((c > 0) & (c < n))
    if not len(mixed):
        return None
    # The most telling first: outcomes as even as can be.
    ranked = mixed[np.argsort(np.abs(c[mixed] / n[mixed] - 0.5), kind="stable")]
    groups = gradient(fitted)
    return Guidance(
        "rlvr",
        f"{len(mixed):,} of {pair.questions:,} questions have mixed outcomes after: RLVR has "
        f"signal there. {gradient_text(groups)}",
        {"mixed": len(mixed), "share": len(mixed) / pair.questions, "groups": groups},
        _ids(pair, ranked),
    )


def gradient(fitted: FittedLaw) -> list[dict[str, Any]]:
    """The share of GRPO groups with a gradient at all, for each group size, before and after."""
    return [
        {
            "size": size,
            "before": _share(fitted, _mixed_group(size)),
            "after": _share(fitted, swapped(_mixed_group(size))),
        }
        for size in GROUP_SIZES
    ]


def gradient_text(groups: Sequence[dict[str, Any]]) -> str:
    """The shares of `gradient` in a sentence."""
    shares = ", ".join(
        f"{100 * group['after'].estimate:.0f} % at {group['size']}" for group in groups
    )
    return f"Share of groups of responses that give GRPO a gradient, by group size: {shares}."


def _mixed_group(size: int) -> Measure:
    """Right and wrong among `size` responses before: 1 - p^G - (1-p)^G."""

    def value(before: FloatArray, after: FloatArray) -> FloatArray:
        chance: FloatArray = 1 - before**size - (1 - before) ** size + 0 * after
        return chance

    return value


def _share(fitted: FittedLaw, measure: Measure) -> Estimate:
    return estimate(fitted.law, fitted.refits, measure, level=fitted.level)


def _saturated(pair: PairedTallies) -> Guidance | None:
    """Questions with right responses alone after."""
    solved = pair.after.c == pair.after.n
    chosen = np.flatnonzero(solved)
    if not len(chosen):
        return None
    already = int((solved & (pair.before.c == pair.before.n)).sum())
    return Guidance(
        "saturated",
        f"{len(chosen):,} of {pair.questions:,} questions are answered right every time after "
        f"({already:,} of them before too): drop them from further training.",
        {
            "saturated": len(chosen),
            "saturated_before_too": already,
            "share": len(chosen) / pair.questions,
        },
        _ids(pair, chosen),
    )


def _samples(
    points: Sequence[CurvePoint], loss: FirstLoss, votes: Sequence[Vote]
) -> Guidance | None:
    """How many samples of the untrained model do what training did."""
    ks = [point.k for point in points]
    before = [point.before.estimate for point in points]
    after = [point.after.estimate for point in points]
    if after[0] <= before[0]:
        return None
    reaches = first_reaching(ks, before, after[0])
    overtakes = first_overtaking(ks, before, after)
    voted = first_reaching(
        [vote.k for vote in votes], [vote.right.estimate for vote in votes], after[0]
    )
    parts = []
    if voted is not None:
        parts.append(
            f"a majority vote of {voted:,} samples of the model before is as accurate as one after"
        )
    elif votes:
        best = max(vote.right.estimate for vote in votes)
        parts.append(
            f"a majority vote of up to {votes[-1].k:,} samples of the model before stays less "
            f"accurate than one after ({100 * best:.1f} against {100 * after[0]:.1f} %)"
        )
    if reaches is not None:
        parts.append(
            f"{reaches:,} samples of the model before solve as many questions as one after"
        )
    if overtakes is None:
        parts.append(f"up to {ks[-1]:,} samples it does not overtake the model after by pass@k")
    else:
        parts.append(f"from {overtakes:,} samples on it solves more than the model after")
    if loss.possible:
        never = " or never" if loss.never_possible else ""
        parts[-1] += f" (the band allows it first at {_span(loss.possible)}{never})"
    text = "; ".join(parts)
    return Guidance(
        "samples",
        f"{text[0].upper()}{text[1:]}.",
        {
            "majority_reaches_accuracy_at": voted,
            "majority": [{"k": vote.k, "right": vote.right} for vote in votes],
            "pass_reaches_accuracy_at": reaches,
            "pass_overtakes_from": overtakes,
            "overtaking_possible": list(loss.possible),
            "never_possible": loss.never_possible,
        },
    )


def _span(ks: Sequence[int]) -> str:
    return f"{ks[0]:,}" if len(ks) == 1 else f"{ks[0]:,} to {ks[-1]:,}"


def _ids(pair: PairedTallies, places: NDArray[np.intp] | IntArray) -> tuple[str, ...]:
    return tuple(pair.before.question_ids[places].tolist())
