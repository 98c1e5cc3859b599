"""The kin question sets hold what the testbed promises of them."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from liftmap.errors import InputError, UnknownNameError
from liftmap.records import SPLITS
from liftmap.tasks import TASKS, get_task
from liftmap.tasks.kin import kin
from liftmap.testbed.language import STYLE_SHARES, STYLES, hops_of_style
from liftmap.testbed.questions import (
    KinQuestion,
    answer_chances,
    expected_success,
    question_sets,
    used_paths,
)
from liftmap.testbed.world import DEFAULT_SEED, PEOPLE, RELATIONS, World, make_world

WORLD = make_world()
SETS = question_sets()
ALL = [question for split in SPLITS for question in SETS[split]]


def enumerate_answers(world: World, question: KinQuestion, style: str) -> Counter[str]:
    """Chance of each answer by walking every combination of beliefs, one by one."""
    chances: Counter[str] = Counter()
    relations = hops_of_style(style, question.relations)  # type: ignore[arg-type]
    for choice in product(range(4), repeat=len(relations)):
        at, chance = question.person, 1.0
        for relation, index in zip(relations, choice, strict=True):
            fact = world.facts[at, relation]
            at = (fact.value, *fact.wrong)[index]
            share = (0.70, 0.15, 0.15)[index - 1]
            chance *= fact.level if index == 0 else (1 - fact.level) * share
        chances[at] += chance
    return chances


def test_sizes_and_level_mix() -> None:
    assert {split: len(SETS[split]) for split in SPLITS} == {"train": 400, "dev": 100, "test": 400}
    for questions in SETS.values():
        counts = Counter(question.level for question in questions)
        for level, share in zip(
            (1.0, 0.6, 0.3, 0.1, 0.0), (0.5, 0.15, 0.1, 0.1, 0.15), strict=True
        ):
            assert counts[level] == round(len(questions) * share)
        assert sum(question.shortcut for question in questions) == 0.7 * counts[1.0]


def test_no_path_in_two_sets_or_twice_in_one() -> None:
    paths = [(question.person, question.relations) for question in ALL]
    assert len(set(paths)) == len(paths) == 900
    ids = [question.to_question().question_id for question in ALL]
    assert len(set(ids)) == 900


def test_paths_hold_at_most_one_unsure_fact_and_lead_to_the_answer() -> None:
    for question in ALL:
        at, unsure = question.person, []
        for relation in question.relations:
            fact = WORLD.facts[at, relation]
            unsure += [fact] if fact.level < 1 else []
            at = fact.value
        assert at == question.answer
        assert [fact.id for fact in unsure] == ([question.key_fact] if question.key_fact else [])
        assert min([1.0, *(fact.level for fact in unsure)]) == question.level
        assert question.held_out == any(fact.held_out for fact in unsure)


def test_only_the_right_path_reaches_the_answer() -> None:
    for question in ALL:
        right = {
            style: enumerate_answers(WORLD, question, style)[question.answer] for style in STYLES
        }
        assert right["careful"] == pytest.approx(question.level, abs=1e-12)
        if question.shortcut:
            assert right == {"careful": 1.0, "sloppy": 1.0, "direct": 1.0}
        elif len(question.relations) > 1:
            assert right["sloppy"] == right["direct"] == 0.0
        for style in STYLES:
            chances = answer_chances(WORLD, question.person, question.relations, style)
            assert chances.get(question.answer, 0.0) == pytest.approx(right[style], abs=1e-12)


def test_saturation_rule() -> None:
    """256 responses find all that the base knows, and nothing where it knows nothing."""
    for question in ALL:
        success = expected_success(WORLD, question)
        careful = STYLE_SHARES[question.wording][0] * question.level
        if question.level == 0:
            assert success == 0
        else:
            assert careful >= 0.03 - 1e-12
            assert success >= careful - 1e-12
            assert 1 - (1 - success) ** 256 > 0.999


def test_held_out_facts_are_in_no_training_question() -> None:
    trained = {question.key_fact for question in SETS["train"]}
    assert not any(question.held_out for question in SETS["train"])
    for split in ("dev", "test"):
        below = [question for question in SETS[split] if 0 < question.level < 1]
        assert sum(question.held_out for question in below) == pytest.approx(
            0.8 * len(below), abs=1
        )
        at_0 = [question for question in SETS[split] if question.level == 0]
        assert sum(question.held_out for question in at_0) == pytest.approx(0.3 * len(at_0), abs=1)
        assert all(question.key_fact not in trained for question in below if question.held_out)


def test_quick_only_where_careful_text_still_saturates() -> None:
    assert {question.level for question in ALL if question.wording == "quick"} == {1.0, 0.6}


def test_same_seed_same_sets_other_seed_other_sets() -> None:
    again = question_sets.__wrapped__(DEFAULT_SEED)
    assert again == SETS
    assert question_sets(1)["test"] != SETS["test"]
    assert make_world(1).facts != WORLD.facts


def test_world_is_as_described() -> None:
    assert len(set(PEOPLE)) == 60
    assert set(WORLD.facts) == set(product(PEOPLE, RELATIONS))
    counts = Counter(fact.level for fact in WORLD.facts.values())
    assert counts[1.0] == 0.6 * 180 + 0.85 * 120
    group_of = {person: group for group in WORLD.groups for person in group}
    for fact in WORLD.facts.values():
        assert fact.value != fact.person
        assert len({fact.value, *fact.wrong}) == 4
        assert sum(fact.beliefs().values()) == pytest.approx(1)
        if fact.relation in ("boss", "teacher"):
            mates = {WORLD.facts[mate, fact.relation].value for mate in group_of[fact.person]}
            assert mates == {fact.value}
            assert fact.value not in group_of[fact.person]
    for level in (0.6, 0.3, 0.1, 0.0):
        held = [fact.held_out for fact in WORLD.facts.values() if fact.level == level]
        assert sum(held) == len(held) // 2


def test_used_paths_are_the_longer_ones() -> None:
    used = used_paths()
    assert used == {(q.person, q.relations) for q in ALL if len(q.relations) > 1}


def test_a_world_without_enough_questions_says_so() -> None:
    with pytest.raises(InputError, match="too few questions"):
        question_sets(5)


def test_task() -> None:
    assert get_task("kin") is TASKS["kin"]
    questions = kin("test")
    assert kin("test", limit=7) == questions[:7]
    clusters = {question.cluster for question in questions}
    assert clusters == {str(question.metadata["key_fact"]) for question in questions}
    with pytest.raises(UnknownNameError, match="kin"):
        get_task("kim")
    with pytest.raises(UnknownNameError, match="train, dev, test"):
        kin("validation")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="limit"):
        kin("test", limit=0)
