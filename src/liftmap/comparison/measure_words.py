"""Sentences about pass^k, equal tokens and nulls: made from their facts, as `words` makes others.

Takes the records of `parts`, gives lines for the terminal and the page.
"""

from __future__ import annotations

from collections.abc import Sequence

from liftmap.comparison.parts import (
    CurvePoint,
    EqualBudget,
    EqualTokens,
    Measures,
    NullComparison,
    NullContrast,
)
from liftmap.comparison.rounding import change_text, count, fixed, percent, points
from liftmap.records import Estimate


def pass_hat_lines(points: Sequence[CurvePoint]) -> list[str]:
    """pass^k at the largest k, beside accuracy; nothing where k is 1 alone."""
    if not points or points[-1].k == 1:
        return []
    last = points[-1]
    return [
        f"All of {count(last.k)} tries right (pass^{count(last.k)}): "
        f"{percent(last.before.estimate)} % of questions before, {percent(last.after.estimate)} % "
        f"after, {change_text(last.change)}"
    ]


def equal_tokens_lines(equal: EqualTokens | None) -> list[str]:
    """Which model solves more for the same tokens, at the smallest and the largest budget."""
    if equal is None:
        return []
    cost = equal.cost
    lines = [
        f"Tokens of a response: {fixed(cost.before.estimate)} before, {fixed(cost.after.estimate)} "
        f"after ({fixed(cost.change.estimate, signed=True)} [{fixed(cost.change.low, signed=True)},"
        f" {fixed(cost.change.high, signed=True)}])"
    ]
    if not equal.budgets:
        return [*lines, "No number of tries costs the same on both sides within these responses."]
    return lines + [_budget_text(budget) for budget in _ends(equal.budgets)]


def _ends(budgets: Sequence[EqualBudget]) -> Sequence[EqualBudget]:
    return budgets if len(budgets) < 3 else (budgets[0], budgets[-1])


def _budget_text(budget: EqualBudget) -> str:
    change = budget.change
    if change.low > 0:
        more = "the model after solves more"
    elif change.high < 0:
        more = "the model before solves more"
    else:
        more = "neither solves more for certain"
    return (
        f"For the same {count(round(budget.tokens))} tokens a question (k = "
        f"{count(budget.k_after)} after, {fixed(budget.k_before)} before) {more}: "
        f"{change_text(change)}"
    )


def null_lines(null: NullComparison) -> list[str]:
    """How much of the change of accuracy the null reaches, and what training adds to it."""
    training, by_null, beyond = null.contrasts
    change, reached = by_null.accuracy.change, null.reached
    share = ""
    if reached is not None:
        ends = f"{percent(reached.low, 0)}, {percent(reached.high, 0)}"
        share = f" ({percent(reached.estimate, 0)} % [{ends}])"
    return [
        f"Null {null.null.name}, {count(null.questions)} questions: reaches "
        f"{change_text(change)} of the {points(training.accuracy.change.estimate)} points of "
        f"accuracy{share}",
        f"From the null to after: {_contrast_text(beyond)}",
    ]


def _contrast_text(contrast: NullContrast) -> str:
    said = contrast.verdict
    parts = [f"accuracy {said.accuracy.word} {change_text(contrast.accuracy.change)}"]
    last = contrast.capability
    if last.k > 1:
        parts.append(f"pass@{count(last.k)} {said.capability.word} {change_text(last.change)}")
    return "; ".join(parts)


def measure_lines(measures: Measures | None) -> list[str]:
    """The measures, a line each, in %."""
    if measures is None:
        return []

    def share(figure: Estimate) -> str:
        return f"{percent(figure.estimate)} [{percent(figure.low)}, {percent(figure.high)}]"

    lines = [
        f"Right at least {percent(each.tau, 0)} % of the time: {share(each.before)} % of questions "
        f"before, {share(each.after)} after"
        for each in measures.cover
    ]
    lines += [
        f"GRPO groups of {each.size} with a gradient: {share(each.before)} % before, "
        f"{share(each.after)} after"
        for each in measures.groups
    ]
    if measures.support is not None:
        of = measures.support
        lines.append(
            f"Questions by whether {count(of.k)} tries solve them: {share(of.kept)} % before and "
            f"after, {share(of.gained)} after alone, {share(of.lost)} before alone, "
            f"{share(of.never)} neither"
        )
        lines.append(
            f"Of what was solved {share(of.retention)} % is kept, where 100 is what an unchanged "
            f"model keeps; of what is solved {share(of.discovery)} % is new beyond noise"
        )
    if measures.guess_rate is not None:
        lines.append(f"Solved by guessing common answers, before: {share(measures.guess_rate)} %")
    if measures.answer_entropy is not None:
        entropy = measures.answer_entropy
        lines.append(
            f"Entropy of the answers to a question, before: {fixed(entropy.estimate, 2)} nats "
            f"[{fixed(entropy.low, 2)}, {fixed(entropy.high, 2)}]"
        )
    return lines
