"""What reading gives: one model's outcomes on its questions, whatever tool wrote them down.

Every reader ends here: `from_rows` counts verdicts, `from_counts` takes counts, and both give an
`Outcomes` with the tally that all statistics start from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from liftmap.errors import InputError
from liftmap.records import FixedPlan, Question, Tally
from liftmap.stats.repeated_texts import RepeatedTexts
from liftmap.store import count_verdicts, tally_of

# Characters of an id or a cluster at most: arrays of names take as much memory for each as for the
# longest.
LONGEST_NAME = 1000
# Verifies responses. Takes a table with the columns question_id, response_index and text, and the
# questions by id (and the column reasoning, where a log has it apart); gives a row for each of its
# rows, in the same order, with at least the columns verdict (right, wrong, unscored) and answer,
# and where it can a reason. `verify.run.judge_of` gives one.
Judge = Callable[[pl.DataFrame, dict[str, Question]], pl.DataFrame]


# The columns of `Outcomes.responses`; all but question_id and text may be null.
TEXTS: dict[str, pl.DataType] = {
    "question_id": pl.String(),
    # Null: unscored.
    "right": pl.Boolean(),
    "prompt": pl.String(),
    "text": pl.String(),
    # What the model thought, where the source has it apart from the text.
    "reasoning": pl.String(),
    "answer": pl.String(),
    "tokens": pl.Int64(),
    # Whether the token limit cut the response.
    "truncated": pl.Boolean(),
}


class SeveralTasksError(InputError):
    """What was named is of several tasks, and none was chosen.

    Attributes:
        tasks: Their names.
    """

    def __init__(self, source: str, tasks: Sequence[str]) -> None:
        self.tasks = tuple(tasks)
        super().__init__(
            f"{source} is of {len(tasks)} tasks.",
            seen=list(tasks[:5]),
            remedy="Name the files of one task, or compare all of them: liftmap suite.",
        )


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may need beyond the files.

    Attributes:
        verifier: The verifier that was asked for; None takes the verdicts that are there.
        judge: What verifies responses when a verifier was asked for.
        metric: The metric to take where a log has several; None takes the first that can be used.
        think_end: The text that ends thoughts, where the user has named one.
        verifier_options: Options of the verifier, where the user has named some.
        right_at: The value from which on a graded metric is right; None: verdicts are 0 and 1.
        steps: The first and the last training step to take; None: there must be one alone.
        task: The task whose rows are taken, where a file is of several; None: there must be one
            alone, where the rows say it.
    """

    verifier: str | None = None
    judge: Judge | None = None
    metric: str | None = None
    think_end: str | None = None
    verifier_options: Mapping[str, Any] | None = None
    right_at: float | None = None
    steps: tuple[int, int] | None = None
    task: str | None = None

    def refuse_metric(self, source: str) -> None:
        """For sources that are not another tool's log.

        Raises:
            InputError: A metric was named.
        """
        if self.metric is not None:
            raise InputError(
                f"{source} is not an evaluation tool's log, so it has no metrics to choose from.",
                seen=self.metric,
                remedy="Leave --metric out.",
            )

    def refuse_right_at(self, source: str) -> None:
        """For sources whose verdicts are counts or words.

        Raises:
            InputError: A value from which on a response is right was named.
        """
        if self.right_at is not None:
            raise InputError(
                f"{source} has no graded rewards.",
                seen=f"--right-at {self.right_at:g}",
                remedy="Leave --right-at out.",
            )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One model's outcomes on a set of questions.

    Attributes:
        source: What was read, as the user named it.
        format: The reader that knew it (a key of `liftmap.read.READERS`).
        tally: Counts per question. `truncated` is 0 where the source does not say; `warnings` then
            says so.
        answers: A row for each response: question_id, answer (null if there was none), right (null
            if unscored), and of a response set exhausted (wrong since it exhausted the verifier).
            None where the source has counts alone or does not keep what was answered.
        golds: A row for each question: question_id, gold. None where the source has none.
        warnings: What a reader of the results has to know; one sentence or two each.
        chance: Share of right responses that guessing gives; None where questions do not all offer
            choices.
        split: Of a study or a sampled task: which of its questions were asked; None elsewhere.
        name: What the model is called among its like, as `rlvr@1` in a study; None where the source
            does not say.
        model: The model, where the source says which: a hub id, a path, or a served name.
        settings: How the responses were drawn, where the source says it: temperature, top_p ...
        prompts: A digest of the prompt by question_id, where the source has prompts.
        repeated: What the texts say of copies; None where they are unknown or say nothing.
        by_prompt: Whether question_id is a digest of the prompt, since the source has no ids.
        responses: The responses with their texts, a row each, with the columns of `TEXTS`; it is
            read from the source when it is collected, once more each time. None where the source
            has no texts, or does not say which responses are right.
        thinking: How the verdicts told thoughts from answers, as `ThinkingRule.to_plain` has it;
            None where the source does not say.
        step: The training step that its rows say; None where they say none, or several.
        tokens: Mean tokens of the responses to each question: question_id, tokens. Under a
            curtailed plan of the first round alone, which does not depend on what came out. None
            where the source does not count tokens.
    """

    source: str
    format: str
    tally: Tally
    answers: pl.DataFrame | None = None
    golds: pl.DataFrame | None = None
    warnings: tuple[str, ...] = ()
    chance: float | None = None
    split: str | None = None
    name: str | None = None
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    repeated: RepeatedTexts | None = None
    by_prompt: bool = False
    prompts: Mapping[str, str] = field(default_factory=dict)
    responses: pl.LazyFrame | None = None
    thinking: Mapping[str, Any] | None = None
    step: int | None = None
    tokens: pl.DataFrame | None = None


def mean_tokens(rows: pl.DataFrame) -> pl.DataFrame | None:
    """`Outcomes.tokens` from a row a response: question_id, tokens (null or below 0: unknown).

    None unless most responses have theirs.
    """
    counted = rows.filter(pl.col("tokens") >= 0)
    if len(counted) <= len(rows) / 2:
        return None
    return counted.group_by("question_id").agg(pl.col("tokens").mean()).sort("question_id")


def drawing_settings(given: object) -> dict[str, object]:
    """Temperature, top_p, top_k and min_p out of what a tool keeps of how responses were drawn."""
    settings = given if isinstance(given, Mapping) else {}
    return {
        name: float(settings[name])
        for name in ("temperature", "top_p", "top_k", "min_p")
        if isinstance(settings.get(name), int | float) and not isinstance(settings[name], bool)
    }


def unfinished_thoughts(count: int, responses: int) -> list[str]:
    """What has to be said of responses that ended while thinking; nothing if there are none."""
    if not count:
        return []
    return [
        f"{count:,} of {responses:,} responses ended while thinking: they have no answer and count "
        "as wrong."
    ]


def exhausted_responses(count: int, responses: int) -> list[str]:
    """What has to be said of responses that exhausted the verifier; nothing if there are none."""
    if not count:
        return []
    return [
        f"{count:,} of {responses:,} responses exhausted the verifier's time or memory: they count "
        "as wrong."
    ]


def refuse_torn_clusters(source: str, rows: pl.DataFrame) -> None:
    """Refuses a question whose rows name two clusters.

    Raises:
        InputError: There is one.
    """
    clusters = rows.group_by("question_id").agg(pl.col("cluster").n_unique())
    torn = clusters.filter(pl.col("cluster") > 1)
    if len(torn):
        raise InputError(
            f"{source}: a question is in two clusters.",
            seen=torn["question_id"].sort()[0],
            remedy="Give all rows of a question the same cluster.",
        )


def from_rows(
    source: str,
    format: str,
    rows: pl.DataFrame,
    golds: pl.DataFrame | None = None,
    warnings: Sequence[str] = (),
) -> Outcomes:
    """Outcomes of a table of verdicts.

    Args:
        source: What was read.
        format: The reader's name.
        rows: A row for each response: question_id, right (null: unscored), truncated, and where
            known answer and cluster (the same for all rows of a question).
        golds: The columns question_id and gold.
        warnings: What the reader has to say.

    Raises:
        InputError: There is no scored response.
    """
    counts = count_verdicts(rows)
    if "cluster" in rows.columns:
        labels = rows.select("question_id", "cluster").unique("question_id", keep="first")
        counts = counts.join(labels, on="question_id", how="left", maintain_order="left")
    else:
        counts = counts.with_columns(cluster=pl.lit(None, pl.String))
    answers = rows.select("question_id", "answer", "right") if "answer" in rows.columns else None
    return from_counts(source, format, counts, answers, golds, warnings)


def from_counts(
    source: str,
    format: str,
    counts: pl.DataFrame,
    answers: pl.DataFrame | None = None,
    golds: pl.DataFrame | None = None,
    warnings: Sequence[str] = (),
) -> Outcomes:
    """Outcomes of a table of counts.

    Args:
        source: What was read.
        format: The reader's name.
        counts: A row for each question: question_id, n, c, unscored, truncated, cluster (null: the
            question is its own).
        answers: The columns question_id, answer and right.
        golds: The columns question_id and gold.
        warnings: What the reader has to say.

    Raises:
        InputError: There is no scored response.
    """
    refuse_long_names(source, counts)
    asked = counts["n"] + counts["unscored"]
    tally = tally_of(counts, FixedPlan(int(asked[0])) if asked.n_unique() == 1 else None)
    refuse_unscored(source, tally)
    return Outcomes(
        source=source,
        format=format,
        tally=tally,
        answers=answers,
        golds=golds,
        warnings=tuple(warnings),
    )


def refuse_long_names(source: str, counts: pl.DataFrame) -> None:
    """Refuses ids and clusters that are no names: each takes the memory of the longest.

    Raises:
        InputError: One is longer than any name.
    """
    for column in ("question_id", "cluster"):
        names = counts[column].cast(pl.String)
        longest = names.str.len_chars().max()
        if isinstance(longest, int) and longest > LONGEST_NAME:
            at = int((names.str.len_chars() > LONGEST_NAME).fill_null(False).arg_true()[0])
            raise InputError(
                f"{source}: a {column} has {longest:,} characters; {LONGEST_NAME:,} is the most.",
                seen=str(names[at])[:60],
                remedy="Give the questions shorter names: a number, or a digest of that.",
            )


def refuse_unscored(source: str, tally: Tally, notes: Sequence[str] = ()) -> None:
    """Refuses a tally without any scored response; `notes` may say why there is none.

    Raises:
        InputError: There is none.
    """
    if not tally.n.any():
        raise InputError(
            " ".join([f"{source} holds no scored response.", *notes]),
            seen={"questions": len(tally.n), "unscored responses": int(tally.unscored.sum())},
            remedy="Look for the errors in the log. Responses whose texts it holds can be verified "
            "with --verifier; without texts they can't be judged again.",
        )
