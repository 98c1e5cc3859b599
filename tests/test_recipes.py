"""Which responses go into a training set."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.config import ResponsesSection
from liftmap.errors import EmptyTrainingSetError
from liftmap.train.recipes import quotas, right_responses, training_pairs

Counts = dict[str, int]


def right(counts: Counts, mark: str) -> pl.DataFrame:
    rows = [(q, i, f" {mark}{i}") for q, c in sorted(counts.items()) for i in range(c)]
    schema = {"question_id": pl.String, "response_index": pl.Int32, "text": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


counts = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12))


@given(base=counts, rlvr=counts, per_question=st.integers(1, 10))
def test_matched_arms_take_the_same_numbers_from_the_same_questions(
    base: Counts, rlvr: Counts, per_question: int
) -> None:
    given_right = {"base": right(base, "b"), "rlvr": right(rlvr, "r")}
    own = ResponsesSection(of="base", per_question=per_question, matched_with="rlvr")
    other = ResponsesSection(of="rlvr", per_question=per_question, matched_with="base")
    wanted = quotas(own, given_right)
    assert wanted == quotas(other, given_right)
    assert wanted == {
        q: min(per_question, base[q], rlvr[q]) for q in sorted(base.keys() & rlvr.keys())
    }


def test_only_questions_that_the_base_solves_often_enough() -> None:
    given_right = {
        "base": right({"a": 1, "b": 17}, "b"),
        "teacher": right(dict.fromkeys("abc", 20), "t"),
    }
    prompts = {q: q.upper() for q in "abc"}
    sizes = {}
    for least in (0, 1, 17):
        section = ResponsesSection(of="teacher", per_question=8, base_right_at_least=least)
        pairs, used = training_pairs("arm", 1, section, given_right, prompts)
        sizes[least] = Counter(prompt for prompt, _ in pairs)
        assert used == len(sizes[least])
        assert len(set(pairs)) == len(pairs), "a response was taken twice"
        assert all(text.startswith(" t") for _, text in pairs)
    assert sizes == {
        0: {"A": 8, "B": 8, "C": 8},
        1: {"A": 8, "B": 8},
        17: {"B": 8},
    }


def test_the_seed_decides_the_choice() -> None:
    section = ResponsesSection(of="base", per_question=3)
    given_right = {"base": right({"a": 50}, "b")}
    first, again, other = (
        training_pairs("arm", seed, section, given_right, {"a": "A"})[0] for seed in (1, 1, 2)
    )
    assert first == again != other


def test_nothing_to_train_on_is_an_error() -> None:
    prompts = {"a": "A"}
    none = right({}, "x")
    some = right({"a": 3}, "b")
    section = ResponsesSection(of="teacher", base_right_at_least=17)
    with pytest.raises(EmptyTrainingSetError, match="'teacher' has no right response"):
        training_pairs("k", 1, section, {"base": some, "teacher": none}, prompts)
    with pytest.raises(EmptyTrainingSetError, match="base_right_at_least = 17"):
        training_pairs("k", 1, section, {"base": some, "teacher": some}, prompts)


def test_only_right_verdicts_count() -> None:
    responses = right({"a": 3}, "b")
    verdicts = responses.select("question_id", "response_index").with_columns(
        verdict=pl.Series(["right", "wrong", "unscored"])
    )
    assert right_responses(responses, verdicts)["text"].to_list() == [" b0"]
