"""The reader of a liftmap study: the responses of one of its models, with their verdicts.

Reads the response set in `STUDY/responses/MODEL/SPLIT` and the verdicts of the study's verifier, or
of another that has judged them.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from liftmap.errors import InputError
from liftmap.read.look import Glimpse, readable
from liftmap.read.outcomes import (
    TEXTS,
    Outcomes,
    ReadOptions,
    exhausted_responses,
    mean_tokens,
    refuse_unscored,
    unfinished_thoughts,
)
from liftmap.records import ENDED_WHILE_THINKING, CurtailedPlan, Plan, Question
from liftmap.stats.repeated_texts import RepeatedTexts, repeated_texts
from liftmap.store import KEY, ResponseSet, StudyFolder, exhausted_verifier, response_set_at

# Questions to which all responses are the same, as a share of those with several: from here on it
# is said.
MOST_ONE_TEXT = 0.5
SHOWN_ERRORS = 4
# Of verdicts that were made before thoughts were set apart from answers.
_NOTHING_APART: dict[str, Any] = {"tags": [], "opened": False, "end": ""}
# The first line of an option, as `tasks` writes it.
_OPTION = re.compile(r"[A-Z]\) ")


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
    options.refuse_metric(source)
    if len(files) > 1:
        raise InputError(
            f"{source} holds several response sets.",
            seen=[str(file.path) for file in files],
            remedy="Name one of them.",
        )
    target = response_set_at(files[0].path)
    assert target is not None, "a reader is asked about what it recognises"
    with readable(files[0].path):
        outcomes = outcomes_of(
            target, options.verifier, options.think_end, options.verifier_options
        )
    return replace(outcomes, source=source)


def outcomes_of(
    target: ResponseSet,
    verifier: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
) -> Outcomes:
    """The outcomes of a response set.

    Args:
        target: The response set.
        verifier: Whose verdicts count; by default those of the verifier in study.toml.
        think_end: The text that ends thoughts, with which the verdicts must have been made; None
            takes them as they are.
        verifier_options: Options with which the verdicts must have been made; None or none of them
            takes them as they are.

    Raises:
        InputError: Responses are missing, or have no verdict of this verifier.
        StoreError: A shard is damaged or missing.
        ConfigError: study.toml can't be read.
    """
    study = StudyFolder(target.root)
    verifier = verifier or _verifier(study, target)
    source = f"{target.root}:{target.model}:{target.split}"
    _check_think_end(target, verifier, think_end)
    _check_options(target, verifier, verifier_options or {})
    rows = _rows(target, verifier)
    questions = study.read_questions(target.split)
    tally = target.tally(verifier, questions)
    notes = [
        *account_notes(target),
        *unfinished_thoughts(int(rows["unfinished"].sum()), len(rows)),
    ]
    refuse_unscored(source, tally, notes)
    golds = pl.DataFrame(
        {
            "question_id": [q.question_id for q in questions],
            "gold": [q.answer for q in questions],
        }
    )
    # In the order of the study's questions.
    answers = golds.select("question_id").join(
        rows, on="question_id", how="inner", maintain_order="left_right"
    )
    return Outcomes(
        source=source,
        format="study",
        tally=tally,
        answers=answers.select("question_id", "answer", "right", "exhausted"),
        golds=golds,
        warnings=tuple(notes),
        chance=chance_rate(questions),
        split=target.split,
        **asdict(origin_of(target)),
        repeated=_repeated(target),
        responses=_with_texts(target, questions, rows).select(*TEXTS),
        thinking=(target.verifier_settings(verifier) or {}).get("thinking", _NOTHING_APART),
        tokens=_tokens(target, tally.plan),
    )


def responses_of(target: ResponseSet, verifier: str | None = None) -> pl.LazyFrame:
    """The responses of a set with their texts, read shard by shard.

    Args:
        target: The response set.
        verifier: Whose verdicts count; by default those of the verifier in study.toml.

    Returns:
        The columns of `TEXTS`, response_index, and log_probability: of the response's tokens, its
        end included, under the model itself at temperature 1; nan where it is not known.

    Raises:
        InputError: As `outcomes_of`.
        StoreError: A shard is damaged or missing.
    """
    study = StudyFolder(target.root)
    questions = study.read_questions(target.split)
    return _with_texts(target, questions, _rows(target, verifier or _verifier(study, target)))


# What a response set knows of a response besides.
_RECORDED: dict[str, pl.DataType] = {
    "response_index": pl.Int32(),
    "log_probability": pl.Float64(),
}


def _tokens(target: ResponseSet, plan: Plan | None) -> pl.DataFrame | None:
    """The mean tokens of each question's responses; failed ones have none."""
    columns = [*KEY, "token_count", "finish_reason"]
    rows = pl.concat(target.read_responses(shard, columns) for shard in target.shards())
    if isinstance(plan, CurtailedPlan):
        rows = rows.filter(pl.col("response_index") < plan.round_size)
    answered = rows.filter(pl.col("finish_reason").cast(pl.String) != "failed")
    return mean_tokens(answered.select("question_id", tokens="token_count"))


