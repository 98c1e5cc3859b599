"""The command that makes a training set out of measured success rates: select."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import tyro

from liftmap.cli.compare_commands import (
    Column,
    Columns,
    Number,
    Sources,
    named_columns,
    write_result,
)
from liftmap.cli.flags import File, Name, Options, Text, Whole, verify_section
from liftmap.cli.printing import print_result
from liftmap.errors import ConfigError

_RANGE = re.compile(r"\s*([0-9.eE+-]+?)\s*\.\.\s*([0-9.eE+-]+)\s*")


def select(
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")],
    rate: Annotated[str, tyro.conf.arg(metavar="LOW..HIGH")] = "0.05..0.8",
    out: File = None,
    raw: bool = False,
    group_size: int = 8,
    responses: Literal["none", "right", "all"] = "none",
    per_question: Whole = None,
    most: Whole = None,
    not_in: Sources = (),
    test_questions_too: bool = False,
    level: float = 0.95,
    law_resamples: int = 50,
    seed: int = 0,
    cluster: Column = None,
    verifier: Name = None,
    verifier_option: Options = (),
    metric: Name = None,
    think_end: Text = None,
    columns: Columns = None,
    right_at: Number = None,
    json: File = None,
) -> None:
    """Make a training set of questions by their success rates.

    SOURCE is what `liftmap compare` takes: responses of the model that is to be trained. Questions
    are picked by the posterior mean of their rate under the law of all questions, which chance
    can't fool; how many GRPO groups have a gradient is said with an interval. Questions of a test
    or dev split are refused. docs/select.md has the columns of the file.

    For instance:
        liftmap select studies/demo:base:train --rate 0.05..0.8 --out train.jsonl
        liftmap select runs/grpo/rollouts:100 --not-in aime.jsonl --most 2000 --out train.jsonl
        liftmap select base.jsonl --rate 0.1..1 --responses right --per-question 4 --out sft.jsonl

    Args:
        source: Responses of the model that is to be trained.
        rate: The least and the greatest success rate, both included.
        out: The JSONL file to write; without it only the summary is made.
        raw: Pick by the plain rate c/n.
        group_size: Responses in a GRPO group.
        responses: Which responses are written: a row a question (none), or a row a response.
        per_question: At most so many responses to each question, drawn evenly.
        most: At most so many questions, drawn evenly.
        not_in: A file of questions, or results: what stands there, by id or prompt, is left out;
            may be given several times.
        test_questions_too: Take questions of test and dev splits, and those of --not-in, after all.
        level: Coverage of all intervals.
        law_resamples: Bootstrap refits of the law of success rates.
        seed: Seed of everything random.
        cluster: Column whose equal values make questions one sampling unit.
        verifier: Whose verdicts count; the responses of a log are verified here.
        verifier_option: An option of the verifier; may be given several times.
        metric: Whose verdicts count, where a log has several: exact_match,flexible-extract.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        columns: Of tables: their names for question_id, correct, text, prompt, n, c and others.
        right_at: The value from which on a graded reward counts as right.
        json: Write the summary as JSON; - prints it instead of the text.
    """
    from liftmap.comparison.selection import select as select_questions

    section = verify_section(verifier, verifier_option)
    selection = select_questions(
        source,
        parse_range(rate),
        out=out,
        raw=raw,
        group_size=group_size,
        responses=responses,
        per_question=per_question,
        most=most,
        not_in=not_in,
        test_questions_too=test_questions_too,
        level=level,
        law_resamples=law_resamples,
        seed=seed,
        cluster=cluster,
        verifier=verifier,
        metric=metric,
        think_end=think_end,
        verifier_options=section.options if section else None,
        columns=named_columns(columns),
        right_at=right_at,
    )
    if write_result(selection, json):
        return
    from liftmap.console import Terminal
    from liftmap.report.selection_terminal import selection_page

    Terminal().print(selection_page(selection))
    if selection.written is not None:
        print_result(str(Path(selection.written.path)))


def parse_range(text: str) -> tuple[float, float]:
    """A range of success rates as it is written: `0.05..0.8`.

    Raises:
        ConfigError: It is written otherwise.
    """
    match = _RANGE.fullmatch(text)
    try:
        if match is not None:
            return float(match[1]), float(match[2])
    except ValueError:
        pass
    raise ConfigError(
        "--rate is a range of success rates.", seen=text, remedy="Write it as 0.05..0.8."
    )
