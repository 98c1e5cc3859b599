"""Two gates in known worlds: how often each blocks what did not fall, and passes what did.

    python -m bench.gates                          prints the table of docs/gate.md
    python -m bench.gates --rounds 100 --out docs/gate.md

Four benchmarks of the sizes of nel's example policy, 16 responses a question on both sides. Ours is
the gate of `liftmap.suite` with rules as strict as that policy, then with a rule on pass@16
besides; theirs is
`bench.nel_gate`, with the whole policy, then without its relative bound.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from numpy.typing import NDArray
from scipy import special

from bench.calibrate import worlds
from bench.calibrate.repeated import NOTHING_NAMED
from bench.nel_gate import EXAMPLE, Bound, status, verdict
from liftmap.comparison.compare import load_pair
from liftmap.comparison.options import Options
from liftmap.comparison.suite import answer_suite_rules
from liftmap.comparison.suite_gate import parse_suite_rules
from liftmap.progress import progress
from liftmap.records import Tally

Rates = NDArray[np.float64]
Sides = tuple[dict[str, Rates], dict[str, Rates]]

RESPONSES = 16
# Questions of each benchmark, and the beta law of its success rates before. mmlu_pro has 12,032.
BENCHMARKS: Mapping[str, tuple[int, float, float]] = {
    "mmlu_pro": (1000, 0.9, 0.5),
    "gpqa": (198, 0.6, 0.7),
    "humaneval": (164, 1.2, 0.4),
    "aime_2025": (30, 0.3, 1.7),
}
SAME_RULES = tuple(f"{name}: accuracy >= {-100 * b.max_drop:g}" for name, b in EXAMPLE.items())
WITH_PASS_AT_K = (*SAME_RULES, "pass@16 >= -1")
WITHOUT_GUARD = {name: replace(bound, max_relative_drop=None) for name, bound in EXAMPLE.items()}
START, END = "<!-- gates -->", "<!-- end of gates -->"
# How our words and theirs are counted.
COLUMNS = ("blocked", "passed", "can't tell")


def drawn(rng: np.random.Generator) -> dict[str, Rates]:
    """The success rates before of the questions of one round."""
    return {name: rng.beta(a, b, size=size) for name, (size, a, b) in BENCHMARKS.items()}


def unchanged(before: dict[str, Rates]) -> dict[str, Rates]:
    """Nothing changed."""
    return before


def fallen(points: float) -> Callable[[dict[str, Rates]], dict[str, Rates]]:
    """Every benchmark falls by so many points: all its rates by one factor."""

    def after(before: dict[str, Rates]) -> dict[str, Rates]:
        return {name: p * (1 - points / 100 / mean_of(name)) for name, p in before.items()}

    return after


def mean_of(name: str) -> float:
    """The true accuracy before of a benchmark."""
    _, a, b = BENCHMARKS[name]
    return a / (a + b)


def sharpened(before: dict[str, Rates]) -> dict[str, Rates]:
    """Accuracy rises where there was something, and what is seldom solved is lost."""
    rng = np.random.default_rng(7)
    after = {}
    for name, p in before.items():
        lifted = special.expit(special.logit(np.clip(p, 1e-9, 1 - 1e-9)) + 0.6)
        gone = (p < 0.25) & (rng.random(p.shape) < 0.7)
        after[name] = np.where(gone, p / 20, lifted)
    return after


WORLDS: Mapping[str, Callable[[dict[str, Rates]], dict[str, Rates]]] = {
    "unchanged": unchanged,
    "every benchmark falls by 1 point": fallen(1.0),
    "every benchmark falls by 3 points": fallen(3.0),
    "accuracy up, pass@16 down": sharpened,
}


def counted(rates: Mapping[str, Rates], rng: np.random.Generator) -> dict[str, Tally]:
    """Responses to each question, counted."""
    return {name: worlds.tally(worlds.fixed(RESPONSES)(p, rng)) for name, p in rates.items()}


def ours(
    before: dict[str, Tally], after: dict[str, Tally], rules: tuple[str, ...], seed: int
) -> str:
    """What our gate says: as `liftmap.suite(..., require=rules).gate`, without the comparisons."""
    pairs = {name: load_pair(before[name], after[name], NOTHING_NAMED) for name in before}
    gate = answer_suite_rules(parse_suite_rules(rules), pairs, Options(seed=seed))
    words = {each.answer.word for each in gate}
    if "failed" in words:
        return "blocked"
    return "can't tell" if "can't tell" in words else "passed"


def theirs(before: dict[str, Tally], after: dict[str, Tally], policy: Mapping[str, Bound]) -> str:
    """What `nel gate` says."""
    statuses = [
        status(before[name].c / before[name].n, after[name].c / after[name].n, bound)
        for name, bound in policy.items()
    ]
    return {"GO": "passed", "NO-GO": "blocked", "INCONCLUSIVE": "can't tell"}[verdict(statuses)]


def truth(world: str, k: int) -> list[float]:
    """The true change of pass@k of each benchmark, in points."""
    rng = np.random.default_rng(1)
    before = {n: rng.beta(a, b, size=50_000) for n, (_, a, b) in BENCHMARKS.items()}
    after = WORLDS[world](before)
    return [100 * float(((1 - before[n]) ** k - (1 - after[n]) ** k).mean()) for n in BENCHMARKS]


def run(rounds: int, seed: int) -> dict[str, dict[str, Counter[str]]]:
    """How often each gate says what, by world and gate."""
    counts: dict[str, dict[str, Counter[str]]] = {}
    with progress("gates", rounds * len(WORLDS), "rounds") as advance:
        for place, (world, change) in enumerate(WORLDS.items()):
            words: dict[str, Counter[str]] = {}
            for at in range(rounds):
                rng = np.random.default_rng([seed, place, at])
                rates = drawn(rng)
                before, after = counted(rates, rng), counted(change(rates), rng)
                said = {
                    "nel gate, the example policy": theirs(before, after, EXAMPLE),
                    "nel gate, without its relative bound": theirs(before, after, WITHOUT_GUARD),
                    "liftmap, the same rules": ours(before, after, SAME_RULES, at),
                    "liftmap, and pass@16 >= -1": ours(before, after, WITH_PASS_AT_K, at),
                }
                for gate, word in said.items():
                    words.setdefault(gate, Counter())[word] += 1
                advance(1)
            counts[world] = words
    return counts


def table(counts: Mapping[str, Mapping[str, Counter[str]]], rounds: int) -> str:
    """The counts as Markdown, in percent of the rounds."""
    lines = [f"| world | gate | {' | '.join(f'{name}, %' for name in COLUMNS)} |"]
    lines.append("|---|---|---:|---:|---:|")
    for world, words in counts.items():
        for gate, count in words.items():
            cells = (f"{100 * count[name] / rounds:.0f}" for name in COLUMNS)
            lines.append(f"| {world} | {gate} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    rounds: Annotated[int, tyro.conf.arg(metavar="INT")] = 100,
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Run both gates in each world and print how often they block, pass and can't tell.

    Args:
        rounds: Rounds of each world.
        seed: Seed of everything.
        out: A Markdown page whose table is replaced, between its marks.
    """
    text = table(run(rounds, seed), rounds)
    for world in WORLDS:
        changes = (", ".join(f"{change:+.1f}" for change in truth(world, k)) for k in (1, 16))
        print(f"{world}: true changes, points: pass@1 {next(changes)}; pass@16 {next(changes)}")
    print(text)
    if out is not None:
        page = out.read_text("utf-8")
        head, rest = page.split(START)
        tail = rest.split(END)[1]
        command = f"python -m bench.gates --rounds {rounds} --seed {seed}"
        out.write_text(f"{head}{START}\n\nBy `{command}`:\n\n{text}\n\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
