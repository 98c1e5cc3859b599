"""The verifying stage: a verdict for each response on disk; never samples.

Reads `questions/` and `responses/<model>/<split>/`; writes `verdicts/<model>/<split>/<verifier>/`,
one shard for each response shard.
"""

from __future__ import annotations

import polars as pl

from liftmap.errors import InputError
from liftmap.progress import progress
from liftmap.records import Question, Verdict
from liftmap.sections import VerifySection, to_plain
from liftmap.store import ResponseSet
from liftmap.verify import Verifier, make_verifier


def verify(target: ResponseSet, questions: list[Question], section: VerifySection) -> int:
    """Judges all responses that have no verdict of this verifier yet, a shard at a time.

    Args:
        target: The responses; the verdicts go beside them.
        questions: The questions with their gold answers.
        section: Verifier and options.

    Returns:
        How many responses were judged now.

    Raises:
        SettingsDifferError: The verdicts there were made with other options.
        StoreError: A shard can't be read or written.
        InputError: A response is to none of the questions.
    """
    verifier = make_verifier(section.verifier, section.options)
    target.keep_verifier_settings(section.verifier, to_plain(section))
    finished = set(target.verdict_shards(section.verifier))
    missing = [shard for shard in target.shards() if shard not in finished]
    if not missing:
        return 0
    by_id = {q.question_id: q for q in questions}
    judged = right = scored = 0
    what = f"{target.model}: verify {target.split} responses"
    with progress(what, 0, "responses") as advance:
        for done, shard in enumerate(missing, start=1):
            responses = target.read_responses(shard)
            # Exact in the end: only the last shard is smaller.
            advance.total(judged + len(responses) * (len(missing) - done + 1))
            verdicts = verdicts_frame(responses, by_id, verifier)
            target.write_verdicts(section.verifier, shard, verdicts)
            judged += len(responses)
            right += int((verdicts["verdict"] == "right").sum())
            scored += int((verdicts["verdict"] != "unscored").sum())
            advance(len(responses))
            if scored:
                advance.note(f"accuracy {100 * right / scored:.1f} %")
    return judged


def verdicts_frame(
    responses: pl.DataFrame, questions: dict[str, Question], verifier: Verifier
) -> pl.DataFrame:
    """Verdicts of a table of responses; each distinct (question, answer) is judged once.

    Args:
        responses: Columns question_id, response_index, text; and where there are failed ones, which
            become unscored without the verifier, finish_reason and error.
        questions: The questions by id.
        verifier: Judges the others.

    Returns:
        Columns of `store.VERDICT_SCHEMA`, a row a response, in the order of `responses`.

    Raises:
        InputError: A response is to none of the questions.
    """
    if "finish_reason" in responses.columns:
        failed = (responses["finish_reason"].cast(pl.String) == "failed").fill_null(False).to_list()
        errors = responses["error"].to_list()
    else:
        failed = errors = [False] * len(responses)
    rows = list(zip(responses["question_id"], responses["text"], failed, errors, strict=True))
    unknown = {question_id for question_id, *_ in rows} - questions.keys()
    if unknown:
        raise InputError(
            "Responses are to questions that are not in the question set.",
            seen=min(unknown),
            remedy="Verify them with the questions that they were drawn for.",
        )
    judged = iter(verifier.judge([(questions[q], text) for q, text, fell, _ in rows if not fell]))
    verdicts = [
        Verdict("unscored", reason=str(error or "the engine got no response"))
        if fell
        else next(judged)
        for _, _, fell, error in rows
    ]
    return responses.select("question_id", "response_index").with_columns(
        verdict=pl.Series([v.label for v in verdicts], dtype=pl.String),
        answer=pl.Series([v.answer for v in verdicts], dtype=pl.String),
        reason=pl.Series([v.reason for v in verdicts], dtype=pl.String),
    )