def _with_texts(
    target: ResponseSet, questions: Sequence[Question], rows: pl.DataFrame
) -> pl.LazyFrame:
    """See `responses_of`."""
    schema = TEXTS | _RECORDED
    verdicts = rows.select(*KEY, "right", "answer")
    prompts = pl.DataFrame(
        {"question_id": [q.question_id for q in questions], "prompt": [q.text for q in questions]},
        schema={"question_id": pl.String, "prompt": pl.String},
    )

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for shard in target.shards():
            responses = target.read_responses(shard)
            if left is not None:
                responses = responses.head(left)
                left -= len(responses)
            texts = responses.join(verdicts, on=KEY, how="inner", maintain_order="left").join(
                prompts, on="question_id", how="left", maintain_order="left"
            )
            reason = pl.col("finish_reason").cast(pl.String)
            frame = texts.with_columns(
                tokens=pl.when(pl.col("token_count") >= 0).then("token_count"),
                truncated=pl.when(reason != "failed").then(reason == "length"),
            ).select(pl.col(name).cast(kind) for name, kind in schema.items())
            frame = frame if predicate is None else frame.filter(predicate)
            yield frame if with_columns is None else frame.select(with_columns)

    return register_io_source(source, schema=schema)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who gave the responses of a set, and how; as in `Outcomes`."""

    name: str
    model: str | None
    settings: dict[str, Any]


def origin_of(target: ResponseSet) -> Origin:
    """Who gave the responses of a set, and how they were drawn.

    Raises:
        StoreError: The settings are damaged.
    """
    recorded = target.settings()
    model = recorded.get("model")
    in_study = StudyFolder(target.root).config_file.exists()
    settings = {
        name: recorded["sampling"][name]
        for name in ("temperature", "top_p", "top_k", "max_tokens")
        if name in recorded.get("sampling", {})
    }
    if "template" in recorded:
        text = json.dumps(recorded["template"].get("text"), sort_keys=True)
        settings["template"] = recorded["template"].get("name")
        settings["template_digest"] = hashlib.sha256(text.encode()).hexdigest()
    return Origin(target.model if in_study or not model else str(model), model, settings)


def chance_rate(questions: Sequence[Question]) -> float | None:
    """The share of right responses that guessing gives to multiple-choice questions.

    None unless each question ends with its options, a line each from "A)" on, and its answer is the
    letter of one of them.
    """
    rates = []
    for question in questions:
        letters = "".join(line[0] for line in question.text.splitlines() if _OPTION.match(line))
        # From the last "A)" on: the options themselves.
        options = letters[max(letters.rfind("A"), 0) :]
        if len(options) < 2 or not string.ascii_uppercase.startswith(options):
            return None
        if len(question.answer) != 1 or question.answer not in options:
            return None
        rates.append(1 / len(options))
    return sum(rates) / len(rates) if rates else None


def notes_of(target: ResponseSet, verifier: str) -> list[str]:
    """What has to be said of responses that are all verified: of the server, thoughts, limits."""
    verdicts = target.read_verdicts(verifier)
    unfinished = int((verdicts["reason"] == ENDED_WHILE_THINKING).sum())
    exhausted = int(verdicts.select(exhausted_verifier()).to_series().sum())
    return [
        *account_notes(target),
        *unfinished_thoughts(unfinished, len(verdicts)),
        *exhausted_responses(exhausted, len(verdicts)),
    ]


def account_notes(target: ResponseSet) -> list[str]:
    """What has to be said of what a server gave; see `ResponseSet.account`."""
    account = target.account()
    if account is None:
        return []
    responses, copies, errors = account["responses"], account["copies"], account["errors"]
    notes = []
    if account["one_text"] >= max(1, MOST_ONE_TEXT * account["several"]):
        temperature = target.settings()["sampling"]["temperature"]
        notes.append(
            f"All responses to {account['one_text']:,} of {account['several']:,} questions are the "
            f"same text although the temperature is {temperature:g}: {copies:,} of {responses:,} "
            f"responses ({100 * copies / responses:.0f} %) are copies. Unless the model is that "
            "sure, the server ignores the seed, and n is less than it seems."
        )
    # Messages of servers hold numbers of their own: only the commonest are shown.
    commonest = sorted(errors.items(), key=lambda item: -item[1])
    for error, count in commonest[:SHOWN_ERRORS]:
        notes.append(f"{count:,} of {responses:,} responses: {error}.")
    rest = sum(count for _, count in commonest[SHOWN_ERRORS:])
    if rest:
        notes.append(f"{rest:,} of {responses:,} responses have other errors; see their `error`.")
    return notes


def _repeated(target: ResponseSet) -> RepeatedTexts | None:
    """Whether texts are copies, by their hashes; shard by shard, so that no text is kept."""
    parts = [
        target.read_responses(shard, ["question_id", "text"]).select(
            "question_id", pl.col("text").hash()
        )
        for shard in target.shards()
    ]
    frame = pl.concat(parts)
    codes = frame.select(
        pl.col("question_id").rank("dense") - 1, pl.col("text").rank("dense") - 1
    ).cast(pl.Int64)
    return repeated_texts(codes["question_id"].to_numpy(), codes["text"].to_numpy())


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


def _check_options(target: ResponseSet, verifier: str, options: Mapping[str, Any]) -> None:
    """Raises if the user names options of a verifier, and the verdicts were made with others."""
    verifier_settings = target.verifier_settings(verifier)
    if (
        not options
        or verifier_settings is None
        or verifier_settings.get("options") == dict(options)
    ):
        return
    named = " ".join(f"--verifier-option {key}={value}" for key, value in options.items())
    raise InputError(
        f"The verdicts of {verifier} on {target.model} in {target.root} were made with other "
        "options.",
        seen=verifier_settings.get("options"),
        remedy=f"Leave --verifier-option out; or delete those verdicts and run: liftmap verify "
        f"{target.root} --verifier {verifier} {named}",
    )


def _verifier(study: StudyFolder, target: ResponseSet) -> str:
    if study.config_file.exists():
        return study.read_config().verify_of(target.split).verifier
    judged = target.verifiers()
    if len(judged) != 1:
        raise InputError(
            f"It is not clear whose verdicts on {target.model} in {study.path} count.",
            seen=judged,
            remedy="Name the verifier with --verifier.",
        )
    return judged[0]


def _rows(target: ResponseSet, verifier: str) -> pl.DataFrame:
    """A row for each response: its key, right, answer, unfinished, exhausted.

    Unfinished: it ended while thinking; exhausted: it is wrong since it exhausted the verifier.
    """
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
    responses = pl.concat(target.read_responses(shard, KEY) for shard in target.shards())
    verdict = pl.col("verdict").cast(pl.String)
    right = pl.when(verdict != "unscored").then(verdict == "right")
    answer = pl.col("answer").replace("", None)
    verdicts = target.read_verdicts(verifier).select(
        *KEY,
        right=right,
        answer=answer,
        unfinished=pl.col("reason") == ENDED_WHILE_THINKING,
        exhausted=exhausted_verifier(),
        judged=True,
    )
    # In the order of drawing: the bounds for unscored responses of a curtailed plan rest on it.
    responses = responses.sort("response_index", maintain_order=True)
    rows = responses.join(verdicts, on=KEY, how="left", maintain_order="left")
    missing = rows["judged"].null_count()
    if missing:
        raise InputError(
            f"{missing:,} of {place} have no verdict of the verifier {verifier}.",
            seen=rows.filter(pl.col("judged").is_null())["question_id"][0],
            remedy=remedy,
        )
    return rows.drop("judged")
