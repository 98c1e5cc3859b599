"""Sentences about what was required, and whether the evidence lets it pass.

Beside `words`; takes the answers of `gate`, gives lines for the terminal, pages, Markdown and JSON.
"""

from __future__ import annotations

from liftmap.comparison.parts import Answer, QuestionsAre
from liftmap.comparison.rounding import fixed, interval
from liftmap.comparison.words import WITHHELD, about_questions, level_text

_MISSING: dict[str, str] = {
    "k": "k is above the tries that every question supports",
    "noise": "noise can't be computed",
    **{str(reason): text for reason, text in WITHHELD.items()},
}


def gate_text(answer: Answer) -> str:
    """A rule and its answer: `accuracy >= -1: passed, +0.4 points [-0.6, +1.5]`."""
    return f"{answer.rule.text}: {answer.word}, {gate_evidence(answer)}"


def gate_evidence(answer: Answer) -> str:
    """What an answer rests on: `+0.4 points [-0.6, +1.5]`, or why it is missing."""
    parts, evidence = [], answer.evidence
    if evidence is not None:
        unit = "questions" if answer.rule.k is None else "points"
        ends = interval(evidence, scale=1)
        parts.append(f"{fixed(evidence.estimate, signed=True)} {unit} {ends}")
    if answer.missing is not None:
        parts.append(_MISSING[answer.missing])
    return "; ".join(parts)


def gate_note(rules: int, level: float, questions_are: QuestionsAre) -> str:
    """What the intervals of a gate hold for."""
    together = "its interval covers" if rules == 1 else "all intervals together cover"
    return (
        f"Passed if the whole interval keeps the rule, failed if all of it breaks it; {together} "
        f"{level_text(level)}, {about_questions(questions_are)}."
    )
