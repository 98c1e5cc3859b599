"""The questions of a page: what each one did, as data that the page filters, sorts and searches.

Used by the page of a comparison and of a study; reads the tables of `comparison.questions`, gives
plain values for JSON. A page holds the list once, however many figures filter it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

# Rows that a page holds, over all models; the rest are said to be left out.
MOST_ROWS = 60_000
# Characters of a question that the list shows and searches.
TEXT_CHARACTERS = 300

QUESTION_NOTE = (
    "Lost: solved at least once before and never after; gained: the reverse; both hold noise. "
    "Beyond noise: an exact test of the question's own responses, corrected for the number of "
    "questions (q is the least share of false alarms at which it is listed)."
)


@dataclass(frozen=True)
class ListedModel:
    """One model's questions.

    Attributes:
        name: What the model is called.
        table: The table of `comparison.questions.question_changes`.
    """

    name: str
    table: pl.DataFrame


def tell(models: Sequence[ListedModel]) -> list[dict[str, Any]]:
    """How many questions each model lost, gained and moved: what the first screen links to."""
    return [
        {
            "name": model.name,
            "lost": int(model.table["lost"].sum()),
            "gained": int(model.table["gained"].sum()),
            "rose": int((model.table["moved"] & (model.table["change"] > 0)).sum()),
            "fell": int((model.table["moved"] & (model.table["change"] < 0)).sum()),
            "questions": len(model.table),
        }
        for model in models
    ]


def question_data(
    models: Sequence[ListedModel], bins: Sequence[str], texts: Mapping[str, str]
) -> dict[str, Any]:
    """The list as plain values.

    Args:
        models: The models, in the order of the page.
        bins: Labels of the bins of right responses, the hardest first; empty where there are none.
        texts: The questions by id; those that are missing show their id alone.

    Returns:
        ids and texts of the questions; bins; models, each with its name and one list a column:
        question (place in `ids`), before and after (pairs of n and c), change (points), q, flags (1
        lost, 2 gained, 4 moved), bin and to (bins before and after); left_out: rows that the page
        does not hold.
    """
    total = sum(len(model.table) for model in models)
    share = MOST_ROWS // max(1, len(models))
    chosen = [_most_telling(model.table, share) for model in models]
    ids = (
        pl.concat([table["question_id"] for table in chosen]).unique(maintain_order=True).to_list()
    )
    place_of = {question_id: place for place, question_id in enumerate(ids)}
    flags = pl.col("lost").cast(pl.Int8) + 2 * pl.col("gained") + 4 * pl.col("moved")
    return {
        "ids": ids,
        "texts": [_end_of(texts.get(question_id, "")) for question_id in ids],
        "bins": list(bins),
        "models": [
            {
                "name": model.name,
                "question": [place_of[question_id] for question_id in table["question_id"]],
                "before": table.select("before_c", "before_n").rows(),
                "after": table.select("after_c", "after_n").rows(),
                "change": (table["change"] * 100).round(2).to_list(),
                "q": table["q_value"].round_sig_figs(3).to_list(),
                "flags": table.select(flags=flags)["flags"].to_list(),
                "bin": table["before_bin"].to_list(),
                "to": table["after_bin"].to_list(),
            }
            for model, table in zip(models, chosen, strict=True)
        ],
        "left_out": total - sum(len(table) for table in chosen),
    }


def _end_of(text: str) -> str:
    """A text of the list; of a long one the end, since examples and instructions stand first."""
    text = " ".join(text.split())
    if len(text) <= TEXT_CHARACTERS:
        return text
    return f"\N{HORIZONTAL ELLIPSIS}{text[-TEXT_CHARACTERS:]}"


def _most_telling(table: pl.DataFrame, most: int) -> pl.DataFrame:
    """All rows, or the so many that moved, were lost or gained, or changed the most."""
    if len(table) <= most:
        return table
    telling = pl.col("moved") | pl.col("lost") | pl.col("gained")
    order = [telling, pl.col("change").abs()]
    return table.sort(order, descending=True, maintain_order=True).head(most)
