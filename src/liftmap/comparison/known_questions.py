"""Which questions a file or a source holds, by id and by prompt: what a training set must not hold.

Beside `selection`: reads a file of questions, or what `load` reads, gives `MarkedQuestions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from liftmap.comparison.load import load
from liftmap.errors import InputError, LiftmapError
from liftmap.files import path_of
from liftmap.read.chats import chat_text
from liftmap.read.column_names import NAMES
from liftmap.read.outcomes import Outcomes
from liftmap.read.response_table import digests
from liftmap.tasks.jsonl import rows_of_file

# As `liftmap sample` and studies keep questions: beside an id, `text` is the question.
_PROMPTS = (*NAMES["prompt"], "text")


@dataclass(frozen=True, slots=True)
class MarkedQuestions:
    """Questions by what tells them from others.

    Attributes:
        ids: Their ids.
        prompts: The digest of the prompt by id, where prompts are known; the same for prompts that
            differ in blanks or marks of a chat template.
        without_ids: Digests of prompts of questions that have no id.
    """

    ids: frozenset[str]
    prompts: Mapping[str, str]
    without_ids: frozenset[str] = frozenset()

    def hold(self, ids: NDArray[np.str_], others: MarkedQuestions) -> NDArray[np.bool_]:
        """Whether each question of another source is among these.

        By its prompt; or by its id, unless that is a bare number and both prompts are known: data
        sets number their questions from 0 alike.

        Args:
            ids: Shape (questions,): the other source's ids.
            others: The other source's questions.

        Returns:
            Shape (questions,).
        """
        digests_here = self.without_ids | set(self.prompts.values())

        def is_here(identity: str) -> bool:
            digest = others.prompts.get(identity)
            if digest is not None and digest in digests_here:
                return True
            prompts_differ = digest is not None and identity in self.prompts
            return identity in self.ids and not (identity.isdecimal() and prompts_differ)

        return np.array([is_here(identity) for identity in ids.tolist()], dtype=np.bool_)


def marks_of(outcomes: Outcomes) -> MarkedQuestions:
    """The questions of a source that was read."""
    ids = outcomes.tally.question_ids.tolist()
    prompts = dict(outcomes.prompts)
    if outcomes.by_prompt:
        prompts = {identity: identity for identity in ids}
    elif not prompts and outcomes.responses is not None:
        texts = (
            outcomes.responses.select("question_id", "prompt")
            .filter(pl.col("prompt").is_not_null())
            .group_by("question_id")
            .agg(pl.col("prompt").first())
            .collect(engine="streaming")
        )
        prompts = _with_digests(zip(texts["question_id"], texts["prompt"], strict=True))
    return MarkedQuestions(frozenset(ids), prompts)


def known_questions(source: str | Path) -> MarkedQuestions:
    """The questions of a file of questions, or of what `load` reads.

    Raises:
        LiftmapError: It is neither.
    """
    try:
        return marks_of(load(source))
    except LiftmapError as error:
        # Questions without responses are nothing that `load` knows.
        path = path_of(source)
        if not path.is_file():
            raise
        try:
            marked = _of_file(path)
        except LiftmapError:
            raise error from None
        if not (marked.ids or marked.without_ids):
            raise InputError(
                f"{path} has no column that names its questions.",
                seen=str(error.what),
                remedy=f"It needs one of {', '.join(NAMES['question_id'][:4])}, "
                f"{', '.join(_PROMPTS[:4])}.",
            ) from None
        return marked


def _of_file(path: Path) -> MarkedQuestions:
    """The questions of a file with a row a question."""
    named: list[tuple[str, str]] = []
    nameless: list[tuple[str, str]] = []
    ids = set()
    for place, row in rows_of_file(path):
        prompt = chat_text(next((row[name] for name in _PROMPTS if row.get(name)), ""))
        identity = next(
            (str(row[name]) for name in NAMES["question_id"] if row.get(name) is not None), None
        )
        if identity is not None:
            ids.add(identity)
        if prompt.strip():
            (nameless if identity is None else named).append((identity or place, prompt))
    return MarkedQuestions(
        frozenset(ids), _with_digests(named), frozenset(_with_digests(nameless).values())
    )


def _with_digests(prompts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The digest of each prompt by id; blank ones left out."""
    pairs = list(prompts)
    texts = pl.Series([text for _, text in pairs], dtype=pl.String)
    marked = zip((name for name, _ in pairs), digests(texts), strict=True)
    return {name: digest for name, digest in marked if digest is not None}
