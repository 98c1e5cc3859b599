"""One model's responses as the viewer holds them: facts in memory, texts on disk.

Used by all of `view`. Of each response the verdict, answer and length are in memory (some 100 bytes
each), read once from the columns of Parquet shards; its text is read from its shard when a page
shows it. The shards of a study are read where they are; those of a log are a temporary copy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from liftmap.errors import InputError, LiftmapError
from liftmap.files import damaged
from liftmap.progress import progress
from liftmap.read.look import readable
from liftmap.read.outcomes import Outcomes
from liftmap.read.study import origin_of
from liftmap.records import Plan, Prompt, Question, plan_from
from liftmap.sample.templates import render_recorded
from liftmap.store import KEY, ResponseSet, StudyFolder
from liftmap.verify.thinking import USUAL, ThinkingRule, rule_from

# Rows of a temporary shard.
SHARD_ROWS = 8192
TEXT_COLUMNS = ("text", "reasoning")
INDEX_SCHEMA = pl.Schema(
    {
        "question_id": pl.String(),
        "response_index": pl.Int64(),
        # Null: unscored.
        "right": pl.Boolean(),
        "answer": pl.String(),
        "reason": pl.String(),
        "tokens": pl.Int64(),
        "truncated": pl.Boolean(),
        "log_probability": pl.Float64(),
        # Where its text is.
        "shard": pl.UInt32(),
        "row": pl.UInt32(),
    }
)


@dataclass(frozen=True, eq=False)
class ResponseIndex:
    """One model's responses.

    Attributes:
        name: What the model is called.
        model: Its name in notes: that of its folder, or the source as the user named it.
        split: The question set; empty where the source has none.
        verifier: Whose verdicts are shown; empty where the source does not say.
        frame: A row for each response, in the order of the shards; columns of `INDEX_SCHEMA`.
        questions: A row for each question: question_id, prompt, gold (null where unknown).
        shards: The Parquet files with the texts.
        rule: How thoughts are told from answers.
        plan: How the responses were drawn; None when unknown.
        notices: What a reader has to know.
        prompt_of: The prompt as it was sent, by question_id.
    """

    name: str
    model: str
    split: str
    verifier: str
    frame: pl.DataFrame
    questions: pl.DataFrame
    shards: tuple[Path, ...]
    rule: ThinkingRule
    plan: Plan | None
    notices: tuple[str, ...]
    prompt_of: Callable[[str], Prompt]

    @cached_property
    def shard_starts(self) -> list[int]:
        """The place in `frame` of each shard's first response."""
        sizes = dict(self.frame.group_by("shard").len().iter_rows())
        starts, start = [], 0
        for shard in range(len(self.shards)):
            starts.append(start)
            start += sizes.get(shard, 0)
        return starts

    def with_texts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of `frame` with their texts: columns text and reasoning are added.

        Raises:
            StoreError: A shard can't be read.
        """
        parts = []
        for (shard,), part in rows.group_by("shard", maintain_order=True):
            # The smallest run of rows that holds them: Parquet is read from there on.
            first, last = int(part["row"].min()), int(part["row"].max())  # type: ignore[arg-type]
            texts = self.texts_of(int(shard), first, last - first + 1)  # type: ignore[call-overload]
            parts.append(part.hstack(texts[(part["row"] - first).to_list()]))
        if not parts:
            nothing = {name: pl.lit(None, pl.String).alias(name) for name in TEXT_COLUMNS}
            return rows.with_columns(**nothing)
        return rows.join(
            pl.concat(parts).select("shard", "row", *TEXT_COLUMNS),
            on=["shard", "row"],
            how="left",
            maintain_order="left",
        )

    def texts_of(self, shard: int, first: int = 0, rows: int | None = None) -> pl.DataFrame:
        """The texts of a run of rows of a shard: columns text and reasoning.

        Raises:
            StoreError: The shard can't be read.
        """
        path = self.shards[shard]
        try:
            frame = pl.scan_parquet(path.absolute(), glob=False).slice(first, rows)
            return frame.select(TEXT_COLUMNS).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise damaged(path, str(error).splitlines()[0].rstrip(".")) from None

    def of_question(self, question_id: str) -> pl.DataFrame:
        """The responses to a question with their texts, in the order they were drawn."""
        rows = self.frame.filter(pl.col("question_id") == question_id)
        return self.with_texts(rows.sort("response_index", maintain_order=True))


def index_of_set(target: ResponseSet, verifier: str | None = None) -> ResponseIndex:
    """The index of a response set; no text is read.

    Args:
        target: The responses; all of them need not be drawn or judged yet.
        verifier: Whose verdicts are shown; by default the study's own, else the first there is.

    Raises:
        InputError: That verifier has judged nothing here.
        StoreError: A shard can't be read.
    """
    study = StudyFolder(target.root)
    notices: list[str] = []
    chosen = _verifier(study, target, verifier, notices)
    shards = target.shards()
    wanted = target.wanted_shards()
    if len(shards) < wanted:
        notices.append(f"{len(shards)} of {wanted} shards are drawn: more responses will come.")
    frame = _facts(target, shards, chosen, notices)
    asked = study.read_questions(target.split) if study.has_questions(target.split) else []
    by_id = {question.question_id: question for question in asked}
    settings = target.settings()
    origin = origin_of(target)
    kept = (target.verifier_settings(chosen) or {}).get("thinking") if chosen else None
    return ResponseIndex(
        name=origin.name,
        model=target.model,
        split=target.split,
        verifier=chosen,
        frame=frame,
        questions=pl.DataFrame(
            {
                "question_id": [question.question_id for question in asked],
                "prompt": [question.text for question in asked],
                "gold": [question.answer for question in asked],
            },
            schema={"question_id": pl.String, "prompt": pl.String, "gold": pl.String},
        ),
        shards=tuple(target.path / shard for shard in shards),
        rule=USUAL if kept is None else rule_from(kept),
        plan=plan_from(settings["plan"]) if "plan" in settings else None,
        notices=tuple(notices),
        prompt_of=lambda question_id: _prompt(by_id.get(question_id), settings.get("template")),
    )


def _verifier(
    study: StudyFolder, target: ResponseSet, verifier: str | None, notices: list[str]
) -> str:
    judged = target.verifiers()
    if verifier is not None:
        if verifier not in judged:
            raise InputError(
                f"There are no verdicts of {verifier} on the {target.split} responses of "
                f"{target.model} in {target.root}.",
                seen=judged,
                remedy=f"Run: liftmap verify {target.root} --verifier {verifier}",
            )
        return verifier
    if study.config_file.exists():
        own = study.read_config().verify.verifier
        judged = [own] * (own in judged) + [name for name in judged if name != own]
    elif len(judged) > 1:
        notices.append(
            f"The verdicts are those of {judged[0]}; there are others, of {', '.join(judged[1:])} "
            "(--verifier chooses)."
        )
    if not judged:
        notices.append("Nothing is judged yet: all responses are shown as unscored.")
    return judged[0] if judged else ""


def _facts(
    target: ResponseSet, shards: Sequence[str], verifier: str, notices: list[str]
) -> pl.DataFrame:
    """The columns of `INDEX_SCHEMA`, read from responses and verdicts side by side."""
    paths = [(target.path / shard).absolute() for shard in shards]
    reason = pl.col("finish_reason").cast(pl.String)
    frames = [
        pl.scan_parquet(path, glob=False, row_index_name="row").select(
            *KEY,
            pl.lit(number, pl.UInt32).alias("shard"),
            pl.col("row").cast(pl.UInt32),
            pl.when(pl.col("token_count") >= 0).then("token_count").alias("tokens"),
            pl.when(reason != "failed").then(reason == "length").alias("truncated"),
            pl.col("log_probability").fill_nan(None),
            pl.when(reason == "failed").then("error").alias("error"),
        )
        for number, path in enumerate(paths)
    ]
    facts = _collected(frames, paths)
    judged = target.verdict_shards(verifier) if verifier else []
    verdict_paths = [(target.verdicts_dir(verifier) / name).absolute() for name in judged]
    word = pl.col("verdict").cast(pl.String)
    verdicts = _collected(
        [
            pl.scan_parquet(path, glob=False).select(
                *KEY,
                pl.when(word != "unscored").then(word == "right").alias("right"),
                pl.col("answer").replace("", None),
                pl.col("reason").replace("", None),
            )
            for path in verdict_paths
        ],
        verdict_paths,
    )
    if judged == list(shards) and facts.select(KEY).equals(verdicts.select(KEY)):
        joined = facts.hstack(verdicts.drop(KEY))
    elif verdicts.is_empty():
        joined = facts.with_columns(
            right=pl.lit(None), answer=pl.lit(None), reason=pl.lit("not judged yet")
        )
    else:
        if not verdicts.select(KEY).is_unique().all():
            raise damaged(target.verdicts_dir(verifier), "a verdict is there twice")
        joined = facts.join(verdicts, on=KEY, how="left", maintain_order="left")
        unjudged = len(facts) - len(verdicts)
        if unjudged > 0:
            notices.append(f"{unjudged:,} responses are not judged yet: shown as unscored.")
    return joined.with_columns(reason=pl.coalesce("reason", "error")).select(
        pl.col(name).cast(kind) for name, kind in INDEX_SCHEMA.items()
    )


def _collected(frames: list[pl.LazyFrame], paths: Sequence[Path]) -> pl.DataFrame:
    """Some columns of all shards; what is damaged is named."""
    if not frames:
        return pl.DataFrame(schema={**dict.fromkeys(KEY, pl.String()), "right": pl.Boolean()})
    try:
        return pl.concat(frames).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged(paths[0].parent, str(error).splitlines()[0].rstrip(".")) from None


def _prompt(question: Question | None, template: dict[str, object] | None) -> Prompt:
    if question is None:
        return ""
    try:
        return question.text if template is None else render_recorded(template, question)
    except (LiftmapError, KeyError, TypeError, ValueError):
        return question.text


def index_of_outcomes(outcomes: Outcomes, folder: Path, verifier: str = "") -> ResponseIndex:
    """The index of a log; its texts are copied into Parquet shards, with a progress bar.

    Args:
        outcomes: What was read, with texts.
        folder: A new folder for the copy.
        verifier: Whose verdicts these are, where they were made here.

    Raises:
        InputError: It has no texts, or can't be read.
    """
    if outcomes.responses is None:
        raise InputError(
            f"{outcomes.source} holds no texts of responses, so there is nothing to look at.",
            seen=outcomes.format,
            remedy="Name a study, a response set, or a log that has them; docs/formats.md says "
            "which do.",
        )
    responses = int((outcomes.tally.n + outcomes.tally.unscored).sum())
    shards: list[Path] = []
    parts: list[pl.DataFrame] = []
    prompts: list[pl.DataFrame] = []
    frame = outcomes.responses.select(pl.all())
    what = f"copy {outcomes.source} for viewing"
    with progress(what, responses, "responses") as advance, readable(Path(outcomes.source)):
        for batch in frame.collect_batches(chunk_size=SHARD_ROWS, maintain_order=True):
            path = folder / f"texts-{len(shards):06d}.parquet"
            batch.select(TEXT_COLUMNS).write_parquet(path, compression_level=1)
            parts.append(
                batch.select(
                    "question_id",
                    "right",
                    "answer",
                    "tokens",
                    "truncated",
                    shard=pl.lit(len(shards), pl.UInt32),
                    row=pl.int_range(pl.len(), dtype=pl.UInt32),
                )
            )
            prompts.append(batch.select("question_id", "prompt").unique("question_id"))
            shards.append(path)
            advance(len(batch))
    index = pl.concat(parts).with_columns(
        response_index=pl.int_range(pl.len()).over("question_id"),
        answer=pl.col("answer").replace("", None),
        reason=pl.lit(None),
        log_probability=pl.lit(None),
    )
    questions = pl.concat(prompts).unique("question_id", keep="first", maintain_order=True)
    if outcomes.golds is not None:
        questions = questions.join(
            outcomes.golds.unique("question_id", keep="first"),
            on="question_id",
            how="left",
            maintain_order="left",
        )
    else:
        questions = questions.with_columns(gold=pl.lit(None, pl.String))
    by_id = dict(questions.select("question_id", "prompt").iter_rows())
    return ResponseIndex(
        name=outcomes.name or outcomes.model or outcomes.source,
        model=outcomes.source,
        split="",
        verifier=verifier,
        frame=index.select(pl.col(name).cast(kind) for name, kind in INDEX_SCHEMA.items()),
        questions=questions.select("question_id", "prompt", pl.col("gold").cast(pl.String)),
        shards=tuple(shards),
        rule=USUAL,
        plan=outcomes.tally.plan,
        notices=outcomes.warnings,
        prompt_of=lambda question_id: by_id.get(question_id) or "",
    )


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for the copies of logs, which goes when the viewer ends."""
    return tempfile.TemporaryDirectory(prefix="liftmap-view-", ignore_cleanup_errors=True)
