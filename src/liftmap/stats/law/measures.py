"""Measures: what a question of success rates p_before and p_after adds to a figure.

Every figure of the law is the mean over questions of a **measure**, a function of (p_before,
p_after). The functions here make measures; `estimates` gives their means with intervals and
`identification` what the data do not fix of them.

With k tries a question of success rate p stays unsolved with chance u = (1-p)^k. In these terms
(u before, v after): lost (1-u)v, gained u(1-v), and noise (1-u)u, which is what either would be if
nothing had changed. Excess is lost or gained less noise, (1-u)(v-u) and u(u-v): a net figure. Its
gross part comes from the questions that became harder (for lost) or easier (for gained) alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from liftmap.stats.passk import FloatArray

# (p_before, p_after), arrays that broadcast, to values of their common shape.
Measure = Callable[[FloatArray, FloatArray], FloatArray]
# The same of the success rate of one side.
MeasureOfSide = Callable[[FloatArray], FloatArray]


def unsolved(p: FloatArray, k: float) -> FloatArray:
    """The chance (1-p)^k that k responses are all wrong."""
    chance: FloatArray = np.exp(special.xlog1py(k, -p))
    return chance


def swapped(measure: Measure) -> Measure:
    """The same measure with before and after exchanged."""
    return lambda before, after: measure(after, before)


def passes_before(k: int) -> Measure:
    """Solved within k before; its mean is pass@k before (after: `swapped` of it)."""
    return lambda before, after: 1 - unsolved(before, k) + 0 * after


def pass_change(k: int) -> Measure:
    """Change of pass@k, after minus before, in [-1, 1]."""
    return lambda before, after: unsolved(before, k) - unsolved(after, k)


def lost(k: int) -> Measure:
    """Solved within k before and not within k after, in [0, 1]."""
    return lambda before, after: (1 - unsolved(before, k)) * unsolved(after, k)


def gained(k: int) -> Measure:
    """Solved within k after and not within k before, in [0, 1]."""
    return lambda before, after: unsolved(before, k) * (1 - unsolved(after, k))


def noise(k: int) -> Measure:
    """Solved within k before and not within k *more* before: lost, and gained, if nothing changes.

    In [0, 1/4].
    """
    return lambda before, after: (1 - unsolved(before, k)) * unsolved(before, k) + 0 * after


def noise_from(first: int, last: int, n: int) -> Measure:
    """Between first and last right ones of n responses before, and none of n *more* before.

    What a bin of counts loses at k = n if nothing changes, in [0, 1/4]. Bins well above 0 lose
    next to nothing so, whatever the law: there the data fix what is noise.
    """

    def value(before: FloatArray, after: FloatArray) -> FloatArray:
        inside = special.bdtr(last, n, before)
        if first:
            inside = inside - special.bdtr(first - 1, n, before)
        chance: FloatArray = inside * unsolved(before, n) + 0 * after
        return chance

    return value


def excess_lost(k: int) -> Measure:
    """Lost less noise, in [-1/4, 1]; negative where questions became easier."""
    return lambda before, after: lost(k)(before, after) - noise(k)(before, after)


def excess_gained(k: int) -> Measure:
    """Gained less noise, in [-1/4, 1]; negative where questions became harder."""
    return lambda before, after: gained(k)(before, after) - noise(k)(before, after)


def gross_lost(k: int) -> Measure:
    """The excess of lost over noise from questions with p_after < p_before alone, in [0, 1].

    A question that became only slightly harder adds next to nothing, so the figure hardly depends
    on the grid; the plain share of questions with p_after < p_before does. It is above 0 even where
    nothing changed: `floor` says how far.
    """
    return lambda before, after: (
        (1 - unsolved(before, k)) * np.maximum(unsolved(after, k) - unsolved(before, k), 0)
    )


def gross_gained(k: int) -> Measure:
    """The excess of gained over noise from questions with p_after > p_before alone, in [0, 1]."""
    return lambda before, after: (
        unsolved(before, k) * np.maximum(unsolved(before, k) - unsolved(after, k), 0)
    )


def mixed_group(size: int) -> MeasureOfSide:
    """Right and wrong responses in a group of `size`: 1 - p^size - (1-p)^size, in [0, 1].

    Only such a group gives GRPO a gradient (Shao et al. 2024, arXiv 2402.03300, section 4.1: the
    advantage is the reward less the group's mean).
    """
    return lambda p: 1 - p**size - (1 - p) ** size


def before(measure: MeasureOfSide) -> Measure:
    """The measure of the success rate before."""
    return lambda p_before, p_after: measure(p_before) + 0 * p_after


def covers(tau: float, n: int) -> MeasureOfSide:
    """Whether p is tau or more, as a step one standard error of c/n wide, in [0, 1].

    For the limits of Cover@tau: n responses can't tell on which side of tau a question lies that
    is closer to it.
    """

    def value(p: FloatArray) -> FloatArray:
        angle = np.arcsin(np.sqrt(p)) - np.arcsin(np.sqrt(tau))
        step: FloatArray = np.clip(0.5 + angle * 2 * np.sqrt(n), 0, 1)
        return step

    return value
