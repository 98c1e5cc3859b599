"""Do the intervals hold what they promise? Coverage by simulation, in worlds of known truth.

    python -m bench.calibrate                       1,000 rounds a world, some minutes
    python -m bench.calibrate --rounds 200 --seed 1 --out calibration.md

Each round draws questions from a world and responses to them, makes every interval with the
functions that `liftmap compare` uses, and counts how often it holds the truth of the world.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import numpy as np
import tyro
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import special

from liftmap.comparison import figures
from liftmap.comparison.bootstrap import Resamples, resample
from liftmap.comparison.match import PairedTallies, match
from liftmap.comparison.published import read_matrix
from liftmap.progress import Advance, progress
from liftmap.records import Estimate, Tally
from liftmap.stats.bins import assign, change_by_bin, study_bins
from liftmap.stats.intervals import simultaneous_band
from liftmap.stats.law.counts import pair_counts_of_matrix
from liftmap.stats.law.fit import fit_joint_law
from liftmap.stats.lost import lost_gained
from liftmap.stats.passk import pass_at_k
from liftmap.stats.verdict import decide

Rates = NDArray[np.float64]

N = 256
KS = np.arange(1, N + 1)
SHOWN = (1, 16, N)
LEVEL = 0.95
MARGIN = 0.01
RESAMPLES = 1000
LAW_RESAMPLES = 50
# Questions that a world holds; rounds draw from them with replacement, so their mean is the truth.
POPULATION = 20_000
FALSE_LABEL_SIZES = (60, 200, 500, 1300, 2500, 7500)


@dataclass(frozen=True)
class World:
    """Success rates of the questions that could be asked, before and after.

    Attributes:
        name: What it stands for.
        before: Shape (population,).
        after: Shape (population,).
    """

    name: str
    before: Rates
    after: Rates

    def draw(self, questions: int, rng: np.random.Generator) -> PairedTallies:
        """Questions drawn from the world, and N responses to each on both sides."""
        chosen = rng.integers(len(self.before), size=questions)
        ids = np.char.add("q", np.arange(questions).astype(np.str_))
        return match(
            _tally(ids, rng.binomial(N, self.before[chosen])),
            _tally(ids, rng.binomial(N, self.after[chosen])),
        )


@dataclass
class Count:
    """How often an interval held the truth, and how wide it was.

    Attributes:
        held: Rounds in which it did.
        rounds: All rounds.
        width: Sum of its widths.
        note: What else the table says of it.
    """

    held: int = 0
    rounds: int = 0
    width: float = 0.0
    note: str = ""

    def add(self, low: float, high: float, truth: float) -> None:
        """Counts one interval."""
        self.held += low <= truth <= high
        self.rounds += 1
        self.width += high - low

    @property
    def coverage(self) -> float:
        """Share of the rounds in which it held the truth."""
        return self.held / self.rounds

    @property
    def error(self) -> float:
        """Standard error of the coverage; that of the nominal level where all or none held."""
        share = self.coverage if 0 < self.held < self.rounds else LEVEL
        return float(np.sqrt(share * (1 - share) / self.rounds))


def main(rounds: int = 1000, seed: int = 0, out: Path | None = None) -> None:
    """Print the table of coverage, and of false labels where nothing changed.

    Args:
        rounds: Simulated comparisons of each world and size; a fifth of them with the joint law.
        seed: Seed of the whole run.
        out: A Markdown file to write the tables to.
    """
    same, published, lifted = worlds(np.random.default_rng([seed, 0]))
    cases = [(same, 500), (published, 500), (lifted, 500), (published, 60)]
    with progress(
        "calibrate", (len(cases) + len(FALSE_LABEL_SIZES)) * rounds, "comparisons"
    ) as advance:
        found = [
            cover(world, questions, rounds, [seed, 1, number], advance)
            for number, (world, questions) in enumerate(cases)
        ]
        labels = [
            _false_labels(same, size, rounds, [seed, 2, size], advance)
            for size in FALSE_LABEL_SIZES
        ]
    names = [f"{world.name}: {questions} questions" for world, questions in cases]
    tables = [
        (
            f"Coverage of {100 * LEVEL:.0f} % intervals in %, with its simulation error, and their "
            "mean width",
            ["interval", *names],
            [[what, *(_cell(what, one[what]) for one in found)] for what in found[0]],
        ),
        (
            "Verdicts where nothing changed, in %",
            [
                "questions",
                "unchanged",
                "inconclusive",
                "another label (false)",
                "excess lost above 0 (false)",
            ],
            labels,
        ),
    ]
    for title, headings, rows in tables:
        table = Table(title=title, title_justify="left")
        for heading in headings:
            table.add_column(heading)
        for row in rows:
            table.add_row(*row)
        Console().print(table)
    if out is not None:
        out.write_text("\n\n".join(_markdown(*table) for table in tables) + "\n", "utf-8")


def worlds(rng: np.random.Generator) -> tuple[World, World, World]:
    """Nothing changed; RLVR as published; a distillation that lifts the hardest questions."""
    path = resources.files("liftmap") / "data/published/fig9a_1.5b_math_train.csv"
    with resources.as_file(path) as file:
        law = fit_joint_law(pair_counts_of_matrix(*read_matrix(file, N)))
    cell = rng.choice(law.weights.size, size=POPULATION, p=law.weights.ravel())
    place, other = np.divmod(cell, law.weights.shape[1])
    before, after = law.grid_before[place], law.grid_after[other]
    inside = np.clip(before, 1e-6, 1 - 1e-6)
    lifted = special.expit(special.logit(inside) + 0.5 + rng.normal(0, 0.5, POPULATION))
    hard = before < 4 / N
    lifted = np.where(before == 0, 0.0, lifted)
    lifted[hard] = np.where(rng.random(hard.sum()) < 0.5, rng.beta(1, 3, hard.sum()), lifted[hard])
    return (
        World("nothing changed", before, before),
        World("RLVR as in Fig. 9a", before, after),
        World("distillation lifts the hardest", before, lifted),
    )


def cover(
    world: World, questions: int, rounds: int, seed: list[int], advance: Advance
) -> Mapping[str, Count]:
    """How often each interval holds the truth of the world."""
    bins = study_bins(N)
    truth = _Truth(world, questions)
    counts: dict[str, Count] = {}

    def add(what: str, found: Estimate, value: float) -> None:
        counts.setdefault(what, Count()).add(found.low, found.high, value)

    per_bin: dict[str, Count] = {}
    for number, sides, drawn in _rounds(world, questions, rounds, seed):
        options = drawn.options
        for point in figures.curve(sides, list(SHOWN), drawn):
            name = "accuracy" if point.k == 1 else f"pass@{point.k}"
            add(f"{name} before", point.before, truth.before[point.k - 1])
            add(f"change of {name}", point.change, truth.change[point.k - 1])
        low, high = simultaneous_band(
            *(pass_at_k(side.n, side.c, KS) for side in sides.rows),
            rng=np.random.default_rng([drawn.seed, 1]),
            counts=sides.counts,
        )
        inside = bool(np.all((low <= truth.change) & (truth.change <= high)))
        band = counts.setdefault(f"band over k = 1 to {N}", Count())
        band.held, band.rounds = band.held + inside, band.rounds + 1
        band.width += float((high - low).mean())
        lost = lost_gained(*sides.rows, **options)
        add("lost beyond noise, k = 128", lost.lost.excess, truth.excess(lost.k))
        for found in change_by_bin(*sides.rows, bins, **options):
            one = per_bin.setdefault(found.label, Count())
            one.add(found.change.low, found.change.high, truth.by_bin[found.label])
        if number % 5 == 0:
            fitted = figures.joint_law(sides, drawn)
            at_n = fitted.moves_at_n(N)[0]
            add(f"lost beyond noise, k = {N} (law)", at_n.excess, truth.excess(N))
        advance(1)
    both = Count(
        sum(c.held for c in per_bin.values()),
        sum(c.rounds for c in per_bin.values()),
        sum(c.width for c in per_bin.values()),
    )
    counts["change by bin, all bins"] = both
    worst = min(per_bin, key=lambda label: per_bin[label].coverage)
    counts["change by bin, worst bin"] = replace(per_bin[worst], note=f"bin {worst}")
    return counts


class _Truth:
    """What the intervals should hold."""

    def __init__(self, world: World, questions: int) -> None:
        before, after = world.before, world.after
        self.questions = questions
        self.unsolved = [np.exp(special.xlog1py(KS, -p[:, None])) for p in (before, after)]
        self.before = 1 - self.unsolved[0].mean(axis=0)
        self.change = (self.unsolved[0] - self.unsolved[1]).mean(axis=0)
        # A question falls into a bin by half of its responses.
        bins, half = study_bins(N), N // 2
        outcomes = np.arange(half + 1)
        chance = np.exp(
            special.gammaln(half + 1)
            - special.gammaln(outcomes + 1)
            - special.gammaln(half - outcomes + 1)
            + special.xlogy(outcomes, before[:, None])
            + special.xlog1py(half - outcomes, -before[:, None])
        )
        place = assign(outcomes, half, bins)
        self.by_bin = {}
        for index, label in enumerate(bins.labels):
            weight = chance[:, place == index].sum(axis=1)
            self.by_bin[label] = float(weight @ (after - before) / weight.sum())

    def excess(self, k: int) -> float:
        """Questions lost beyond noise at k."""
        u, v = (unsolved[:, k - 1] for unsolved in self.unsolved)
        return float(self.questions * ((1 - u) * (v - u)).mean())


def _false_labels(
    world: World, questions: int, rounds: int, seed: list[int], advance: Advance
) -> list[str]:
    """How often the verdict is none of what it should be where nothing changed."""
    labels, alarms = [], 0
    for _, sides, drawn in _rounds(world, questions, rounds, seed):
        one, other = figures.curve(sides, [1, N], drawn)
        found = decide(one.change, other.change, margin=MARGIN, questions=questions)
        labels.append(found.label)
        alarms += lost_gained(*sides.rows, **drawn.options).lost.excess.low > 0
        advance(1)
    shares = [labels.count(label) / rounds for label in ("unchanged", "inconclusive")]
    return [
        f"{questions:,}",
        *(f"{100 * share:.1f}" for share in shares),
        *(_rate(rate, rounds) for rate in (max(0.0, 1 - sum(shares)), alarms / rounds)),
    ]


def _rate(rate: float, rounds: int) -> str:
    """A share of false alarms with its simulation error."""
    error = np.sqrt(max(rate, 1 / rounds) * (1 - rate) / rounds)
    return f"{100 * rate:.1f} ± {100 * error:.1f}"


def _rounds(
    world: World, questions: int, rounds: int, seed: list[int]
) -> Iterator[tuple[int, PairedTallies, Resamples]]:
    for number in range(rounds):
        rng = np.random.default_rng([*seed, number])
        sides = world.draw(questions, rng)
        yield (
            number,
            sides,
            resample(
                sides,
                resamples=RESAMPLES,
                law_resamples=LAW_RESAMPLES,
                level=LEVEL,
                seed=int(rng.integers(2**31)),
            ),
        )


def _tally(ids: NDArray[np.str_], c: NDArray[np.int64]) -> Tally:
    nothing = np.zeros(len(c), dtype=np.int64)
    return Tally(ids, np.full(len(c), N), c, nothing, nothing)


def _cell(what: str, count: Count) -> str:
    width = count.width / count.rounds
    wide = f"{width:.1f} questions" if what.startswith("lost") else f"{100 * width:.1f} points"
    note = f", {count.note}" if count.note else ""
    return f"{100 * count.coverage:.1f} ± {100 * count.error:.1f} ({wide}{note})"


def _markdown(title: str, headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return f"**{title}.**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
