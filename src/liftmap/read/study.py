"""The reader of a liftmap study: the responses of one of its models, with their verdicts.

Reads the response set in `STUDY/responses/MODEL/SPLIT` and the verdicts of the study's verifier, or
of another that has judged them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from liftmap.errors import InputError
from liftmap.read.look import Glimpse, readable, response_set
from liftmap.read.outcomes import Outcomes, ReadOptions, from_rows, unfinished_thoughts
from liftmap.records import ENDED_WHILE_THINKING
from liftmap.store import KEY, ResponseSet, StudyFolder
from liftmap.studyfile import load_config


def is_response_set(file: Glimpse) -> bool:
    """A folder of response shards."""
    return file.container == "responses"


def read_response_set(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads one response set.

    Args:
        source: What the user named.
        files: One response set.
        options: `verifier` names the verdicts; by default those of the verifier in study.toml.

    Raises:
        InputError: Several sets were named, or responses have no verdict of this verifier.
        StoreError: A shard is damaged or missing.
        ConfigError: study.toml can't be read.
    """
    if len(files) > 1:
        raise InputError(
            f"{source} holds several response sets.",
            seen=[str(file.path) for file in files],
            remedy="Name one of them.",
        )
    target = response_set(files[0].path)
    study = StudyFolder(target.root)
    verifier = options.verifier or _verifier(study, target)
    _check_think_end(target, verifier, options.think_end)
    with readable(files[0].path):
        rows = _rows(target, verifier)
        questions = study.read_questions(target.split)
    known = pl.DataFrame(
        {
            "question_id": [q.question_id for q in questions],
            "gold": [q.answer for q in questions],
            "cluster": [q.cluster or None for q in questions],
        },
        schema_overrides={"cluster": pl.String},
    )
    # In the order of the study's questions.
    ordered = known.select("question_id", "cluster").join(
        rows, on="question_id", how="inner", maintain_order="left_right"
    )
    golds = known.select("question_id", "gold")
    said = unfinished_thoughts(int(ordered["unfinished"].sum()), len(ordered))
    found = from_rows(source, "study", ordered, golds, said)
    drawn = pl.Series(found.tally.n + found.tally.unscored)
    return replace(found, tally=replace(found.tally, plan=target.plan(drawn, verifier)))


def _check_think_end(target: ResponseSet, verifier: str, think_end: str | None) -> None:
    """Raises if the user names a text that ends thoughts, and the verdicts were made without it."""
    kept = target.verifier_settings(verifier)
    if think_end is None or kept is None or kept.get("think_end") == think_end:
        return
    raise InputError(
        f"The verdicts of {verifier} on {target.model} in {target.root} were made with another "
        "text that ends thoughts.",
        seen=kept.get("think_end"),
        remedy=f"Leave --think-end out; or delete those verdicts and run: liftmap verify "
        f"{target.root} --verifier {verifier} --think-end {think_end!r}",
    )


def _verifier(study: StudyFolder, target: ResponseSet) -> str:
    if study.config_file.exists():
        return load_config(study.config_file).verify.verifier
    judged = target.verifiers()
    if len(judged) != 1:
        raise InputError(
            f"It is not clear whose verdicts on {target.model} in {study.path} count.",
            seen=judged,
            remedy="Name the verifier with --verifier.",
        )
    return judged[0]


def _rows(target: ResponseSet, verifier: str) -> pl.DataFrame:
    """A row for each response: question_id, right, answer, truncated, unfinished (thinking)."""
    place = f"the {target.split} responses of {target.model} in {target.root}"
    remedy = f"Run: liftmap verify {target.root} --verifier {verifier}"
    if not target.verdict_shards(verifier):
        raise InputError(
            f"There are no verdicts on {place}.",
            seen=verifier,
            remedy=remedy,
        )
    wanted = target.wanted_shards()
    if len(target.shards()) < wanted:
        raise InputError(
            f"Only {len(target.shards())} of {wanted} shards of {place} are drawn.",
            remedy="Run the command that draws them again: it goes on where it stopped.",
        )
    cut = pl.col("finish_reason").cast(pl.String) == "length"
    responses = pl.concat(
        target.read_responses(shard, [*KEY, "finish_reason"]).select(*KEY, truncated=cut)
        for shard in target.shards()
    )
    verdict = pl.col("verdict").cast(pl.String)
    right = pl.when(verdict != "unscored").then(verdict == "right")
    answer = pl.col("answer").replace("", None)
    verdicts = target.read_verdicts(verifier).select(
        *KEY,
        right=right,
        answer=answer,
        unfinished=pl.col("reason") == ENDED_WHILE_THINKING,
        judged=True,
    )
    rows = responses.join(verdicts, on=KEY, how="left", maintain_order="left")
    missing = rows["judged"].null_count()
    if missing:
        raise InputError(
            f"{missing:,} of {place} have no verdict of the verifier {verifier}.",
            seen=rows.filter(pl.col("judged").is_null())["question_id"][0],
            remedy=remedy,
        )
    return rows.drop("judged", "response_index")
