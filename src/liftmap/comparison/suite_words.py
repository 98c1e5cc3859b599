"""Every sentence about a suite of benchmarks, made from its facts.

Beside `words`, which has those about one comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from liftmap.comparison import gate_words, words
from liftmap.comparison.rounding import change_text, count
from liftmap.comparison.suite_gate import SuiteAnswer
from liftmap.comparison.suite_parts import Benchmark, PooledBenchmarks
from liftmap.read.suites import LeftOut
from liftmap.stats.verdict import Axis

_GROUPS = {"all": "", "old": "old ", "new": "new "}
_REASONS = {
    "before only": "is on the side before alone: left out",
    "after only": "is on the side after alone: left out",
    "beside": "holds no responses: left out",
    "unreadable": "can't be read: left out",
}


def headline(benchmarks: Sequence[Benchmark]) -> str:
    """How many benchmarks changed: `2 of 3 benchmarks changed`."""
    changed = sum(bool(each.changed) for each in benchmarks)
    return f"{count(changed)} of {benchmarks_text(len(benchmarks))} changed"


def benchmarks_text(number: int, group: str = "") -> str:
    """A number of benchmarks: `3 benchmarks`, `1 old benchmark`."""
    return f"{count(number)} {group}benchmark{'' if number == 1 else 's'}"


def changed_text(benchmark: Benchmark) -> str:
    """What changed on a benchmark, among all: `accuracy up`; empty where nothing did."""
    verdict = benchmark.comparison.verdict
    axes = {"accuracy": verdict.accuracy, "capability": verdict.capability}
    return ", ".join(f"{name} {_moved(axes[name])}" for name in benchmark.changed)


def _moved(axis: Axis) -> str:
    """The direction of a change that stands; one within the margin is small, and still one."""
    if axis.change is None:
        return axis.word
    return "up" if axis.change.estimate > 0 else "down"


def pooled_text(pooled: PooledBenchmarks) -> str:
    """A pooled figure: `mean over 3 benchmarks: accuracy up +5.7 points [+3.6, +8.1]`."""
    of = benchmarks_text(pooled.benchmarks, _GROUPS[pooled.of])
    over = (
        f"mean over {of}"
        if pooled.over == "benchmarks"
        else f"mean over {count(pooled.questions)} questions of {of}"
    )
    statements = [
        words.statement("accuracy", pooled.verdict.accuracy, pooled.verdict.margin),
    ]
    if pooled.capability is not None:
        name = f"pass@{count(pooled.k)}"
        statements.append(words.statement(name, pooled.verdict.capability, pooled.verdict.margin))
    return f"{over}: {'; '.join(statements)}"


def pooled_sentences(pooled: Sequence[PooledBenchmarks]) -> Iterator[str]:
    """The pooled figures of all benchmarks, a sentence each."""
    for each in pooled:
        if each.of == "all":
            text = pooled_text(each)
            yield f"{text[0].upper()}{text[1:]}."


def forgetting(pooled: Sequence[PooledBenchmarks]) -> Iterator[str]:
    """What became of the old benchmarks, beside the new ones; nothing where none is old."""
    groups = {each.of: each for each in pooled if each.over == "benchmarks"}
    old, new = groups.get("old"), groups.get("new")
    if old is None:
        return
    axis = old.verdict.accuracy
    what = {
        "down": "something is forgotten",
        "up": "nothing is forgotten on the whole",
        "within": "nothing is forgotten on the whole beyond the margin",
    }.get(axis.word, "it is not settled whether something is forgotten")
    text = (
        f"On {benchmarks_text(old.benchmarks, 'old ')} {what}: accuracy changed by "
        f"{change_text(old.accuracy.change.whole)}"
    )
    if new is not None:
        text += (
            f", on {benchmarks_text(new.benchmarks, 'new ')} by "
            f"{change_text(new.accuracy.change.whole)}"
        )
    yield f"{text} (means over benchmarks)."


def changed_note(family: int, level: float) -> str:
    """What `changed` means in a suite."""
    return (
        "A benchmark changed where the p-value that its change of accuracy, or of pass@k, is 0 "
        "(the interval turned round) stays below "
        f"{words.level_text(1 - level)} by Holm's method over all {count(family)} of them."
    )


def left_out_text(left_out: LeftOut) -> str:
    """A benchmark or file that was not compared, and why."""
    error = f" ({left_out.error})" if left_out.error else ""
    return f"{left_out.name} {_REASONS[left_out.reason]}{error}."


def gate_text(answer: SuiteAnswer) -> str:
    """A rule, its benchmark and its answer: `accuracy >= -1, gsm8k: passed, +0.4 points [...]`."""
    about = "mean over benchmarks" if answer.benchmark is None else answer.benchmark
    return (
        f"{answer.rule.rule.text}, {about}: {answer.answer.word}, "
        f"{gate_words.gate_evidence(answer.answer)}"
    )
