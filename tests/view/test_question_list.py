"""Filters of questions and responses: what an address lets through, and that it holds itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from liftmap.errors import InputError
from liftmap.stats.question_change import false_discovery_rates
from liftmap.store import StudyFolder
from liftmap.view.question_list import (
    QuestionFilter,
    QuestionList,
    filter_from,
    question_list,
    search_pattern,
)
from liftmap.view.response_index import ResponseIndex, index_of_set
from liftmap.view.response_list import ResponseFilter, response_filter_from, response_rows
from liftmap.view.text_search import TextSearches

from .conftest import RIGHT


@pytest.fixture(scope="module")
def indexes(study: StudyFolder) -> list[ResponseIndex]:
    return [index_of_set(study.responses(model, "test")) for model in ("base", "tuned")]


@pytest.fixture(scope="module")
def questions(indexes: list[ResponseIndex]) -> QuestionList:
    return question_list(indexes)


def ids(questions: QuestionList, **query: str) -> list[str]:
    return questions.rows(filter_from(query))["question_id"].to_list()


def test_counts_are_those_of_the_store(
    study: StudyFolder, indexes: list[ResponseIndex], questions: QuestionList
) -> None:
    asked = study.read_questions("test")
    for side, index in zip(("before", "after"), indexes, strict=True):
        tally = study.responses(index.model, "test").tally("numeric", asked)
        for name in ("n", "c", "unscored", "truncated"):
            assert questions.table[f"{name}_{side}"].to_list() == getattr(tally, name).tolist()
    assert ids(questions) == [question.question_id for question in asked]


def test_each_filter_lets_through_what_its_words_say(questions: QuestionList) -> None:
    assert ids(questions, lost="1") == ["lost/one"]
    assert ids(questions, gained="1") == ["gained", "moved"]
    assert set(ids(questions, moved="1")) == {"moved", "fell"}
    assert ids(questions, unscored="1") == ["same-2"]
    assert ids(questions, truncated="1") == ["same-1"]
    assert ids(questions, gained="1", moved="1") == ["moved"]
    assert ids(questions, bin="0") == ["gained", "moved"]
    assert ids(questions, bin="5-8") == ["fell"]
    assert ids(questions, before_min="90", after_max="12.5") == ["fell"]
    assert ids(questions, sort="fell")[:2] == ["fell", "lost/one"]
    assert ids(questions, sort="rose")[0] == "moved"
    assert ids(questions, search="CALLED GAINED") == ["gained"]
    assert questions.flag_counts()["gained"] == 2
    assert sum(number for _, number in questions.bins) == len(RIGHT)


def test_one_model_alone_has_no_change(indexes: list[ResponseIndex]) -> None:
    single = question_list(indexes[:1])
    assert set(single.flag_counts()) == {"unscored", "truncated"}
    assert ids(single, sort="fell") == list(RIGHT)


def test_an_address_holds_the_filter() -> None:
    chosen = QuestionFilter(("lost", "moved"), (5, 16), (None, 12.5), (3.0, None), "a b", "fell", 3)
    assert filter_from(chosen.to_query()) == chosen
    assert filter_from(QuestionFilter().to_query()) == QuestionFilter()
    of_responses = ResponseFilter("after", "q/1", "wrong", "", True, (1, None), "x", 2)
    assert response_filter_from(of_responses.to_query()) == of_responses
    assert replace(chosen, page=1).toggled("lost").flags == ("moved",)


@pytest.mark.parametrize(
    "query",
    [{"bin": "five"}, {"bin": "3-x"}, {"sort": "size"}, {"page": "0"}, {"before_min": "nan"}],
    ids=str,
)
def test_what_is_not_a_filter_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InputError):
        filter_from(query)


def test_responses_by_verdict_answer_length_and_words(indexes: list[ResponseIndex]) -> None:
    base = indexes[0]

    def number(**query: str) -> int:
        return len(response_rows(base, response_filter_from(query)))

    assert number() == 96
    assert number(verdict="right") + number(verdict="wrong") + number(verdict="unscored") == 96
    assert number(verdict="unscored") == 1
    assert number(truncated="yes") == 1
    assert number(question="fell", answer="3") == 8
    assert number(answer="") == number(verdict="unscored") + number(truncated="yes")
    assert number(tokens_min="50") == 1
    (holding,), share = TextSearches().results([base], "A Needle in", seconds=20)
    assert share == 1
    result = base.with_texts(response_rows(base, ResponseFilter(), holding))
    assert result["question_id"].to_list() == ["same-0"]
    assert "a needle in a haystack" in result["text"][0]


def test_texts_are_those_of_the_rows(study: StudyFolder, indexes: list[ResponseIndex]) -> None:
    shuffled = indexes[1].frame.sample(fraction=1, shuffle=True, seed=3)
    stored = study.responses("tuned", "test").read_responses()
    key = ["question_id", "response_index"]
    both = indexes[1].with_texts(shuffled).join(stored, on=key, how="left", maintain_order="left")
    assert (both["text"] == both["text_right"]).all()
    assert both["question_id"].to_list() == shuffled["question_id"].to_list()


def test_words_are_searched_for_as_they_stand() -> None:
    texts = pl.Series(["a+b (c)", "AAB c", "x\\y [z] #& {1}-2~"])
    for words in ("A+B (C)", "\\Y [Z] #& {1}-2~"):
        assert texts.str.contains(search_pattern(words)).sum() == 1


def test_q_values_are_those_of_scipy() -> None:
    p = np.random.default_rng(0).beta(0.4, 1.0, 200)
    for dependent, method in ((False, "bh"), (True, "by")):
        np.testing.assert_allclose(
            false_discovery_rates(p, dependent), stats.false_discovery_control(p, method=method)
        )
