"""A gate: what is required of a change, and whether the evidence lets it pass.

Beside `compare`: reads rules as `accuracy >= -1` (points) or `lost <= 2` (questions beyond noise),
and answers each with the same estimates and intervals that a comparison prints, at a level that
holds for all rules together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
from liftmap.stats.verdict import Withheld

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
    rules: list[Rule] = []
    for text in texts:
        if _RULE.fullmatch(text.strip()) is None and Path(text).is_file():
            rules += _rules_of_file(Path(text))
        else:
            rules.append(_rule(text, "--require"))
    return tuple(dict.fromkeys(rules))


def _rules_of_file(path: Path) -> list[Rule]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} can't be read as text: {error}.", remedy="Give a text file with a rule a line."
        ) from error
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    rules = [_rule(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line]
    if not rules:
        raise InputError(f"{path} holds no rule.", remedy="Write one a line, as: accuracy >= -1")
    return rules


def _rule(text: str, place: str) -> Rule:
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
        elif rule.k not in measured:
            answers.append(Answer(rule, "can't tell", None, "k"))
        else:
            change = measured[rule.k].figure.change
            wider = measured[rule.k].wider or change
            evidence = _in_points(change)
            # As "within the margin": that nothing changed much has to hold by the wider interval.
            word = _word(rule, evidence, _in_points(wider))
            if withheld is not None:
                word = "can't tell"
            answers.append(Answer(rule, word, evidence, withheld))
    return tuple(answers)


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
