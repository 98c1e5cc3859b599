"""Sentences about what speaks against the responses, or against a fair comparison.

Beside `words`; takes the checks of `checks`, gives a sentence or two each.
"""

from __future__ import annotations

from liftmap.comparison.parts import Check
from liftmap.comparison.rounding import count, percent


def check_text(check: Check) -> str:
    """A check in a sentence or two, with its evidence."""
    evidence = check.evidence
    chance = "" if check.chance is None else " (chance below .001 if responses are independent)"
    if check.kind == "same responses":
        return (
            "Both sides have the same counts for every question: are they the same responses twice?"
            f"{chance}"
        )
    if check.kind == "same file":
        return "Both sides are the same file: nothing can have changed from one to the other."
    if check.kind == "deterministic":
        return (
            f"Every question is always right or always wrong {check.side}{chance}: was it decoded "
            "without randomness? Then all responses to a question are one."
        )
    if check.kind == "copies":
        return (
            f"Each response {check.side} seems to stand {count(evidence['copies'])} times{chance}: "
            "if it does, say so with --copies. Noise is not computed, and intervals on these "
            "questions are too narrow."
        )
    if check.kind == "n by outcome":
        return (
            f"The {count(evidence['questions'])} questions with the fewest responses {check.side} "
            f"are all solved{chance}: n seems to depend on the outcomes, which biases every rate. "
            "Declare the plan that they were drawn by; till then no change is called."
        )
    if check.kind == "prompts":
        return (
            f"The two sides were not asked alike: the prompts of {count(evidence['differing'])} of "
            f"{count(evidence['questions'])} questions differ (template, examples or instructions)."
        )
    if check.kind == "temperature 0":
        if evidence["counted_once"]:
            done = "the responses to a question are one, and count once"
        else:
            done = "outcomes differ nevertheless, so all are counted; they are not free draws"
        return f"The temperature {check.side} was 0: {done}."
    if check.kind == "few clusters":
        return (
            f"There are only {count(evidence['clusters'])} clusters: they hardly show how far "
            "others would differ, and intervals may be too narrow."
        )
    if check.kind == "repeated texts":
        done = "each counts once" if evidence["counted_once"] else "all are counted"
        return (
            f"Of the responses {check.side} {percent(evidence['repeated'])} % repeat another to "
            f"the same question word by word, as if each stood {count(evidence['copies'])} times"
            f"{chance}; {done}."
        )
    differing = ", ".join(
        f"{name.replace('_', ' ')} {before} before and {after} after"
        for name, (before, after) in evidence.items()
    )
    return f"The two sides were not asked alike: {differing}."
