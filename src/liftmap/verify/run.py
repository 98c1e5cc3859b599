"""The verifying stage: a verdict for each response on disk; never samples.

Reads `questions/` and `responses/<model>/<split>/`; writes `verdicts/<model>/<split>/<verifier>/`,
one shard for each response shard.
"""

from __future__ import annotations

import polars as pl

from liftmap.config import VerifySection, to_plain
from liftmap.errors import LiftmapError
from liftmap.progress import progress
from liftmap.records import Question, Verdict
from liftmap.store import ResponseSet
from liftmap.verify import Verifier, make_verifier


def verify(target: ResponseSet, questions: list[Question], section: VerifySection) -> int:
    """Judges all responses that have no verdict of this verifier yet.

    Args:
        target: The responses; the verdicts go beside them.
        questions: The questions with their gold answers.
        section: Verifier and options.

    Returns:
        How many responses were judged now.

    Raises:
        SettingsDifferError: The verdicts there were made with other options.
        StoreError: A shard can't be read or written.
    """
    verifier = make_verifier(section.verifier, section.options)
    target.keep_verifier_settings(section.verifier, to_plain(section))
    finished = set(target.verdict_shards(section.verifier))
    missing = [shard for shard in target.shards() if shard not in finished]
    if not missing:
        return 0
    by_id = {q.question_id: q for q in questions}
    judged = 0
    what = f"{target.model}: verify {target.split} responses"
    with progress(what, len(missing), "shards") as advance:
        for shard in missing:
            responses = target.read_responses(shard)
            target.write_verdicts(
                section.verifier, shard, verdicts_frame(responses, by_id, verifier)
            )
            judged += len(responses)
            advance(1)
    return judged


def verdicts_frame(
    responses: pl.DataFrame, questions: dict[str, Question], verifier: Verifier
) -> pl.DataFrame:
    """Verdicts of a table of responses; each distinct (question, text) is judged once.

    Args:
        responses: Columns of `store.RESPONSE_SCHEMA`.
        questions: The questions by id.
        verifier: Judges one text.

    Returns:
        Columns of `store.VERDICT_SCHEMA`, a row a response, in the order of `responses`.
    """
    distinct = responses.select("question_id", "text").unique(maintain_order=True)
    verdicts = [
        judge(verifier, questions[question_id], text) for question_id, text in distinct.iter_rows()
    ]
    judged = distinct.with_columns(
        verdict=pl.Series([v.label for v in verdicts], dtype=pl.String),
        answer=pl.Series([v.answer for v in verdicts], dtype=pl.String),
        reason=pl.Series([v.reason for v in verdicts], dtype=pl.String),
    )
    rows = responses.select("question_id", "response_index", "text")
    joined = rows.join(judged, on=["question_id", "text"], how="left", maintain_order="left")
    return joined.drop("text")


def judge(verifier: Verifier, question: Question, text: str) -> Verdict:
    """One verdict; a verifier that fails gives `unscored` with the reason, never `wrong`."""
    try:
        return verifier(question, text)
    except LiftmapError:
        raise
    except Exception as error:
        return Verdict("unscored", reason=f"{type(error).__name__}: {error}")
