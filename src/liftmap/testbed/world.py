"""The kin world: 60 people, 300 facts, and how surely text states each of them.

The first step of the testbed, below `tasks`: it reads nothing and gives a `World`, from which
`questions` draws the question sets and `corpus` the pre-training text. A model trained on that text
knows each fact exactly as surely as the world says, so that knowledge is known by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from liftmap.errors import UnknownNameError
from liftmap.registry import nearest

DEFAULT_SEED = 0
CHECKPOINTS: tuple[str, ...] = ("base", "teacher")

_NAMES = """
    Ann Bob Cal Dan Eve Fay Gus Hal Ida Jay Kim Leo Mia Ned Olga Pam Quinn Ray Sue Tom
    Uma Val Wes Xena Yan Zack Abe Bea Cleo Drew Ella Finn Gina Hugo Iris Jack Kate Liam Maya Nora
    Omar Pia Rex Sara Theo Ursa Vera Will Xavi Yara Zoe Alma Boris Clara Dora Emil Flora Greta Hank
    Ivan
"""
PEOPLE: tuple[str, ...] = tuple(_NAMES.split())
PERSONAL_RELATIONS: tuple[str, ...] = ("mother", "friend", "neighbor")
GROUP_RELATIONS: tuple[str, ...] = ("boss", "teacher")
RELATIONS: tuple[str, ...] = PERSONAL_RELATIONS + GROUP_RELATIONS

GROUP_SIZE = 5
OWN_GROUP_SHARE = 0.75
# Shares of the facts at each level. Below 1 they follow the level mix of the question sets.
LEVELS: tuple[float, ...] = (1.0, 0.6, 0.3, 0.1, 0.0)
PERSONAL_LEVEL_SHARES: tuple[float, ...] = (0.60, 0.12, 0.08, 0.08, 0.12)
GROUP_LEVEL_SHARES: tuple[float, ...] = (0.85, 0.045, 0.03, 0.03, 0.045)
WRONG_SHARES: tuple[float, ...] = (0.70, 0.15, 0.15)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the world and what text says of it.

    Attributes:
        person: Whom it is about.
        relation: One of RELATIONS.
        value: The true value, a person.
        level: The chance in [0, 1] that text states the true value.
        wrong: The three values that text states otherwise, with WRONG_SHARES; never the true one.
        held_out: Below level 1, and no training question uses it.
    """

    person: str
    relation: str
    value: str
    level: float
    wrong: tuple[str, str, str]
    held_out: bool

    @property
    def id(self) -> str:
        """The fact's name, such as `Ann-mother`."""
        return f"{self.person}-{self.relation}"

    def beliefs(self) -> dict[str, float]:
        """Each value that text states, with its chance (all above 0, together 1)."""
        chances = {self.value: self.level}
        for value, share in zip(self.wrong, WRONG_SHARES, strict=True):
            chances[value] = (1 - self.level) * share
        return {value: chance for value, chance in chances.items() if chance > 0}


