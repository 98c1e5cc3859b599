"""The gym task: procedurally made questions of reasoning-gym, as many as one likes.

A task: options in, Questions out; nothing is downloaded. The `gym` verifier makes the same item
again from what is kept in the metadata and asks the item's own scorer.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from liftmap.errors import ConfigError, InputError, MissingDependencyError, UnknownNameError
from liftmap.records import SPLITS, Question, Split
from liftmap.registry import nearest

# Shares of the question space, by the question's own hash: splits can't share a question, whatever
# the sizes and the seed.
SPLIT_SHARES: dict[Split, float] = {"train": 0.5, "dev": 0.1, "test": 0.4}
# Draws without a new question after which the space counts as used up.
MOST_FRUITLESS_DRAWS = 20_000


def gym(
    split: Split = "test",
    name: str = "chain_sum",
    size: int = 200,
    seed: int = 0,
    config: Mapping[str, Any] | None = None,
) -> list[Question]:
    """Questions of one reasoning-gym data set.

    Args:
        split: "train", "dev" or "test"; they are disjoint by the hash of the question's text.
        name: A data set of reasoning-gym, as `countdown` or `knights_knaves`.
        size: How many distinct questions.
        seed: Seed of the generator.
        config: Options of that data set, as it names them.

    Returns:
        The questions. Metadata: what the data set says of the item in plain values (for
        `chain_sum`: `expression`, `num_terms` ...), and `gym`, `gym_seed`, `gym_index` and
        `gym_config` (JSON), which make the item again.

    Raises:
        MissingDependencyError: reasoning-gym is not installed.
        UnknownNameError: It has no such data set; there is no such split.
        ConfigError: The data set refuses its options.
        InputError: It has fewer distinct questions than `size`.
    """
    if split not in SPLITS:
        raise UnknownNameError(
            "The gym task has no such split.", seen=split, remedy=f"Say {', '.join(SPLITS)}."
        )
    if size < 1:
        raise InputError("size must be at least 1.", seen=size)
    text = json.dumps(dict(config or {}), sort_keys=True)
    items = make_items(name, seed, text)
    questions: dict[str, Question] = {}
    index = last = 0
    while len(questions) < size:
        if index - last > MOST_FRUITLESS_DRAWS:
            raise InputError(
                f"reasoning-gym's {name} gives only {len(questions)} distinct {split} questions "
                f"with these options.",
                seen=size,
                remedy="Ask for fewer, or widen its options.",
            )
        item = items[index]
        question = item["question"].strip()
        digest = hashlib.sha256(f"{name}\x00{question}".encode()).hexdigest()[:16]
        if _split_of(digest) == split and digest not in questions:
            last = index
            questions[digest] = Question(
                question_id=digest,
                text=question,
                answer=str(item["answer"] if item["answer"] is not None else ""),
                metadata={
                    **_plain(item["metadata"]),
                    "gym": name,
                    "gym_seed": seed,
                    "gym_index": index,
                    "gym_config": text,
                },
            )
        index += 1
    return list(questions.values())


@lru_cache(maxsize=8)
def make_items(name: str, seed: int, config: str) -> Any:
    """The data set of reasoning-gym that a question came from.

    Args:
        name: The data set.
        seed: Its seed.
        config: Its options as JSON.

    Raises:
        MissingDependencyError: reasoning-gym is not installed.
        UnknownNameError: It has no such data set.
        ConfigError: The data set refuses its options.
    """
    try:
        import reasoning_gym
        from reasoning_gym.factory import DATASETS
    except ImportError:
        raise MissingDependencyError(
            "The gym task needs reasoning-gym, which is not installed.",
            remedy="Run: pip install 'liftmap[gym]'.",
        ) from None
    if name not in DATASETS:
        raise UnknownNameError(
            "reasoning-gym has no such data set.", seen=name, remedy=nearest(name, DATASETS)
        )
    options = json.loads(config)
    for reserved in ("size", "seed"):
        if reserved in options:
            raise ConfigError(
                f"task.options.config.{reserved} is liftmap's own.",
                seen=options[reserved],
                remedy=f"Set {reserved} beside config, not in it.",
            )
    # Some of its data sets draw from the global generator while they are set up.
    state = random.getstate()
    try:
        return reasoning_gym.create_dataset(name, size=10_000_000, seed=seed, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"reasoning-gym's {name} refuses its options: {error}.",
            seen=options,
            remedy="Correct [task.options.config].",
        ) from None
    finally:
        random.setstate(state)


def _plain(about: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    plain = {k: v for k, v in about.items() if isinstance(v, (str, int, float, bool))}
    # Constant or redundant in every item.
    return {k: v for k, v in plain.items() if k not in ("source_dataset", "source_index")}


def _split_of(digest: str) -> Split:
    place = int(digest[:8], 16) / 2**32
    for split, share in SPLIT_SHARES.items():
        if place < share:
            return split
        place -= share
    return "test"
