"""Where two verifiers disagree about the same responses, or with people who read them.

Reads the verdicts of both, shard by shard, the questions, and notes; writes nothing. Comes after
both verifiers have judged the responses (`liftmap verify DIR --verifier NAME`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from liftmap.errors import InputError
from liftmap.records import Question
from liftmap.store import KEY, Note, ResponseSet, noted_responses, verdicts_on_noted

LABELS = ("right", "wrong", "unscored")
DISAGREEMENT_SCHEMA = pl.Schema(
    {
        "model": pl.String(),
        "split": pl.String(),
        "question_id": pl.String(),
        "response_index": pl.Int32(),
        "gold": pl.String(),
        "first": pl.String(),
        "second": pl.String(),
        "first_answer": pl.String(),
        "second_answer": pl.String(),
        "first_reason": pl.String(),
        "second_reason": pl.String(),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """How far two verifiers agree.

    Attributes:
        counts: Three rows, the first verifier's verdicts (column `first`: right, wrong, unscored);
            columns right, wrong, unscored: responses with these verdicts of the second.
        questions: The questions with any disagreement, most first: model, split, question_id,
            responses, disagreements.
        examples: Disagreements; columns of `DISAGREEMENT_SCHEMA`.
        noted: Responses with a verdict that a reader noted as wrong: the columns of
            `store.notes.NOTED_SCHEMA`, and first and second, the verdicts of both verifiers (null
            where they have none).
    """

    counts: pl.DataFrame
    questions: pl.DataFrame
    examples: pl.DataFrame
    noted: pl.DataFrame

    @property
    def responses(self) -> int:
        """Number of responses that both judged."""
        return int(self.counts.select(LABELS).to_numpy().sum())

    @property
    def disagreements(self) -> int:
        """Number of responses about which they disagree."""
        return self.responses - int(self.counts.select(LABELS).to_numpy().trace())

    def disagreements_with_readers(self, verifier: Literal["first", "second"]) -> int:
        """Number of noted responses whose verdict by this verifier is the one noted as wrong."""
        return int((self.noted[verifier] == self.noted["noted_as_wrong"]).sum())


def audit(
    targets: Sequence[tuple[ResponseSet, Mapping[str, Question]]],
    first: str,
    second: str,
    examples: int = 20,
    notes: Sequence[Note] = (),
) -> Audit:
    """Compares the verdicts of two verifiers; memory does not grow with the number of responses.

    Args:
        targets: Response sets that both judged, each with its questions by id.
        first: A verifier.
        second: The other one.
        examples: The most disagreements that are kept, the first ones of each response set.
        notes: What readers noted of verdicts on these responses.

    Raises:
        InputError: There is nothing to compare, or one of them has not judged all responses.
        StoreError: A shard can't be read.
    """
    if not targets or first == second:
        raise InputError(
            "An audit compares two verifiers on response sets.",
            seen={"response sets": len(targets), "verifiers": [first, second]},
            remedy="Name a study with responses, and two verifiers that judged them.",
        )
    counts = {(one, other): 0 for one in LABELS for other in LABELS}
    by_question = []
    shown = [pl.DataFrame(schema=DISAGREEMENT_SCHEMA)]
    noted = [_noted(target, notes, first, second) for target, _ in targets]
    for target, questions in targets:
        room = -(-examples // len(targets))
        for pairs in _pairs(target, first, second):
            for one, other, number in pairs.group_by("first", "second").len().iter_rows():
                counts[one, other] += number
            differ = pl.col("first") != pl.col("second")
            by_question.append(
                pairs.group_by("model", "split", "question_id").agg(
                    responses=pl.len(), disagreements=differ.sum()
                )
            )
            found = _with_gold(pairs.filter(differ).head(room), questions)
            room -= len(found)
            shown.append(found)
    # A question's responses may lie in several shards.
    summed = pl.concat(by_question).group_by("model", "split", "question_id").sum()
    return Audit(
        counts=pl.DataFrame(
            [{"first": one} | {other: counts[one, other] for other in LABELS} for one in LABELS]
        ),
        questions=summed.filter(pl.col("disagreements") > 0).sort(
            "disagreements", "model", "split", "question_id", descending=[True, False, False, False]
        ),
        examples=pl.concat(shown).head(examples),
        noted=pl.concat(noted),
    )


def _noted(target: ResponseSet, notes: Sequence[Note], first: str, second: str) -> pl.DataFrame:
    rows = noted_responses(target, notes)
    for name, verifier in (("first", first), ("second", second)):
        rows = verdicts_on_noted(target, verifier, rows).rename({"verdict": name})
    return rows


def disagreements(
    target: ResponseSet, questions: Mapping[str, Question], first: str, second: str
) -> Iterator[pl.DataFrame]:
    """All responses about which two verifiers disagree, one table a shard.

    Args:
        target: Responses that both judged.
        questions: The questions by id.
        first: A verifier.
        second: The other one.

    Yields:
        Tables with the columns of `DISAGREEMENT_SCHEMA`.

    Raises:
        InputError: One of them has not judged all responses.
        StoreError: A shard can't be read.
    """
    for pairs in _pairs(target, first, second):
        yield _with_gold(pairs.filter(pl.col("first") != pl.col("second")), questions)


def _pairs(target: ResponseSet, first: str, second: str) -> Iterator[pl.DataFrame]:
    """Both verdicts of each response, a shard at a time."""
    shards = target.shards()
    for verifier in (first, second):
        missing = sorted(set(shards) - set(target.verdict_shards(verifier)))
        if missing or not shards:
            raise InputError(
                f"{verifier} has not judged all responses of {target.model} ({target.split}).",
                seen=f"{len(missing)} of {len(shards)} shards missing",
                remedy=f"Run: liftmap verify {target.root} --verifier {verifier}",
            )
    for shard in shards:
        one, other = (
            target.read_verdicts(verifier, shard).select(
                *KEY,
                pl.col("verdict").cast(pl.String).alias(name),
                pl.col("answer").alias(f"{name}_answer"),
                pl.col("reason").alias(f"{name}_reason"),
            )
            for name, verifier in (("first", first), ("second", second))
        )
        yield one.join(other, on=KEY, how="inner", maintain_order="left").with_columns(
            model=pl.lit(target.model), split=pl.lit(target.split)
        )


def _with_gold(pairs: pl.DataFrame, questions: Mapping[str, Question]) -> pl.DataFrame:
    gold = [questions[q].answer if q in questions else None for q in pairs["question_id"]]
    rows = pairs.with_columns(gold=pl.Series(gold, dtype=pl.String))
    return rows.select(DISAGREEMENT_SCHEMA.names()).cast(DISAGREEMENT_SCHEMA)
