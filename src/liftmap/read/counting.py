"""From a table of responses to outcomes: one verdict a response, counted for each question.

The last step of every reader that gives a `ResponseTable`. Reads the columns that it needs, in
parts; says what was chosen, left out or not known; refuses what could be read in two ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from liftmap.errors import InputError
from liftmap.read.golds import final_answer, golds_of
from liftmap.read.logs import Entry
from liftmap.read.logs import outcomes_of as outcomes_of_entries
from liftmap.read.outcomes import (
    TEXTS,
    Outcomes,
    ReadOptions,
    SeveralTasksError,
    from_rows,
    mean_tokens,
    refuse_torn_clusters,
)
from liftmap.read.response_table import (
    FILE_ROWS,
    METRIC,
    Identified,
    ResponseTable,
    collected,
    identified,
    place_text,
)
from liftmap.read.tables import padded_note
from liftmap.read.verdict_column import chosen_verdicts

# What tools write of a response that the token limit cut.
CUT = ("length", "max_tokens", "max_length", "truncated", "max_output_tokens", "model_length")
# A longer gold answer is a program's tests or a worked solution: not compared with answers.
GOLD_CHARACTERS = 200
_ORIGIN = ("response", "place", "step", "task", "model")
_SHOWN = 3


class SeveralStepsError(InputError):
    """A source holds the responses of several training steps, and none was named.

    Attributes:
        steps: The steps, rising.
    """

    def __init__(self, what: str, *, steps: list[int], remedy: str) -> None:
        super().__init__(what, seen=steps[:8], remedy=remedy)
        self.steps = steps


def outcomes_of_table(
    source: str, format: str, table: ResponseTable, options: ReadOptions
) -> Outcomes:
    """Outcomes of the responses of a tool.

    Args:
        source: What the user named.
        format: The reader's name.
        table: The responses.
        options: The metric, the value from which on it is right, the steps; or what verifies the
            responses instead.

    Raises:
        SeveralStepsError: The responses are of several steps and none was named.
        InputError: No metric gives a verdict, or it is not clear which of several does; a response
            has neither an id nor a prompt; a file is damaged; or as in `logs.outcomes_of` with a
            verifier.
    """
    responses = identified(table)
    if options.verifier is not None:
        outcomes = _verified(source, format, responses, table, options)
    else:
        outcomes = _counted(source, format, responses, table, options)
    return replace(
        outcomes,
        by_prompt=responses.by_prompt,
        warnings=(*table.notes, *outcomes.warnings),
    )


def _counted(
    source: str, format: str, responses: Identified, table: ResponseTable, options: ReadOptions
) -> Outcomes:
    """Outcomes by a metric of the files."""
    rows = collected(
        table,
        responses.frame.select(
            *_ORIGIN,
            "question_id",
            "answer",
            "finish_reason",
            "failed",
            "cluster",
            "tokens",
            "padded",
            *(() if responses.by_prompt else ("asked",)),
            *(METRIC + name for name in table.metrics),
            pl.when(pl.col("gold").str.len_chars() <= GOLD_CHARACTERS).then("gold"),
            gold_hash=pl.col("gold").hash(),
        ),
    ).sort("response")
    if not len(rows):
        raise InputError(f"{source} holds no responses.", remedy="Name a log of a finished run.")
    rows, notes = _of_steps(source, _of_task(source, rows, options), table, options)
    _refuse_mixed(source, rows)
    _refuse_nameless(rows, table)
    rows, of_conflicts = _without_conflicts(rows)
    right, of_choice = chosen_verdicts(source, rows, table, options)
    rows = rows.with_columns(
        right=pl.when(~pl.col("failed").fill_null(False)).then(right),
        truncated=pl.col("finish_reason").is_in(CUT),
        answer=pl.col("answer").replace("", None),
    )
    notes += padded_note(int(rows["padded"].sum())) + of_conflicts + of_choice
    failed = int(rows["failed"].sum())
    if failed:
        notes.append(f"{failed:,} of {len(rows):,} responses failed in the tool itself: unscored.")
    if rows["truncated"].is_null().all():
        notes.append("The log does not say which responses were cut by the token limit.")
    golds = (
        rows.filter(pl.col("gold").is_not_null())
        .unique("question_id", keep="first", maintain_order=True)
        .select("question_id", pl.col("gold").map_elements(_one_gold, return_dtype=pl.String))
    )
    columns = ["question_id", "right", "truncated"]
    if rows["answer"].is_not_null().any():
        columns.append("answer")
    if rows["cluster"].is_not_null().any():
        refuse_torn_clusters(source, rows)
        columns.append("cluster")
    counted = rows.select(columns).with_columns(pl.col("truncated").fill_null(False))
    outcomes = from_rows(source, format, counted, golds if len(golds) else None, notes)
    model, steps = rows["model"].drop_nulls(), rows["step"].drop_nulls().unique()
    return replace(
        outcomes,
        step=int(steps[0]) if len(steps) == 1 else None,
        model=model[0] if len(model) else None,
        prompts=_prompts(rows),
        responses=_with_texts(responses, rows) if responses.has_texts else None,
        tokens=mean_tokens(rows),
    )


def _with_texts(responses: Identified, rows: pl.DataFrame) -> pl.LazyFrame:
    """The rows that were counted with what is still in the files: `Outcomes.responses`."""
    verdicts = rows.select("response", "right", "truncated").lazy()
    return responses.frame.join(verdicts, on="response", how="inner", maintain_order="left").select(
        pl.col(name).cast(kind) for name, kind in TEXTS.items()
    )


def _prompts(rows: pl.DataFrame) -> dict[str, str]:
    """The digest of each question's prompt, where ids are something else."""
    if "asked" not in rows.columns:
        return {}
    asked = rows.filter(pl.col("asked").is_not_null()).unique("question_id", keep="first")
    return dict(asked.select("question_id", "asked").iter_rows())


