"""The reader of lm-evaluation-harness logs: `samples_*.jsonl`, written with --log_samples.

Each line is a question under one filter: `resps` holds the responses (several where the task has
`repeats`), and each metric stands under its own name. A metric is called here as in the tool's
results, `exact_match,strict-match`. With several responses a line can be read if a metric is a list
of verdicts, or is `pass@1` over all of them, which is their share of right ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from liftmap.errors import InputError
from liftmap.read.golds import golds_of
from liftmap.read.lines import json_lines
from liftmap.read.logs import Entry, outcomes_of
from liftmap.read.look import Glimpse
from liftmap.read.metrics import Share
from liftmap.read.outcomes import Outcomes, ReadOptions, drawing_settings

# The tool's own name for a log; the lines themselves do not say which task they are of.
FILE_NAME = re.compile(r"samples_(.+)_\d{4}-\d\d-\d\dT.*")
# Keys of a line beside its metrics, for versions of the tool that don't list the metrics.
NO_METRICS = {
    "doc_id",
    "doc",
    "target",
    "arguments",
    "resps",
    "filtered_resps",
    "filter",
    "doc_hash",
    "prompt_hash",
    "target_hash",
}
# What the regex filters of the tool write where they found no answer.
NO_ANSWER = "[invalid]"


def is_lm_eval(file: Glimpse) -> bool:
    """Lines with the keys doc_id, doc and target."""
    return file.container == "json" and file.has("doc_id", "doc", "target")


def read_lm_eval(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads logs of one task.

    Args:
        source: What the user named.
        files: `samples_*.jsonl` files.
        options: The metric, or what verifies the responses instead.

    Raises:
        InputError: See `logs.outcomes_of`; or a line is damaged.
    """
    return outcomes_of(
        source, "lm_eval", lambda: chain.from_iterable(map(_entries, files)), options
    )


def task_of_log(file: Glimpse) -> str:
    """The task that a log is of, by the tool's own name for it; empty where it was renamed."""
    named = FILE_NAME.fullmatch(file.path.stem)
    return named[1] if named else ""


def _entries(file: Glimpse) -> Iterator[Entry]:
    task = task_of_log(file)
    for number, line in json_lines(file.path):
        row = f"line {number}"
        name, resps = line.get("doc_id"), line.get("resps")
        filtered = line.get("filtered_resps")
        if not (
            isinstance(name, (int, str))
            and isinstance(resps, list)
            and resps
            and all(isinstance(request, list) and request for request in resps)
        ):
            raise InputError(
                f"{file.path}, {row} is no line of an lm-evaluation-harness log.",
                seen=sorted(line)[:12],
                remedy="It needs doc_id, and resps with at least one response.",
            )
        # One request a choice in multiple choice, with likelihoods in place of texts; null where
        # the model's server gave nothing.
        written = len(resps) == 1 and all(isinstance(text, str | None) for text in resps[0])
        texts = resps[0] if written else None
        count = len(resps[0])
        view = str(line.get("filter", ""))
        found = filtered[0] if isinstance(filtered, list) and len(filtered) == 1 else None
        metrics = {
            f"{metric},{view}" if view else metric: _value(metric, line[metric], found, count)
            for metric in _metrics(line)
        }
        answers = _answers(found, count) if texts else None
        yield Entry(
            file=str(file.path),
            row=row,
            name=str(name),
            content=line.get("doc_hash") or line.get("doc"),
            numbered=True,
            count=count,
            metrics=metrics,
            answers=dict.fromkeys(metrics, answers) if answers else {},
            texts=texts,
            question=_prompt(line),
            golds=golds_of(line.get("target")),
            choices=_choices(line.get("doc")),
            filter=view,
            task=task,
            settings=_settings(line),
            prompt=_prompt(line),
        )


def _metrics(line: dict[str, Any]) -> list[str]:
    listed = line.get("metrics")
    if isinstance(listed, list):
        return [name for name in listed if isinstance(name, str) and name in line]
    return [name for name in line if name not in NO_METRICS]


def _value(metric: str, value: object, found: object, count: int) -> object:
    """A metric's value; marked as a share if it is the share of right ones among all responses."""
    everything = isinstance(found, list) and len(found) == count
    return Share(value, count) if metric == "pass@1" and count > 1 and everything else value


def _answers(found: object, count: int) -> list[str | None] | None:
    """What the filter found in each response, if it kept them all."""
    each: list[Any] = found if isinstance(found, list) else [found]
    if len(each) != count or not all(isinstance(answer, str | None) for answer in each):
        return None
    return [None if answer == NO_ANSWER else answer for answer in each]


def _choices(doc: object) -> tuple[str, ...]:
    """The choices of a multiple-choice question, under the names that data sets give them."""
    table = doc if isinstance(doc, dict) else {}
    choices = table.get("choices", table.get("options"))
    texts = choices.get("text") if isinstance(choices, dict) else choices
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return ()
    return tuple(texts)


def _prompt(line: dict[str, Any]) -> str:
    try:
        return str(line["arguments"]["gen_args_0"]["arg_0"])
    except (KeyError, TypeError):
        return ""


def _settings(line: dict[str, Any]) -> dict[str, object]:
    """How the responses were drawn; nothing where the line does not say."""
    try:
        given = line["arguments"]["gen_args_0"]["arg_1"]
    except (KeyError, TypeError):
        return {}
    settings = drawing_settings(given)
    # Without sampling the likeliest token is taken, whatever temperature is written beside it.
    greedy = isinstance(given, dict) and given.get("do_sample") is False
    return settings | {"temperature": 0.0} if greedy else settings
