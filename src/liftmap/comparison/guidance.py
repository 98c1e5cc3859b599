"""What to do next: advice from a comparison, each piece with its figures and question ids.

Near the end of the flow of `comparison`: takes the pair, the curve, the losses and the law, gives
`Guidance` records. Advice that nothing in the data speaks for is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.comparison.fitted import FirmlyLost, FittedLaw, firmly_lost
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import CurvePoint, GroupGradient, Guidance, Moves
from liftmap.comparison.votes import Vote
from liftmap.records import Tally
from liftmap.stats.answers import first_reaching
from liftmap.stats.intervals import FirstLoss
from liftmap.stats.law.estimates import posterior_mean
from liftmap.stats.law.measures import gross_lost
from liftmap.stats.passk import IntArray

# With fewer responses a question, what a question shows is mostly luck.
FEWEST_RESPONSES = 8
# The kinds of advice that say what to train on.
TRAINING = ("distil", "rlvr", "saturated")
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
    *,
    on_train_questions: bool = False,
) -> tuple[Guidance, ...]:
    """All advice on exact counts; none where a question has too few responses.

    Args:
        pair: The matched tallies.
        points: The curve.
        loss: The first k at which after lies below before.
        lost: Questions lost.
        fitted: The joint law.
        teacher: A teacher's tally; None if there is none.
        votes: Majority votes of the model before; empty where its answers are unknown.
        on_train_questions: Whether the questions are those of training, so that what they show says
            what to train on; on others it only describes.

    Returns:
        Advice, what needs attention first.
    """
    if pair.most < FEWEST_RESPONSES:
        return ()
    advice = [
        _lost(pair, lost, fitted),
        _distil(pair, teacher),
        _mixed(pair, fitted),
        _saturated(pair),
        _samples([point for point in points if not point.extrapolated], loss, votes),
    ]
    pieces = (piece for piece in advice if piece is not None)
    return addressed(pieces, on_train_questions=on_train_questions)


def addressed(pieces: Iterable[Guidance], *, on_train_questions: bool) -> tuple[Guidance, ...]:
    """The advice, marked where it says what to train on."""
    return tuple(
        replace(piece, for_training=on_train_questions and piece.kind in TRAINING)
        for piece in pieces
    )


def _lost(pair: PairedTallies, lost: Moves, fitted: FittedLaw) -> Guidance | None:
    """Questions lost beyond noise."""
    n, c_before, c_after = pair.common_n, pair.before.c, pair.after.c
    gone = (c_before > 0) & (c_after == 0)
    if n is not None and gone.any() and fitted.has_intervals:
        starts = sorted({max(1, -(-start * n // 256)) for start in _STARTS})
        cluster = None if pair.cluster is None else pair.cluster[pair.row_of_question][gone]
        each = np.ones(int(gone.sum()), dtype=np.int64)
        firm = firmly_lost(fitted, n, c_before[gone], each, starts, cluster)
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
    return Guidance("lost", {"k": lost.k, "excess": lost.excess}, _ids(pair, first))


def firm_loss(firm: FirmlyLost, n: int, ids: tuple[str, ...] = ()) -> Guidance:
    """The advice on lost questions that noise can't explain."""
    return Guidance(
        "lost",
        {
            "right_before": [firm.least, firm.greatest],
            "responses": n,
            "observed": firm.observed,
            "noise": firm.noise,
        },
        ids,
    )


def _distil(pair: PairedTallies, teacher: Tally | None) -> Guidance | None:
    """Questions that neither model solves, and a teacher does."""
    unsolved = np.flatnonzero((pair.before.c == 0) & (pair.after.c == 0))
    if not len(unsolved):
        return None
    if teacher is None:
        facts = {"unsolved": len(unsolved), "teacher_answered": None, "teacher_solved": None}
        return Guidance("distil", facts, _ids(pair, unsolved))
    ids = pl.DataFrame({"id": pair.question_ids[unsolved], "place": unsolved})
    taught = pl.DataFrame({"id": teacher.question_ids, "n": teacher.n, "c": teacher.c})
    answered = ids.join(taught.filter(pl.col("n") > 0), on="id", maintain_order="left")
    solved = answered.filter(pl.col("c") > 0).sort(
        pl.col("c") / pl.col("n"), descending=True, maintain_order=True
    )
    return Guidance(
        "distil",
        {
            "unsolved": len(unsolved),
            "teacher_answered": len(answered),
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
    return Guidance(
        "rlvr",
        {
            "mixed": len(mixed),
            "compared": pair.questions,
            "share": len(mixed) / pair.questions,
            "groups": group_facts(fitted.groups),
        },
        _ids(pair, ranked),
    )


def group_facts(groups: Sequence[GroupGradient]) -> list[dict[str, Any]]:
    """Groups with a gradient as evidence."""
    return [{"size": each.size, "before": each.before, "after": each.after} for each in groups]


def _saturated(pair: PairedTallies) -> Guidance | None:
    """Questions with right responses alone after."""
    solved = pair.after.c == pair.after.n
    chosen = np.flatnonzero(solved)
    if not len(chosen):
        return None
    already = int((solved & (pair.before.c == pair.before.n)).sum())
    return Guidance(
        "saturated",
        {
            "saturated": len(chosen),
            "saturated_before_too": already,
            "compared": pair.questions,
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
    voted = first_reaching(
        [vote.k for vote in votes], [vote.right.estimate for vote in votes], after[0]
    )
    if reaches is None and not votes and not loss.informative:
        return None
    return Guidance(
        "samples",
        {
            "majority_reaches_accuracy_at": voted,
            "majority": [{"k": vote.k, "right": vote.right} for vote in votes],
            "pass_reaches_accuracy_at": reaches,
            "overtaking_possible": list(loss.possible) if loss.informative else None,
            "never_possible": loss.never_possible,
            "accuracy_after": points[0].after,
            "tries": ks[-1],
        },
    )


def _ids(pair: PairedTallies, places: NDArray[np.intp] | IntArray) -> tuple[str, ...]:
    return tuple(pair.question_ids[places].tolist())
