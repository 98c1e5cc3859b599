"""A gate: what is required of a change, and whether the evidence lets it pass.

Beside `compare`: reads rules as `accuracy >= -1` (points) or `lost <= 2` (questions beyond noise),
and answers each with the same estimates and intervals that a comparison prints, at a level that
holds for all rules together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from liftmap.comparison.bootstrap import Resamples
from liftmap.comparison.curve import curve
from liftmap.comparison.match import PairedTallies
from liftmap.comparison.parts import Answer, Answered, QuestionsAre, Rule
from liftmap.errors import InputError
from liftmap.records import Estimate
from liftmap.stats.lost import lost_gained
from liftmap.stats.verdict import MeasuredChange, Withheld

_RULE = re.compile(
    r"(?P<figure>accuracy|pass@(?P<k>[1-9]\d*)|lost)\s*(?P<sign>>=|<=|≥|≤)\s*"
    r"(?P<bound>[+\-\u2212]?\d+(?:\.\d+)?)"
)
_SIGNS = {"≥": ">=", "≤": "<="}
_POINT = 0.01


def parse_rules(texts: Iterable[str]) -> tuple[Rule, ...]:
    """Rules from texts, each a rule or the path of a file with a rule a line (`#` is a comment).

    Raises:
        InputError: A text that is neither, or an empty file.
    """
    return tuple(dict.fromkeys(parse_rule(text, place) for text, place in rule_texts(texts)))


def rule_texts(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The rules as texts, those of files line by line, each with its place for messages.

    Raises:
        InputError: A file that can't be read, or without a rule.
    """
    for text in texts:
        if _RULE.fullmatch(text.strip()) is None and Path(text).is_file():
            yield from _lines_of_file(Path(text))
        else:
            yield text, "--require"


def _lines_of_file(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} can't be read as text: {error}.", remedy="Give a text file with a rule a line."
        ) from error
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    rules = [(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line]
    if not rules:
        raise InputError(f"{path} holds no rule.", remedy="Write one a line, as: accuracy >= -1")
    return rules


def parse_rule(text: str, place: str) -> Rule:
    """A rule from its text.

    Raises:
        InputError: It is not one; the message names its place.
    """
    match = _RULE.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"{place} is not a rule, nor the path of a file of rules.",
            seen=text,
            remedy="Write a figure, >= or <=, and a bound, as: accuracy >= -1 (points), "
            "pass@16 >= -1 (points) or lost <= 2 (questions beyond noise).",
        )
    name, bound = match["figure"], float(match["bound"].replace("\N{MINUS SIGN}", "-"))
    sign: Literal[">=", "<="] = ">=" if _SIGNS.get(match["sign"], match["sign"]) == ">=" else "<="
    if name == "lost":
        return Rule("lost", None, sign, bound)
    k = 1 if name == "accuracy" else int(match["k"])
    return Rule("accuracy" if k == 1 else "pass@k", k, sign, bound)


def level_of_each(level: float, rules: int) -> float:
    """The coverage of each interval with which all of so many hold together (Bonferroni)."""
    return 1 - (1 - level) / rules


def answer(
    rules: Sequence[Rule],
    pair: PairedTallies,
    resamples: Resamples,
    *,
    most: int,
    questions_are: QuestionsAre,
    withheld: Withheld | None,
    independent: bool,
) -> tuple[Answer, ...]:
    """Whether each rule is kept.

    Args:
        rules: The rules.
        pair: The matched tallies.
        resamples: How intervals are made, at the level of each rule (`level_of_each`).
        most: The most tries that every question supports, on what the answers are about.
        questions_are: What the answers are about.
        withheld: Why no change can be called, if so.
        independent: Whether the counts are of independent draws, which noise is computed from.

    Returns:
        The answers, in the order of the rules.
    """
    ks = sorted({rule.k for rule in rules if rule.k is not None and rule.k <= most} | {1})
    measured = {each.k: each for each in curve(pair, ks, resamples, questions_are).leading}
    answers = []
    for rule in rules:
        if rule.k is None:
            lost = _of_lost(rule, pair, resamples, independent=independent)
            answers.append(
                lost if withheld is None else replace(lost, word="can't tell", missing=withheld)
            )
        else:
            change = measured.get(rule.k)
            answers.append(answer_change(rule, change and replace(change, withheld=withheld)))
    return tuple(answers)


def answer_change(rule: Rule, measured: MeasuredChange | None) -> Answer:
    """Whether a rule about pass@k is kept.

    Args:
        rule: The rule.
        measured: The change at its k, at the level of the rule; None where k is above the tries
            that are supported.
    """
    if measured is None:
        return Answer(rule, "can't tell", None, "k")
    evidence = _in_points(measured.figure.change)
    if measured.withheld is not None:
        return Answer(rule, "can't tell", evidence, measured.withheld)
    # As "within the margin": that nothing changed much has to hold by the wider interval.
    wider = measured.wider or measured.figure.change
    return Answer(rule, _word(rule, evidence, _in_points(wider)), evidence)


def _of_lost(rule: Rule, pair: PairedTallies, resamples: Resamples, *, independent: bool) -> Answer:
    half = pair.most // 2
    if half < 1 or not independent:
        return Answer(rule, "can't tell", None, "noise")
    excess = lost_gained(*pair.rows, half, **resamples.options).lost.excess
    return Answer(rule, _word(rule, excess, excess), excess)


def _in_points(change: Estimate) -> Estimate:
    """The change in points, its interval widened by what the data leave open."""
    low, high = change.range or (change.low, change.high)
    ends = min(low, change.low), max(high, change.high)
    return Estimate(change.estimate / _POINT, ends[0] / _POINT, ends[1] / _POINT)


def _word(rule: Rule, printed: Estimate, wider: Estimate) -> Answered:
    low, high = min(printed.low, wider.low), max(printed.high, wider.high)
    if rule.sign == "<=":
        low, high, bound = -high, -low, -rule.bound
        failed = -printed.low < bound
    else:
        bound, failed = rule.bound, printed.high < rule.bound
    if low >= bound:
        return "passed"
    return "failed" if failed else "can't tell"
