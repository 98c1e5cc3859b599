"""The kin question sets: which questions the world holds, and how they fall into splits.

Reads a `World`; gives the train, dev and test questions (`question_sets`), no (person, relations)
in two of them. Every question's chance of success in each style is exact (`success_chance`), so the
sets are built from questions of which it is known what solves them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations

import numpy as np

from liftmap.errors import InputError
from liftmap.records import SPLITS, Question, Split
from liftmap.testbed.language import (
    STYLE_SHARES,
    STYLES,
    WORDINGS,
    Style,
    Wording,
    hops_of_style,
    render_question,
)
from liftmap.testbed.world import (
    DEFAULT_SEED,
    LEVELS,
    PEOPLE,
    RELATIONS,
    World,
    apportion,
    make_world,
)

SET_SIZES: dict[Split, int] = {"train": 400, "dev": 100, "test": 400}
LEVEL_MIX: tuple[float, ...] = (0.50, 0.15, 0.10, 0.10, 0.15)
SHORTCUT_SHARE = 0.70  # of the level-1 questions
# Share of the questions below level 1 whose key fact is held out. At level 0 most key facts are
# trained ones, so that a teacher has something to teach that the test can see.
HELD_OUT_SHARE = 0.80
HELD_OUT_SHARE_AT_0 = 0.30
HOP_MIX: tuple[float, ...] = (0.15, 0.45, 0.40)
# Of the shortcut-friendly ones the world holds fewer with two hops, and few with three.
HOP_MIX_SHORTCUT: tuple[float, ...] = (0.45, 0.40, 0.15)
# quick leaves careful text so rare that only levels at which that still saturates may have it.
WORDING_MIX: tuple[float, float, float] = (0.40, 0.35, 0.25)
WORDING_MIX_BELOW_06: tuple[float, float, float] = (0.60, 0.40, 0.0)


@dataclass(frozen=True, slots=True)
class KinQuestion:
    """A question of the world with what is known of it.

    Attributes:
        person: Whom it starts from.
        relations: The relations to follow, one to three different ones.
        answer: Where the true facts lead.
        level: The lowest fact level on the path: the chance that a careful response is right.
        key_fact: Name of the one fact below level 1 on the path; empty at level 1.
        held_out: The key fact is held out.
        shortcut: Both flawed styles give the right answer for certain (level 1 only).
        wording: How it is asked.
    """

    person: str
    relations: tuple[str, ...]
    answer: str
    level: float
    key_fact: str
    held_out: bool
    shortcut: bool
    wording: Wording = "please"

    def to_question(self) -> Question:
        """The record that the other stages see.

        question_id is made of wording, person and relations. The key fact is the cluster: whether
        questions that share it are solved depends on the same knowledge.
        """
        return Question(
            question_id="-".join(["kin", self.wording, self.person, *self.relations]),
            text=render_question(self.wording, self.person, self.relations),
            answer=self.answer,
            cluster=self.key_fact,
            metadata={
                "level": self.level,
                "hops": len(self.relations),
                "wording": self.wording,
                "key_fact": self.key_fact,
                "held_out": self.held_out,
                "shortcut": self.shortcut,
            },
        )


def answer_chances(
    world: World, person: str, relations: Sequence[str], style: Style
) -> dict[str, float]:
    """Every answer that world-like text can give in one style, with its exact chance.

    Args:
        world: Gives the beliefs of each fact.
        person: Whom the question starts from.
        relations: Different relations, so that no fact is met twice.
        style: Which hops are followed.

    Returns:
        Chance in (0, 1] by answer, over all beliefs of all facts met; together 1.
    """
    chances = {person: 1.0}
    for relation in hops_of_style(style, relations):
        after: defaultdict[str, float] = defaultdict(float)
        for at, chance in chances.items():
            for value, belief in world.facts[at, relation].beliefs().items():
                after[value] += chance * belief
        chances = dict(after)
    return chances


def expected_success(world: World, question: KinQuestion) -> float:
    """The chance that one response of an ideal base is right: style shares times chances.

    A base that copies its pre-training text perfectly has this pass@1 on the question.
    """
    shares = STYLE_SHARES[question.wording]
    return sum(
        share
        * answer_chances(world, question.person, question.relations, style).get(question.answer, 0)
        for style, share in zip(STYLES, shares, strict=True)
    )


def candidates(world: World) -> Iterator[KinQuestion]:
    """All questions fit for a set, in a fixed order.

    Fit is a path that meets nobody twice, has at most one fact below level 1, and is either clean
    or shortcut-friendly. Clean: no belief that text can state leads a flawed style, or a careful
    response with a wrong key fact, to the right answer; so a careful response is right exactly as
    often as the key fact, and a flawed one never. One-hop questions have no flawed path.
    """
    for person in PEOPLE:
        for hops in (1, 2, 3):
            for relations in permutations(RELATIONS, hops):
                question = _describe(world, person, relations)
                if question is not None:
                    yield question


def _describe(world: World, person: str, relations: tuple[str, ...]) -> KinQuestion | None:
    path = [person]
    unsure = []
    for relation in relations:
        fact = world.facts[path[-1], relation]
        path.append(fact.value)
        if fact.level < 1:
            unsure.append(fact)
    if len(set(path)) < len(path) or len(unsure) > 1:
        return None
    level = unsure[0].level if unsure else 1.0
    right = {
        style: answer_chances(world, person, relations, style).get(path[-1], 0.0)
        for style in STYLES
    }
    shortcut = level == 1 and right["sloppy"] == right["direct"] == 1
    clean = abs(right["careful"] - level) < 1e-9 and (
        len(relations) == 1 or right["sloppy"] == right["direct"] == 0
    )
    if not (shortcut or clean):
        return None
    return KinQuestion(
        person=person,
        relations=relations,
        answer=path[-1],
        level=level,
        key_fact=unsure[0].id if unsure else "",
        held_out=bool(unsure) and unsure[0].held_out,
        shortcut=shortcut,
    )


@lru_cache(maxsize=8)
def question_sets(seed: int = DEFAULT_SEED) -> dict[Split, tuple[KinQuestion, ...]]:
    """The train, dev and test questions of a world, each set in random order.

    Each set has the level, shortcut and held-out shares given at the top of this module, to the
    nearest whole question. Where a cell holds too few questions of a number of hops, others take
    their place. Within a cell the key facts take turns, so that a set rests on as many facts as
    the world holds.

    Args:
        seed: The world's seed; it also fixes which questions are drawn.

    Returns:
        Questions by split; no (person, relations) in two of them or twice in one.

    Raises:
        InputError: The world of this seed holds too few questions of some kind.
    """
    world = make_world(seed)
    rng = np.random.default_rng([seed, 2])
    left = list(candidates(world))
    sets: dict[Split, tuple[KinQuestion, ...]] = {}
    for split in ("test", "dev", "train"):
        chosen: list[KinQuestion] = []
        for level, count in zip(LEVELS, apportion(SET_SIZES[split], LEVEL_MIX), strict=True):
            at_level: list[KinQuestion] = []
            share = _marked_share(split, level)
            for marked, needed in zip(
                (True, False), apportion(count, (share, 1 - share)), strict=True
            ):
                cell = [
                    question
                    for question in left
                    if question.level == level
                    and (question.shortcut if level == 1 else question.held_out) == marked
                ]
                hop_mix = HOP_MIX_SHORTCUT if level == 1 and marked else HOP_MIX
                if len(cell) < needed:
                    raise InputError(
                        f"The kin world of seed {seed} holds too few questions of level {level}: "
                        f"{split} needs {needed}.",
                        seen=len(cell),
                        remedy="Take another seed; 0 is the shipped world.",
                    )
                at_level += _pick(rng, cell, needed, hop_mix)
            chosen += _word(rng, at_level, level)
            taken = {(question.person, question.relations) for question in at_level}
            left = [q for q in left if (q.person, q.relations) not in taken]
        sets[split] = tuple(chosen[i] for i in rng.permutation(len(chosen)))
    return {split: sets[split] for split in SPLITS}


def used_paths(seed: int = DEFAULT_SEED) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Every (person, relations) of two or three hops in the sets: left out of pre-training."""
    return frozenset(
        (question.person, question.relations)
        for questions in question_sets(seed).values()
        for question in questions
        if len(question.relations) > 1
    )


