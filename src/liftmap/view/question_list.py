"""The list of questions: a row each with both sides' counts, its filters, its order, its pages.

Used by `app`; takes two indexes (or one), gives a table that is made once for a pair of models, and
the rows of it that an address asks for. A filter is a record that an address can hold, so a link
opens the same view; whoever draws charts makes the same addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from liftmap.comparison.questions import changes_of_counts
from liftmap.errors import InputError
from liftmap.records import Counts
from liftmap.stats.bins import study_bins
from liftmap.stats.passk import accuracy
from liftmap.view.response_index import ResponseIndex

PAGE_ROWS = 50
# What has a meaning of its own in a pattern.
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")
# Questions are called moved up to this share of false discoveries.
MOVED_Q = 0.05
# Filters by name: what they ask of a question, in words.
FLAGS: dict[str, str] = {
    "lost": "right at least once before, never after",
    "gained": "never right before, right at least once after",
    "moved": "changed by more than noise explains, at most 1 in 20 of them by mistake",
    "unscored": "some response is unscored",
    "truncated": "some response was cut by the token limit",
}
PAIRED = ("lost", "gained", "moved")
SORTS: dict[str, str] = {
    "order": "as asked",
    "fell": "largest fall first",
    "rose": "largest rise first",
    "moved": "surest change first",
    "hardest": "hardest before first",
    "easiest": "easiest before first",
    "id": "by id",
}


@dataclass(frozen=True, slots=True)
class QuestionFilter:
    """Which questions, and in which order.

    Attributes:
        flags: Names of FLAGS that all have to hold.
        bin: The least and the greatest count right before.
        before: The least and the greatest share right before, in percent; None: no bound.
        after: The same after.
        search: What the question, or a response to it, has to hold; empty: anything.
        sort: A key of SORTS.
        page: From 1.
    """

    flags: tuple[str, ...] = ()
    bin: tuple[int, int] | None = None
    before: tuple[float | None, float | None] = (None, None)
    after: tuple[float | None, float | None] = (None, None)
    search: str = ""
    sort: str = "order"
    page: int = 1

    @property
    def bin_text(self) -> str:
        """The bin as an address has it, such as 5-16; empty without one."""
        if self.bin is None:
            return ""
        least, greatest = self.bin
        return str(least) if least == greatest else f"{least}-{greatest}"

    def to_query(self) -> dict[str, str]:
        """The filter as parts of an address; those that say nothing are left out."""
        parts: dict[str, str] = dict.fromkeys(self.flags, "1")
        if self.bin is not None:
            parts["bin"] = self.bin_text
        for name, (least, greatest) in (("before", self.before), ("after", self.after)):
            for end, value in (("min", least), ("max", greatest)):
                if value is not None:
                    parts[f"{name}_{end}"] = f"{value:g}"
        if self.search:
            parts["search"] = self.search
        if self.sort != "order":
            parts["sort"] = self.sort
        if self.page > 1:
            parts["page"] = str(self.page)
        return parts

    def toggled(self, flag: str) -> QuestionFilter:
        """The same with a flag more or less, on its first page."""
        flags = tuple(f for f in FLAGS if (f in self.flags) != (f == flag))
        return replace(self, flags=flags, page=1)


def filter_from(query: Mapping[str, str]) -> QuestionFilter:
    """The filter that an address names; other parts of it are left alone.

    Raises:
        InputError: A part can't be read.
    """
    sort = query.get("sort") or "order"
    if sort not in SORTS:
        raise InputError("This is not an order.", seen=sort, remedy=f"Use {', '.join(SORTS)}.")
    return QuestionFilter(
        flags=tuple(flag for flag in FLAGS if query.get(flag)),
        bin=_bin(query.get("bin", "")),
        before=(number(query, "before_min"), number(query, "before_max")),
        after=(number(query, "after_min"), number(query, "after_max")),
        search=query.get("search", "").strip()[:200],
        sort=sort,
        page=whole(query, "page", 1) or 1,
    )


def _bin(text: str) -> tuple[int, int] | None:
    if not text.strip():
        return None
    least, _, greatest = text.strip().partition("-")
    ends = least.strip(), (greatest or least).strip()
    if not all(end.isdecimal() and end.isascii() and len(end) < 10 for end in ends):
        raise InputError("This is not a bin.", seen=text, remedy="Write two counts, as 5-16.")
    return int(ends[0]), int(ends[1])


def number(query: Mapping[str, str], name: str) -> float | None:
    """A number of an address; None where it is missing or empty.

    Raises:
        InputError: It is not a number.
    """
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"{name} is not a number.", seen=text, remedy="Write one, as 12.5.")
    return value


def whole(query: Mapping[str, str], name: str, least: int = 0) -> int | None:
    """A whole number of an address; None where it is missing or empty; errors as `number`."""
    value = number(query, name)
    if value is None:
        return None
    if not value.is_integer() or not least <= value < 1e12:
        raise InputError(
            f"{name} is not a whole number from {least} on.", seen=value, remedy="Write one."
        )
    return int(value)


@dataclass(frozen=True, eq=False)
class QuestionList:
    """All questions of one or two models.

    Attributes:
        table: A row a question: question_id, prompt, gold; for each side (before, after) n, c,
            unscored, truncated and rate, as n_before; change, q_value; and the flags of FLAGS.
        paired: Whether there are two sides.
        bins: The bins of difficulty before, with the number of questions of each: label, questions.
    """

    table: pl.DataFrame
    paired: bool
    bins: tuple[tuple[str, int], ...]

    def flag_counts(self) -> dict[str, int]:
        """How many questions each flag holds for."""
        names = [flag for flag in FLAGS if self.paired or flag not in PAIRED]
        return {flag: int(self.table[flag].sum()) for flag in names}

    def rows(self, chosen: QuestionFilter, holding: pl.Series | None = None) -> pl.DataFrame:
        """The rows that a filter lets through, in its order.

        Args:
            chosen: The filter; its page is left alone.
            holding: The ids of questions with a response that holds what is searched for.
        """
        table = self.table
        for flag in chosen.flags:
            table = table.filter(pl.col(flag))
        if chosen.bin is not None:
            table = table.filter(pl.col("c_before").is_between(*chosen.bin))
        for side, (least, greatest) in (("before", chosen.before), ("after", chosen.after)):
            if f"rate_{side}" not in table.columns:
                continue
            # Half a unit of the last digit that is shown.
            percent = 100 * pl.col(f"rate_{side}")
            if least is not None:
                table = table.filter(percent >= least - 1e-9)
            if greatest is not None:
                table = table.filter(percent <= greatest + 1e-9)
        if chosen.search:
            pattern = search_pattern(chosen.search)
            matches = pl.col("prompt").str.contains(pattern) | pl.col("question_id").str.contains(
                pattern
            )
            matches = matches.fill_null(False)
            if holding is not None:
                matches = matches | pl.col("question_id").is_in(holding.implode())
            table = table.filter(matches)
        return self._sorted(table, chosen.sort)

    def _sorted(self, table: pl.DataFrame, sort: str) -> pl.DataFrame:
        order = {
            "fell": ("change", False),
            "rose": ("change", True),
            "moved": ("q_value", False),
            "hardest": ("rate_before", False),
            "easiest": ("rate_before", True),
            "id": ("question_id", False),
        }.get(sort)
        if order is None or order[0] not in table.columns:
            return table
        column, descending = order
        return table.sort(column, descending=descending, nulls_last=True, maintain_order=True)


def search_pattern(words: str) -> str:
    """A pattern for texts that hold these words as they stand, in capital or small letters."""
    return "(?i)" + _SPECIAL.sub(r"\\\g<0>", words)


def question_list(indexes: Sequence[ResponseIndex]) -> QuestionList:
    """The list of questions of one or two models; made once, all filters read it.

    Args:
        indexes: Before and after, or one alone, which then counts as before.
    """
    sides = dict(zip(("before", "after"), indexes, strict=False))
    counted = [_counts(index, side) for side, index in sides.items()]
    table = counted[0]
    for further in counted[1:]:
        table = table.join(
            further, on="question_id", how="full", coalesce=True, maintain_order="left_right"
        )
    asked = pl.concat([index.questions for index in indexes]).unique(
        "question_id", keep="first", maintain_order=True
    )
    # In the order of the question file, where there is one.
    listed = asked.join(table, on="question_id", how="inner", maintain_order="left")
    unlisted = table.join(asked, on="question_id", how="anti", maintain_order="left")
    table = pl.concat([listed, unlisted], how="diagonal")
    if len(indexes) > 1:
        table = _with_change(table, indexes)
    doubtful = {
        flag: pl.any_horizontal(pl.col(f"{flag}_{side}").fill_null(0) > 0 for side in sides)
        for flag in ("unscored", "truncated")
    }
    table = table.with_columns(**doubtful).rechunk()
    return QuestionList(table, len(indexes) > 1, _bins(table))


def _counts(index: ResponseIndex, side: str) -> pl.DataFrame:
    right = pl.col("right")
    counts = index.frame.group_by("question_id", maintain_order=True).agg(
        right.count().cast(pl.Int64).alias(f"n_{side}"),
        right.sum().cast(pl.Int64).alias(f"c_{side}"),
        right.null_count().cast(pl.Int64).alias(f"unscored_{side}"),
        pl.col("truncated").sum().cast(pl.Int64).alias(f"truncated_{side}"),
    )
    n, c = (counts[f"{name}_{side}"].to_numpy() for name in ("n", "c"))
    rates = np.full(len(n), np.nan)
    rates[n > 0] = accuracy(n[n > 0], c[n > 0], index.plan)
    return counts.with_columns(pl.Series(f"rate_{side}", rates).fill_nan(None))


def _with_change(table: pl.DataFrame, indexes: Sequence[ResponseIndex]) -> pl.DataFrame:
    """Change and q value of questions that both sides answered, and the flags of pairs."""
    both = ((pl.col("n_before") > 0) & (pl.col("n_after") > 0)).fill_null(False)
    shared = table.filter(both)
    sides = [
        Counts(shared[f"n_{side}"].to_numpy(), shared[f"c_{side}"].to_numpy(), index.plan)
        for side, index in zip(("before", "after"), indexes, strict=True)
    ]
    try:
        judged = _judged(shared, *sides)
    except InputError:
        # Counts that a curtailed plan never stops at, as while responses are still drawn.
        plain = [Counts(side.n, side.c, None) for side in sides]
        unknown = pl.lit(None, pl.Float64).alias("q_value")
        judged = _judged(shared, *plain).with_columns(unknown, moved=pl.lit(False))
    flags = ("lost", "gained", "moved")
    return (
        table.join(judged, on="question_id", how="left", maintain_order="left")
        .with_columns(change=pl.col("rate_after") - pl.col("rate_before"))
        .with_columns(pl.col(flags).fill_null(False))
    )


def _judged(shared: pl.DataFrame, before: Counts, after: Counts) -> pl.DataFrame:
    """The q value and the flags of questions that both sides answered, as a page has them."""
    ids = shared["question_id"].to_numpy().astype(str)
    changes = changes_of_counts(ids, before, after, level=1 - MOVED_Q)
    return changes.select("question_id", "q_value", "lost", "gained", "moved")


def _bins(table: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """The bins of difficulty, where all questions have one number of responses before."""
    asked = table["n_before"].drop_nulls()
    most = asked.max()
    if not isinstance(most, int) or most < 1:
        return ()
    right = table["c_before"].drop_nulls()
    labels = [label for label in study_bins(most).labels if label]
    bins = []
    for label in labels:
        ends = _bin(label)
        assert ends is not None
        bins.append((label, int(right.is_between(*ends).sum())))
    return tuple(bins)


def page_of(
    rows: pl.DataFrame, page: int, size: int = PAGE_ROWS
) -> tuple[list[dict[str, Any]], int]:
    """The rows of one page, and how many pages there are, one at least."""
    pages = max(1, -(-len(rows) // size))
    start = (min(page, pages) - 1) * size
    return rows.slice(start, size).to_dicts(), pages
