"""The list of responses: filters of single responses, of one model or of both.

Used by `app`; takes an index and a filter that an address can hold, gives rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from liftmap.errors import InputError
from liftmap.view.question_list import whole
from liftmap.view.response_index import ResponseIndex

PAGE_ROWS = 25
VERDICTS = ("right", "wrong", "unscored")


@dataclass(frozen=True, slots=True)
class ResponseFilter:
    """Which responses.

    Attributes:
        side: before or after.
        question: A question_id; empty: all.
        verdict: right, wrong or unscored; empty: all.
        answer: The answer that was found, as it stands; None: all; empty: no answer.
        truncated: Whether the token limit cut it; None: all.
        tokens: The least and the greatest length in tokens; None: no bound.
        search: What the text has to hold.
        page: From 1.
    """

    side: str = "before"
    question: str = ""
    verdict: str = ""
    answer: str | None = None
    truncated: bool | None = None
    tokens: tuple[int | None, int | None] = (None, None)
    search: str = ""
    page: int = 1

    def to_query(self) -> dict[str, str]:
        """The filter as parts of an address; those that say nothing are left out."""
        parts = {"side": self.side} if self.side != "before" else {}
        parts |= {
            name: value
            for name, value in (
                ("question", self.question),
                ("verdict", self.verdict),
                ("search", self.search),
            )
            if value
        }
        if self.answer is not None:
            parts["answer"] = self.answer
        if self.truncated is not None:
            parts["truncated"] = "yes" if self.truncated else "no"
        for end, value in zip(("min", "max"), self.tokens, strict=True):
            if value is not None:
                parts[f"tokens_{end}"] = str(value)
        if self.page > 1:
            parts["page"] = str(self.page)
        return parts


def response_filter_from(query: Mapping[str, str]) -> ResponseFilter:
    """The filter that an address names.

    Raises:
        InputError: A part can't be read.
    """
    side = query.get("side") or "before"
    verdict = query.get("verdict", "")
    cut = query.get("truncated", "")
    for value, known in (
        (side, ("before", "after")),
        (verdict, ("", *VERDICTS)),
        (cut, ("", "yes", "no")),
    ):
        if value not in known:
            raise InputError(
                "This part of the address is not known.",
                seen=value,
                remedy=f"Use {', '.join(name for name in known if name)}.",
            )
    answered = query.get("answer")
    # The form sends an empty field where nothing was asked.
    if answered == "" and query.get("form"):
        answered = None
    return ResponseFilter(
        side=side,
        question=query.get("question", ""),
        verdict=verdict,
        answer=answered,
        truncated=None if not cut else cut == "yes",
        tokens=(whole(query, "tokens_min"), whole(query, "tokens_max")),
        search=query.get("search", "").strip()[:200],
        page=whole(query, "page", 1) or 1,
    )


def response_rows(
    index: ResponseIndex, chosen: ResponseFilter, holding: pl.Series | None = None
) -> pl.DataFrame:
    """The responses that a filter lets through, as rows of the index in its order.

    Args:
        index: The responses.
        chosen: The filter; its page and side are left alone.
        holding: Shape (responses,): which of them hold what is searched for.
    """
    conditions = []
    right = pl.col("right")
    if chosen.question:
        conditions.append(pl.col("question_id") == chosen.question)
    if chosen.verdict:
        conditions.append(
            right.is_null()
            if chosen.verdict == "unscored"
            else right == (chosen.verdict == "right")
        )
    if chosen.answer is not None:
        answer = pl.col("answer")
        conditions.append(answer == chosen.answer if chosen.answer else answer.is_null())
    if chosen.truncated is not None:
        conditions.append(pl.col("truncated") == chosen.truncated)
    least, greatest = chosen.tokens
    if least is not None:
        conditions.append(pl.col("tokens") >= least)
    if greatest is not None:
        conditions.append(pl.col("tokens") <= greatest)
    frame = index.frame
    if holding is not None:
        frame = frame.filter(holding)
    return frame.filter(conditions) if conditions else frame