@dataclass(frozen=True, slots=True)
class World:
    """All facts, by person and relation.

    Attributes:
        seed: What it was made from.
        groups: 12 groups of 5 people.
        facts: One fact for each of the 60 people and 5 relations.
    """

    seed: int
    groups: tuple[tuple[str, ...], ...]
    facts: dict[tuple[str, str], Fact]


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that sum to `total`, as near to the shares as can be (largest remainder).

    Args:
        total: What is shared out, at least 0.
        shares: Weights, at least 0, of any sum above 0.

    Returns:
        One count for each share; of equal remainders the earlier share gets more.
    """
    exact = np.asarray(shares, dtype=float) * total / sum(shares)
    counts = np.floor(exact + 1e-9).astype(int)
    by_remainder = np.argsort(-(exact - counts), kind="stable")
    counts[by_remainder[: total - int(counts.sum())]] += 1
    return [int(count) for count in counts]


@lru_cache(maxsize=8)
def make_world(seed: int = DEFAULT_SEED) -> World:
    """Makes the world of a seed.

    mother, friend and neighbor lie in the own group with probability .75; boss and teacher are one
    person, of another group, for a whole group. A fact's wrong values follow the same law as its
    true one, so that a wrong value does not look different. The number of facts at each level is
    fixed; which facts they are is drawn. Half of the facts of each level below 1 are held out.

    Args:
        seed: Any whole number from 0; the shipped checkpoints were trained in world 0.

    Returns:
        The world; the same object for the same seed.
    """
    rng = np.random.default_rng([seed, 1])
    order = [PEOPLE[i] for i in rng.permutation(len(PEOPLE))]
    groups = tuple(
        tuple(order[start : start + GROUP_SIZE]) for start in range(0, len(order), GROUP_SIZE)
    )
    values: dict[tuple[str, str], str] = {}
    wrong: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        outside = [person for person in order if person not in group]
        for relation in GROUP_RELATIONS:
            shared = _draw(rng, outside)
            for person in group:
                values[person, relation] = shared
                wrong[person, relation] = _distinct(rng, [shared], [], outside)
        for person in group:
            inside = [member for member in group if member != person]
            for relation in PERSONAL_RELATIONS:
                people = _distinct(rng, [], inside, outside, count=4)
                values[person, relation], wrong[person, relation] = people[0], people[1:]

    levels = _spread(
        rng, [(p, r) for p in PEOPLE for r in PERSONAL_RELATIONS], PERSONAL_LEVEL_SHARES
    )
    levels |= _spread(rng, [(p, r) for p in PEOPLE for r in GROUP_RELATIONS], GROUP_LEVEL_SHARES)
    held_out: set[tuple[str, str]] = set()
    for level in LEVELS[1:]:
        keys = [key for key, at in levels.items() if at == level]
        held_out |= {keys[i] for i in rng.permutation(len(keys))[: len(keys) // 2]}

    facts = {
        (person, relation): Fact(
            person=person,
            relation=relation,
            value=values[person, relation],
            level=levels[person, relation],
            wrong=(
                wrong[person, relation][0],
                wrong[person, relation][1],
                wrong[person, relation][2],
            ),
            held_out=(person, relation) in held_out,
        )
        for person in PEOPLE
        for relation in RELATIONS
    }
    return World(seed=seed, groups=groups, facts=facts)


def checkpoint_path(name: str) -> Path:
    """The folder of a shipped checkpoint, for whatever loads a Hugging Face causal model.

    Args:
        name: "base" or "teacher"; both know the world of DEFAULT_SEED.

    Raises:
        UnknownNameError: No checkpoint of this name is shipped.
    """
    if name not in CHECKPOINTS:
        raise UnknownNameError(
            "The testbed ships no such checkpoint.",
            seen=name,
            remedy=nearest(name, CHECKPOINTS),
        )
    return Path(__file__).parent / "checkpoints" / name


def _draw(rng: np.random.Generator, people: Sequence[str]) -> str:
    return people[int(rng.integers(len(people)))]


def _distinct(
    rng: np.random.Generator,
    taken: list[str],
    inside: Sequence[str],
    outside: Sequence[str],
    count: int = 3,
) -> list[str]:
    """Draws `count` different people, none of `taken`, from `inside` with OWN_GROUP_SHARE."""
    people: list[str] = []
    while len(people) < count:
        own = bool(inside) and rng.random() < OWN_GROUP_SHARE
        person = _draw(rng, inside if own else outside)
        if person not in taken and person not in people:
            people.append(person)
    return people


def _spread(
    rng: np.random.Generator, keys: list[tuple[str, str]], shares: Sequence[float]
) -> dict[tuple[str, str], float]:
    """Gives each key a level, in fixed numbers and random places."""
    levels = np.repeat(LEVELS, apportion(len(keys), shares))
    return {key: float(level) for key, level in zip(keys, rng.permutation(levels), strict=True)}
