"""pass@k under a curtailed sampling plan, without bias, by counting orders of drawing.

`passk` checks the counts and hands them over when they were drawn by a `CurtailedPlan`. Reads n and
c per question and the plan, gives one number per question and k. `power` and `law.counts` read the
plan's stopping points.

Why counting works: given that a question stopped at (n, c), every sequence of right and wrong
responses that ends there is equally likely, whatever the success rate. The share of those sequences
that begin with k wrong ones is therefore the Rao-Blackwell estimate of the chance that k responses
are all wrong (Girshick, Mosteller and Savage 1946, doi 10.1214/aoms/1177731018). A sequence that
stops before k has a right response among its first k, so its part in the event is known as well.
"""

from __future__ import annotations

from functools import cache
from math import comb, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan, MirroredPlan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class StoppingPoints(NamedTuple):
    """Where a curtailed plan can end, sorted by n, then c.

    Attributes:
        n: Shape (points,): scored responses.
        c: Shape (points,): right responses.
        log_paths: Shape (points,): natural log of the number of sequences that end there; the
            chance of a point is exp(log_paths) p^c (1-p)^(n-c).
    """

    n: IntArray
    c: IntArray
    log_paths: FloatArray


def curtailed_pass_at_k(n: IntArray, c: IntArray, ks: IntArray, plan: CurtailedPlan) -> FloatArray:
    """The chance that at least one of k responses is right, estimated without bias: 1 - F_k/T.

    T(n, c) counts the sequences that end at the stopping point (n, c), F_k(n, c) those among them
    whose first k responses are all wrong. Under a mirrored plan right and wrong change places.

    Args:
        n: Shape (questions,): scored responses.
        c: Shape (questions,): right responses, 0 to n.
        ks: Numbers of tries, each 1 up to the plan's cap (mirrored: its earliest end).
        plan: The plan that drew the responses.

    Returns:
        Shape (questions, ks), each in [0, 1]; its mean over questions is pass@k.

    Raises:
        InputError: A (n, c) where the plan never stops, k above the cap (mirrored: the earliest
            end), or a plan whose numbers are not all 1 or more.
    """
    mirrored = isinstance(plan, MirroredPlan)
    most = plan.tries(n)
    if mirrored:
        c, plan = n - c, CurtailedPlan(plan.stop_after, plan.cap, plan.round_size)
    points = stopping_points(plan)
    if len(ks) and int(ks.max()) > most:
        raise InputError(
            "k is above the cap of the curtailed plan.",
            seen={"k": int(ks.max()), "cap": most},
            remedy="Take a smaller k, or ask for an extrapolation.",
        )
    point_of = np.full((plan.cap + 1, plan.cap + 1), -1)
    point_of[points.n, points.c] = np.arange(len(points.n))
    within = n <= plan.cap
    index = np.where(within, point_of[np.where(within, n, 0), np.where(within, c, 0)], -1)
    impossible = np.flatnonzero(index < 0)
    if len(impossible):
        row = int(impossible[0])
        raise InputError(
            f"The curtailed plan never stops at these counts; see row {row}.",
            seen={"n": int(n[row]), "c": int(c[row]), "plan": plan},
            remedy="Check the plan of the tally; rounds must count scored responses only.",
        )
    table = np.array([_pass_of_points(plan, int(k), mirrored) for k in ks]).reshape(len(ks), -1)
    return table.T[index]


def stopping_points(plan: CurtailedPlan) -> StoppingPoints:
    """All (n, c) at which the plan can stop, with the number of sequences that end there.

    Raises:
        InputError: A plan whose numbers are not all 1 or more.
    """
    if min(plan.stop_after, plan.cap, plan.round_size) < 1:
        raise InputError(
            "A curtailed plan needs stop_after, cap and round_size of 1 or more.",
            seen=plan,
            remedy="For example stop_after=8, cap=256, round_size=8.",
        )
    paths = _path_counts(plan, 0)
    points = np.array(list(paths), dtype=np.int64)
    return StoppingPoints(points[:, 0], points[:, 1], np.array([log(t) for t in paths.values()]))


@cache
def _path_counts(
    plan: CurtailedPlan, k: int, first_right: bool = False
) -> dict[tuple[int, int], int]:
    """Sequences that end at each stopping point and begin with k wrong (or k right) responses.

    Exact whole numbers: the counts reach 2^cap. The keys are the same for every k and sorted.
    """
    alive = {0: 1}
    ended: dict[tuple[int, int], int] = {}
    n = 0
    while n < plan.cap:
        size = min(plan.round_size, plan.cap - n)
        free = size - min(max(k - n, 0), size)
        fewest = size - free if first_right else 0
        n += size
        reached: dict[int, int] = {}
        for c, count in alive.items():
            for right in range(size + 1):
                # comb is 0 where more are right than the responses left free: the key stays.
                ways = comb(free, right - fewest) if right >= fewest else 0
                reached[c + right] = reached.get(c + right, 0) + count * ways
        alive = {}
        for c in sorted(reached):
            if c >= plan.stop_after or n == plan.cap:
                ended[n, c] = reached[c]
            else:
                alive[c] = reached[c]
    return ended


@cache
def _pass_of_points(plan: CurtailedPlan, k: int, mirrored: bool) -> tuple[float, ...]:
    """1 - F_k/T at each stopping point, in the order of `stopping_points`."""
    paths, alike = _path_counts(plan, 0), _path_counts(plan, k, mirrored)
    return tuple((t - alike[point]) / t for point, t in paths.items())