def _marked_share(split: Split, level: float) -> float:
    """Share of the shortcut-friendly questions (level 1) or of the held-out ones (below it)."""
    if level == 1:
        return SHORTCUT_SHARE
    if split == "train":
        return 0.0
    return HELD_OUT_SHARE_AT_0 if level == 0 else HELD_OUT_SHARE


def _pick(
    rng: np.random.Generator, cell: list[KinQuestion], count: int, hop_mix: Sequence[float]
) -> list[KinQuestion]:
    """Draws `count` questions near the hop mix, the key facts with the fewest so far first."""
    pool = [cell[i] for i in rng.permutation(len(cell))]
    per_fact: Counter[str] = Counter()
    picked: list[KinQuestion] = []
    for hops in rng.permutation(np.repeat((1, 2, 3), apportion(count, hop_mix))):
        best = min(
            range(len(pool)),
            key=lambda i: (abs(len(pool[i].relations) - hops), per_fact[pool[i].key_fact]),
        )
        picked.append(pool.pop(best))
        per_fact[picked[-1].key_fact] += 1
    return picked


def _word(
    rng: np.random.Generator, questions: list[KinQuestion], level: float
) -> list[KinQuestion]:
    """Gives the questions of one level their wordings."""
    mix = WORDING_MIX if level >= 0.6 else WORDING_MIX_BELOW_06
    wordings = np.repeat(WORDINGS, apportion(len(questions), mix))
    return [
        replace(question, wording=str(wording))  # type: ignore[arg-type]
        for question, wording in zip(questions, rng.permutation(wordings), strict=True)
    ]