def _one_gold(gold: str) -> str:
    golds = golds_of(gold)
    return golds[0] if golds else final_answer(gold)


def _of_steps(
    source: str, rows: pl.DataFrame, table: ResponseTable, options: ReadOptions
) -> tuple[pl.DataFrame, list[str]]:
    """The rows of the steps that were asked for.

    Raises:
        SeveralStepsError: There are several steps and none was asked for.
        InputError: There is none of those that were asked for, or a step is in two files.
    """
    steps = rows["step"].drop_nulls().unique().sort().to_list()
    asked = options.steps
    if asked is None and len(steps) > 1:
        raise SeveralStepsError(
            f"{source} holds the responses of {len(steps)} steps: of as many models.",
            steps=steps,
            remedy=f"Name one, as {source}:{steps[-1]}, or several that are meant as one model, "
            f"as {source}:{steps[0]}-{steps[-1]}.",
        )
    if asked is not None:
        first, last = asked
        rows = rows.filter(pl.col("step").is_between(first, last))
        if not len(rows):
            raise InputError(
                f"{source} holds no responses of step {first if first == last else asked}.",
                seen=steps[:12],
                remedy="Name one of its steps.",
            )
    files = rows.select("step", file=pl.col("place") // FILE_ROWS).unique().sort("step", "file")
    twice = files.filter(pl.col("step").is_duplicated())
    folders = sorted({str(Path(table.files[file]).parent) for file in twice["file"]})
    if len(folders) > 1:
        raise InputError(
            f"{source} holds logs in {len(folders)} folders"
            + (", of the same step." if twice["step"].is_not_null().all() else "."),
            seen=folders[:5],
            remedy="Name one of these folders: two runs, or two kinds of rollouts, are not one.",
        )
    if not len(twice):
        return rows, []
    names = [Path(table.files[file]).name for file in twice["file"][:_SHOWN]]
    return rows, [
        f"{len(twice):,} files of {source} are counted together: {', '.join(names)}"
        f"{', ...' if len(twice) > _SHOWN else ''}."
    ]


def _of_task(source: str, rows: pl.DataFrame, options: ReadOptions) -> pl.DataFrame:
    """The rows of the task that was asked for.

    Raises:
        InputError: There is none.
    """
    if options.task is None:
        return rows
    of_task = rows.filter(pl.col("task") == options.task)
    if not len(of_task):
        raise InputError(
            f"{source} holds no responses of the task {options.task}.",
            seen=rows["task"].drop_nulls().unique().sort()[:8].to_list(),
            remedy="Name one of its tasks.",
        )
    return of_task


def _refuse_mixed(source: str, rows: pl.DataFrame) -> None:
    """Raises if the responses are of two tasks or two models."""
    tasks = rows["task"].drop_nulls().unique().sort()
    if len(tasks) > 1:
        raise SeveralTasksError(source, tasks.to_list())
    models = rows["model"].drop_nulls().unique().sort()
    if len(models) > 1:
        raise InputError(
            f"{source} is of {len(models)} models.",
            seen=models[:5].to_list(),
            remedy="Name the files of one model.",
        )


def _refuse_nameless(rows: pl.DataFrame, table: ResponseTable) -> None:
    nameless = rows.filter(pl.col("question_id").is_null())
    if len(nameless):
        raise InputError(
            f"{place_text(table, nameless['place'][0])} has neither an id nor a prompt.",
            seen=f"{len(nameless):,} of {len(rows):,} rows",
            remedy="Without them it is not known which question a response is to: name a column "
            "with --columns question_id=... or prompt=...",
        )


def _without_conflicts(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The rows without questions that have two gold answers: they are two questions."""
    golds = rows.group_by("question_id", maintain_order=True).agg(
        pl.col("gold_hash").drop_nulls().n_unique()
    )
    torn = golds.filter(pl.col("gold_hash") > 1)["question_id"]
    if not len(torn):
        return rows, []
    rest = rows.filter(~pl.col("question_id").is_in(torn.implode()))
    named = ", ".join(torn[:_SHOWN])
    if not len(rest):
        raise InputError(
            "All questions have several gold answers: their ids or prompts don't tell them apart.",
            seen=named,
            remedy="Name the column that does with --columns question_id=...",
        )
    return rest, [
        f"{f'{len(torn):,} ids or prompts have' if len(torn) > 1 else '1 id or prompt has'} "
        f"several gold answers, so that each means several questions: left out ({named}"
        f"{', ...' if len(torn) > _SHOWN else ''})."
    ]


def _verified(
    source: str, format: str, responses: Identified, table: ResponseTable, options: ReadOptions
) -> Outcomes:
    """Outcomes by a verifier, from the texts."""
    columns = ["question_id", "prompt", "text", "reasoning", "gold", "finish_reason", "failed"]
    notes: list[str] = []

    def entries() -> Iterator[Entry]:
        # Read anew each time: the texts are not kept.
        rows = collected(table, responses.frame.select(*_ORIGIN, *columns)).sort("response")
        rows, notes[:] = _of_steps(source, _of_task(source, rows, options), table, options)
        _refuse_mixed(source, rows)
        _refuse_nameless(rows, table)
        for column, what in (("text", "texts"), ("gold", "gold answers")):
            if rows[column].is_null().all():
                raise InputError(
                    f"{source} holds no {what}, so its responses can't be verified here.",
                    seen=options.verifier,
                    remedy="Leave --verifier out to take the log's own verdicts, or name the "
                    f"column that holds them with --columns {column}=...",
                )
        return _entries(rows, table)

    return outcomes_of_entries(source, format, entries, options, notes)


def _entries(rows: pl.DataFrame, table: ResponseTable) -> Iterator[Entry]:
    for row in rows.iter_rows(named=True):
        file, number = divmod(row["place"], FILE_ROWS)
        text, reason = row["text"], row["finish_reason"]
        yield Entry(
            file=table.files[file],
            row=f"row {number}",
            name=row["question_id"],
            content=row["question_id"],
            numbered=False,
            count=1,
            metrics={},
            texts=None if text is None else [text],
            reasoning=None if text is None else [row["reasoning"] or ""],
            question=row["prompt"] or "",
            golds=golds_of(row["gold"]),
            truncated=None if reason is None else reason in CUT,
            failed=bool(row["failed"]),
            epoch=str(row["response"]),
            task=row["task"] or "",
            model=row["model"] or "",
        )
