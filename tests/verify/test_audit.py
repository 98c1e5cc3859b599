"""Where two verifiers disagree, counted over shards."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftmap.errors import InputError
from liftmap.records import Question, Response
from liftmap.sections import VerifySection
from liftmap.store import ResponseSet, shard_name
from liftmap.verify.audit import audit, disagreements
from liftmap.verify.run import verify

QUESTIONS = [Question("a", "1/2 ?", "0.5"), Question("b", "3 ?", "3"), Question("c", "?", "")]
TEXTS = ["so 0.5", "so 1/2", "so 3", "none"]


@pytest.fixture
def target(tmp_path: Path) -> ResponseSet:
    target = ResponseSet(tmp_path, "base", "test")
    target.keep_settings({"shards": len(QUESTIONS)})
    for index, question in enumerate(QUESTIONS):
        responses = [
            Response(question.question_id, i, text, (), "stop", 0.0) for i, text in enumerate(TEXTS)
        ]
        target.write_responses(shard_name(index), responses)
    for verifier in ("exact", "numeric"):
        verify(target, QUESTIONS, VerifySection(verifier=verifier))
    return target


def test_counts_questions_and_examples(target: ResponseSet) -> None:
    by_id = {question.question_id: question for question in QUESTIONS}
    found = audit([(target, by_id)], "exact", "numeric")
    assert found.counts.rows() == [
        ("right", 2, 0, 0),
        ("wrong", 1, 5, 0),
        ("unscored", 0, 0, 4),
    ]
    assert (found.responses, found.disagreements) == (12, 1)
    assert found.questions.rows() == [("base", "test", "a", 4, 1)]
    (row,) = found.examples.to_dicts()
    assert (row["question_id"], row["response_index"], row["gold"]) == ("a", 1, "0.5")
    assert (row["first"], row["second"]) == ("wrong", "right")
    assert (row["first_answer"], row["second_answer"]) == ("1/2", "1/2")
    assert [len(part) for part in disagreements(target, by_id, "exact", "numeric")] == [1, 0, 0]
    assert len(audit([(target, by_id)], "exact", "numeric", examples=0).examples) == 0


def test_what_is_missing_is_named(target: ResponseSet) -> None:
    with pytest.raises(InputError, match=r"choice has not judged all.*3 of 3"):
        audit([(target, {})], "exact", "choice")
    with pytest.raises(InputError, match="two verifiers"):
        audit([(target, {})], "exact", "exact")
