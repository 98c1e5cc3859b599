"""One compact row for each response with its text: all that is said of responses rests on it.

First step of the response analyses, of `compare` and of a study alike: reads the texts of a source
in parts, so that memory holds one part at a time, and gives a row of numbers for each response.
What depends on the text alone is found once for each distinct text of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from liftmap.comparison.phrases import PhraseList
from liftmap.progress import progress
from liftmap.read.look import readable
from liftmap.read.outcomes import Outcomes
from liftmap.verify.thinking import USUAL, ThinkingRule, begins_inside, rule_from, set_apart

# Counts the tokens of each text.
TokenCounter = Callable[[Sequence[str]], list[int]]
# A row a scored response; beside these a column of booleans for each list of phrases, `measure`.
ROWS: dict[str, pl.DataType] = {
    # Its place among the questions that are asked about.
    "question": pl.UInt32(),
    "right": pl.Boolean(),
    # Without the end token; null where it is unknown.
    "tokens": pl.Int64(),
    "thought_characters": pl.Int64(),
    "answer_characters": pl.Int64(),
    # Whether the token limit cut it; null where it is unknown.
    "truncated": pl.Boolean(),
    # A number for each answer and for each text, thought included; equal where they are equal. The
    # answer's is null where there is none.
    "answer_hash": pl.UInt64(),
    "text_hash": pl.UInt64(),
}
# Responses read at once: some 50 MB of texts of 1,000 characters.
PART_ROWS = 20_000
# From so many responses on a bar shows how far reading is.
BAR_FROM = 100_000
# The distinct texts of a response in two parts.
WRITTEN = ("text", "reasoning")


def read_rows(
    outcomes: Outcomes,
    question_ids: Sequence[str],
    lists: Sequence[PhraseList],
    count_tokens: TokenCounter | None = None,
    think_end: str | None = None,
) -> pl.DataFrame:
    """The rows of a source's scored responses to some questions.

    Args:
        outcomes: The source, with texts.
        question_ids: The questions; responses to others are left out.
        lists: The phrases to look for.
        count_tokens: Counts the tokens in place of the source.
        think_end: The text that ends thoughts, where the user has named one.

    Returns:
        Columns of `ROWS`, and a column of booleans for each list.

    Raises:
        InputError: The source is damaged.
    """
    assert outcomes.responses is not None
    ids = pl.DataFrame({"question_id": question_ids}, schema={"question_id": pl.String})
    places = ids.with_row_index("question")
    columns = [name for name in outcomes.responses.collect_schema() if name != "prompt"]
    total = int(outcomes.tally.n.sum() + outcomes.tally.unscored.sum())
    rule: ThinkingRule | None = None
    frames = [pl.DataFrame(schema=ROWS | {each.measure: pl.Boolean() for each in lists})]
    what = f"texts of {outcomes.name or Path(outcomes.source).name}"
    with (
        readable(Path(outcomes.source)),
        progress(what, total, "responses", shown=total >= BAR_FROM) as advance,
    ):
        texts = outcomes.responses.select(columns)
        for part in texts.collect_batches(chunk_size=PART_ROWS, engine="streaming"):
            if rule is None:
                rule = _rule(outcomes, part, think_end)
            frames.append(_reduced(part, places, rule, lists, count_tokens))
            advance(len(part))
    return pl.concat(frames)


def facts_of_texts(
    texts: pl.DataFrame, rule: ThinkingRule, lists: Sequence[PhraseList]
) -> pl.DataFrame:
    """What depends on the text of a response alone.

    Args:
        texts: Columns text and reasoning (null or empty where a response has none apart), distinct.
        rule: How thoughts are told from answers.
        lists: The phrases to look for.

    Returns:
        The same rows in the same order with the columns state (as in `thinking.Parts`),
        thought_characters, answer_characters, text_hash, and for each list whether a phrase of it
        is in the thought, in the answer, and in either: thought_X, answer_X and X for its measure.
    """
    texts = _set_apart(texts, rule)
    parts = {"thought": pl.col("thought"), "answer": pl.col("answered")}
    held = {
        f"{part}_{each.measure}": each.is_in(text) for part, text in parts.items() for each in lists
    }
    return (
        texts.with_columns(**held)
        .with_columns(
            thought_characters=pl.col("thought").str.len_chars(),
            answer_characters=pl.col("answered").str.len_chars(),
            text_hash=pl.struct("text", pl.col("reasoning").fill_null("")).hash(),
            **{
                each.measure: pl.col(f"thought_{each.measure}") | pl.col(f"answer_{each.measure}")
                for each in lists
            },
        )
        .drop("thought", "answered")
    )


def answer_hash(answer: str = "answer") -> pl.Expr:
    """A number for each answer, null for none, from the column of answers."""
    text = pl.col(answer).cast(pl.String)
    return pl.when(text != "").then(text.hash())


def _rule(outcomes: Outcomes, part: pl.DataFrame, think_end: str | None) -> ThinkingRule:
    """How thoughts are told from answers: as for the verdicts, or as the first part shows."""
    if outcomes.thinking is not None:
        return rule_from(outcomes.thinking)
    if think_end:
        return ThinkingRule(end=think_end)
    plain = part.filter(pl.col("reasoning").fill_null("") == "")["text"].drop_nulls()
    return replace(USUAL, opened=begins_inside(plain))


def _reduced(
    part: pl.DataFrame,
    places: pl.DataFrame,
    rule: ThinkingRule,
    lists: Sequence[PhraseList],
    count_tokens: TokenCounter | None,
) -> pl.DataFrame:
    """A part without its texts."""
    part = part.filter(pl.col("right").is_not_null(), pl.col("text").is_not_null()).join(
        places, on="question_id", how="inner", maintain_order="left"
    )
    texts = part.select(WRITTEN).unique(maintain_order=True)
    facts = facts_of_texts(texts, rule, lists)
    if count_tokens is not None:
        counts = [count_tokens(texts[name].fill_null("").to_list()) for name in WRITTEN]
        tokens = pl.Series([sum(pair) for pair in zip(*counts, strict=True)], dtype=pl.Int64)
        facts = facts.with_columns(tokens=tokens)
        part = part.drop("tokens")
    rows = part.join(facts, on=WRITTEN, nulls_equal=True, maintain_order="left")
    return rows.with_columns(answer_hash=answer_hash()).select(
        *(pl.col(name).cast(kind) for name, kind in ROWS.items()), *(each.measure for each in lists)
    )


def _set_apart(texts: pl.DataFrame, rule: ThinkingRule) -> pl.DataFrame:
    """The texts with the columns thought, answered and state; most texts hold no sign of one."""
    reasoning, signs = pl.col("reasoning").fill_null(""), rule.signs
    looked_at = pl.lit(True)
    if signs is not None:
        looked_at = reasoning.str.strip_chars() != ""
        if signs:
            looked_at |= pl.col("text").str.contains_any(list(signs), ascii_case_insensitive=True)
    texts = texts.with_columns(
        thought=pl.lit(""), answered="text", state=pl.lit("none"), looked_at=looked_at
    )
    rest = texts["looked_at"].arg_true()
    if not len(rest):
        return texts.drop("looked_at")
    some = texts[rest].select(WRITTEN)
    parts = [set_apart(text, rule, reasoning or "") for text, reasoning in some.iter_rows()]
    columns: dict[str, list[str]] = {
        "thought": [part.thought for part in parts],
        "answered": [part.answer for part in parts],
        "state": [str(part.state) for part in parts],
    }
    return texts.with_columns(
        texts[name].scatter(rest, pl.Series(values, dtype=pl.String))
        for name, values in columns.items()
    ).drop("looked_at")
