"""Names that people give to columns: which is the question, which the verdict, which the texts.

Used for tables that no tool is known to write. A name that is listed here is taken, and that is
said; of one that only looks like it, the message tells how to name it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from liftmap.errors import ConfigError, InputError

# By our name: names that are taken for it, the surest first.
NAMES: dict[str, tuple[str, ...]] = {
    "question_id": (
        "question_id",
        "problem_id",
        "task_id",
        "example_id",
        "sample_id",
        "prompt_id",
        "qid",
        "id",
        "idx",
        "index",
        "question_idx",
        "problem_idx",
    ),
    "correct": ("correct", "is_correct", "passed", "acc", "accuracy", "score", "reward"),
    "n": ("n", "num_samples", "n_samples", "num_responses", "num_generations"),
    "c": ("c", "num_correct", "n_correct", "num_passed"),
    "text": ("text", "response", "completion", "output", "generation", "model_output"),
    "prompt": ("prompt", "question", "problem", "input", "query", "instruction"),
    "answer": ("predicted_answer", "extracted_answer", "prediction", "pred"),
    "gold": ("gold", "ground_truth", "expected_answer", "reference", "target", "gt"),
    "finish_reason": ("finish_reason", "stop_reason"),
    "truncated": ("truncated", "is_truncated"),
    "tokens": ("tokens", "token_count", "completion_tokens", "num_tokens", "response_length"),
    "step": ("step", "global_step"),
}
# Not taken by their names alone, but columns of a tally have them too.
ALSO = ("unscored", "cluster", "task")
# Columns that tell the benchmarks of one table apart, where a suite is asked for.
TASK_COLUMNS = ("task", "benchmark", "task_name", "dataset", "data_source")
# Names that look like a verdict or an id.
LIKE_VERDICT = ("pass", "right", "solved", "resolved", "success", "verdict", "ok", "hit", "grade")
LIKE_ID = ("uuid", "key", "name", "number", "question", "problem", "task", "item", "example")
_BETWEEN_WORDS = re.compile(r"[\s.-]+")
# One column a response: r0, r1, ...; sample_0, sample_1, ...
_WIDE = re.compile(
    r"(r|s|run|sample|response|try|trial|attempt|rollout|gen|seed|pass|correct|score|reward)"
    r"[_\-. ]?(\d+)",
    re.IGNORECASE,
)


def parse_columns(text: str) -> dict[str, str]:
    """Columns as the command line names them: `question_id=problem,correct=passed`.

    Raises:
        ConfigError: It is written otherwise, or a name of ours is not known.
    """
    columns: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        ours, equals, theirs = part.partition("=")
        ours = ours.strip()
        if not equals or not theirs.strip() or ours not in (*NAMES, *ALSO):
            near = get_close_matches(ours, [*NAMES, *ALSO], n=1, cutoff=0.5)
            raise ConfigError(
                "--columns is written as question_id=COLUMN,correct=COLUMN.",
                seen=part,
                remedy=(f"Did you mean {near[0]!r}? " if near and equals else "")
                + f"The names are {', '.join([*NAMES, *ALSO])}.",
            )
        columns[ours] = theirs.strip()
    return columns


def by_name(fields: Iterable[str]) -> dict[str, str]:
    """Columns by their names in small letters with `_` between words; a name as it is first.

    `Question ID` is found as question_id, unless there is a column of this very name.
    """
    columns = list(fields)
    return {plain(name): name for name in sorted(columns)} | {name: name for name in columns}


def plain(name: str) -> str:
    """A name in small letters, with `_` between its words."""
    return _BETWEEN_WORDS.sub("_", name.strip().lower())


def named(fields: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The file's column for each of our names: those given, then those that are known.

    Args:
        fields: The file's columns.
        given: Columns that the user has named.
    """
    there = by_name(fields)
    taken = dict(given or {})
    for ours, names in NAMES.items():
        if ours not in taken:
            matches = (there[name] for name in names if name in there)
            own_name = next((name for name in matches if name not in taken.values()), None)
            if own_name is not None:
                taken[ours] = own_name
    return taken


def verdicts(fields: Iterable[str], given: Mapping[str, str] | None = None) -> list[str]:
    """Columns that are known to be verdicts, the surest first; the one that is given alone."""
    if given and "correct" in given:
        return [given["correct"]]
    there = by_name(fields)
    return [there[name] for name in NAMES["correct"] if name in there]


def task_column(fields: Iterable[str], given: Mapping[str, str] | None = None) -> str | None:
    """The column that says which benchmark a row is of: the one given, or a known one."""
    if given and "task" in given:
        return given["task"]
    there = by_name(fields)
    return next((there[name] for name in TASK_COLUMNS if name in there), None)


def wide(fields: Sequence[str]) -> list[str]:
    """Columns of which each holds one response to every question, by their numbers."""
    by_stem: dict[str, list[tuple[int, str]]] = {}
    for name in fields:
        wide_name = _WIDE.fullmatch(name)
        if wide_name:
            by_stem.setdefault(wide_name[1].lower(), []).append((int(wide_name[2]), name))
    largest = max(by_stem.values(), key=len, default=[])
    return [name for _, name in sorted(largest)] if len(largest) > 1 else []


def check_given(path: object, fields: Sequence[str], given: Mapping[str, str]) -> None:
    """Raises unless the file has the columns that the user has named.

    Raises:
        InputError: It lacks one.
    """
    for ours, theirs in given.items():
        if theirs not in fields:
            near = get_close_matches(theirs, fields, n=1, cutoff=0.5)
            raise InputError(
                f"{path} has no column {theirs} (--columns {ours}={theirs}).",
                seen=list(fields)[:12],
                remedy=f"Did you mean {near[0]!r}?" if near else "Name one of its columns.",
            )


def suggestion(fields: Sequence[str]) -> str:
    """What to write for columns that look like a verdict and an id; empty if none does."""
    said = []
    names_of_ours = named(fields)
    verdict = names_of_ours.get("correct") or _like(fields, LIKE_VERDICT)
    question = (
        names_of_ours.get("question_id")
        or names_of_ours.get("prompt")
        or _like(fields, LIKE_ID, verdict)
    )
    ours = "prompt" if question and question == names_of_ours.get("prompt") else "question_id"
    parts = []
    if verdict:
        said.append(f"`{verdict}` looks like a verdict")
        parts.append(f"correct={verdict}")
    elif "n" in names_of_ours or "c" in names_of_ours:
        return ""
    if question and question != verdict:
        said.append(f"`{question}` like {'the prompt' if ours == 'prompt' else 'an id'}")
        parts.append(f"{ours}={question}")
    if not verdict:
        return ""
    return f"{' and '.join(said)}: `--columns {','.join(parts)}`."


def _like(fields: Sequence[str], words: Sequence[str], taken: str | None = None) -> str | None:
    lower = {name.lower(): name for name in fields if name != taken}
    for word in words:
        for name in lower:
            if re.search(rf"(?:^|[_\W]){word}", name):
                return lower[name]
    near = [match for name in words for match in get_close_matches(name, lower, n=1, cutoff=0.75)]
    return lower[near[0]] if near else None
