"""How the kin world is spoken of: wordings of a question, styles of a response.

Used by `questions` and `corpus`, and by whoever wants the style of a response. All text is words
with one space between them, so that prompt + " " + response is again such a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from liftmap.testbed.world import PEOPLE, RELATIONS

Wording = Literal["please", "what", "quick"]
Style = Literal["careful", "sloppy", "direct"]
WORDINGS: tuple[Wording, ...] = ("please", "what", "quick")
STYLES: tuple[Style, ...] = ("careful", "sloppy", "direct")

# How often the base's pre-training text answers a wording in each style, in the order of STYLES.
STYLE_SHARES: dict[Wording, tuple[float, float, float]] = {
    "please": (0.65, 0.20, 0.15),
    "what": (0.30, 0.40, 0.30),
    "quick": (0.08, 0.42, 0.50),
}
REFLECTION = "wait let me check"
REFLECTION_SHARE = 0.25  # of the careful responses

_OPENINGS: dict[Wording, str] = {
    "please": "please work out",
    "what": "what is",
    "quick": "quick :",
}
_WORDS = "please work out what is quick : ? 's , so wait let me check"
WORDS: tuple[str, ...] = tuple(_WORDS.split())
VOCABULARY: tuple[str, ...] = WORDS + RELATIONS + PEOPLE

_PERSON = f"(?:{'|'.join(PEOPLE)})"
_RELATION = f"(?:{'|'.join(RELATIONS)})"
_FORMS: dict[Style, re.Pattern[str]] = {
    "careful": re.compile(
        f"(?:{_RELATION} is {_PERSON} , (?:{REFLECTION} , )?){{1,3}}so {_PERSON}"
    ),
    "sloppy": re.compile(f"(?:{_RELATION} {_PERSON} ){{1,3}}so {_PERSON}"),
    "direct": re.compile(f"so {_PERSON}"),
}


def render_question(wording: Wording, person: str, relations: Sequence[str]) -> str:
    """The text of a question, such as `please work out Ann 's mother 's boss ?`.

    Args:
        wording: One of WORDINGS.
        person: Whom the question starts from.
        relations: The relations to follow, one to three.
    """
    return " ".join(
        [_OPENINGS[wording], person, *(f"'s {relation}" for relation in relations), "?"]
    )


def hops_of_style(style: Style, relations: Sequence[str]) -> tuple[str, ...]:
    """The relations that a style follows from the question's person.

    careful follows all; sloppy drops the first of several; direct takes the last alone. With one
    relation all three follow it.
    """
    if style == "careful" or len(relations) == 1:
        return tuple(relations)
    return tuple(relations[1:]) if style == "sloppy" else (relations[-1],)


def render_response(
    style: Style, relations: Sequence[str], values: Sequence[str], reflect_after: int | None = None
) -> str:
    """The text of a response that follows `relations` to `values`.

    Args:
        style: careful `mother is Eve , boss is Zack , so Zack`; sloppy `boss Zack so Zack`; direct
            `so Zack`.
        relations: The relations that the style follows (`hops_of_style`).
        values: The person that each of them is said to lead to.
        reflect_after: Index of the hop after which a careful response stops to reflect with
            `wait let me check ,`, which changes nothing; None leaves it out.
    """
    steps: list[str] = []
    for index, (relation, value) in enumerate(zip(relations, values, strict=True)):
        if style == "careful":
            steps.append(f"{relation} is {value} ,")
            if index == reflect_after:
                steps.append(f"{REFLECTION} ,")
        elif style == "sloppy":
            steps.append(f"{relation} {value}")
    return " ".join([*steps, "so", values[-1]])


def render_fact(person: str, relation: str, value: str) -> str:
    """The text of a single fact, such as `Ann 's mother is Eve`."""
    return f"{person} 's {relation} is {value}"


def classify_style(text: str) -> Style | Literal["other"]:
    """The style of a response, by its form alone; whether it is right plays no part.

    Args:
        text: A response, without the prompt.

    Returns:
        careful, sloppy or direct, or "other" for a text that has none of the three forms (cut off,
        mixed, or not of the world's words).
    """
    words = " ".join(text.split())
    for style, form in _FORMS.items():
        if form.fullmatch(words):
            return style
    return "other"


def reflects(text: str) -> bool:
    """Whether a response holds the reflection `wait let me check`."""
    return f" {REFLECTION} " in f" {' '.join(text.split())} "
