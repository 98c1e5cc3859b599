"""Reading: one model's outcomes on a set of questions, out of whatever file they are in.

Stands between the store and the stages; reads a study's responses, a tally, or another tool's log,
and gives an `Outcomes` with the tally that all statistics start from. A file is recognised by its
content. To add a format, write one file with a function that knows such files from a `Glimpse` and
one that reads them, and one line in READERS; another package registers its own `Reader` through the
entry point group `liftmap.readers`.

    outcomes        what reading gives          tables      checked columns of CSV, Parquet, JSONL
    look            what a file begins with     lines       long JSON in parts
    response_table  a row a response, lazily    logs        what evaluation tools' logs share
    counting        its verdicts, counted       metrics     which of their figures are verdicts
    column_names    what people call columns    golds       gold answers out of targets
    tabular         columns of any table        chats       conversations as texts
    step_files      which files are which step
    suites          which benchmarks a folder holds

    tally, responses, study                     ours
    lm_eval, inspect_ai, lighteval, benchmarks  evaluation tools
    verl, trl, verifiers, nemo, rollouts        trainers
    shapes                                      made by hand
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from liftmap.errors import InputError
from liftmap.read import benchmarks, nemo, rollouts, shapes, trl, verifiers
from liftmap.read.column_names import check_given, suggestion
from liftmap.read.inspect_ai import is_inspect_ai, read_inspect_ai
from liftmap.read.lighteval import is_lighteval, read_lighteval
from liftmap.read.lm_eval import is_lm_eval, read_lm_eval
from liftmap.read.look import Glimpse, files_of, glimpse, steps_of
from liftmap.read.outcomes import Judge, Outcomes, ReadOptions
from liftmap.read.responses import is_responses, read_responses
from liftmap.read.study import is_response_set, read_response_set
from liftmap.read.tabular import column_names
from liftmap.read.tally import is_tally, read_tally
from liftmap.read.verl import is_verl, read_verl
from liftmap.registry import find

__all__ = [
    "READERS",
    "Glimpse",
    "Judge",
    "Outcomes",
    "ReadOptions",
    "Reader",
    "all_readers",
    "read",
]


# Files that a message names.
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Reader:
    """A format that can be read.

    Attributes:
        what: The format in words, for messages.
        knows: Whether a file is of this format.
        read: Reads such files: what the user named, the files, and the options.
        by_step: Whether it knows training steps, and rewards that are graded: it gives a
            `ResponseTable` to `counting`.
    """

    what: str
    knows: Callable[[Glimpse], bool]
    read: Callable[[str, Sequence[Glimpse], ReadOptions], Outcomes]
    by_step: bool = False


READERS: dict[str, Reader] = {
    "tally": Reader("a tally with question_id, n and c", is_tally, read_tally),
    "responses": Reader("a table with question_id and correct", is_responses, read_responses),
    "study": Reader("a study's responses (STUDY:MODEL)", is_response_set, read_response_set),
    "lm_eval": Reader("an lm-evaluation-harness samples_*.jsonl", is_lm_eval, read_lm_eval),
    "inspect_ai": Reader("an inspect_ai .eval or .json log", is_inspect_ai, read_inspect_ai),
    "lighteval": Reader("lighteval details (Parquet)", is_lighteval, read_lighteval),
    "verl": Reader("verl dumps (<step>.jsonl)", is_verl, read_verl, True),
    "trl": Reader("TRL completions (Parquet)", trl.is_trl, trl.read_trl, True),
    "ms_swift": Reader("ms-swift completions.jsonl", trl.is_ms_swift, trl.read_ms_swift, True),
    "verifiers": Reader(
        "verifiers and prime-rl traces.jsonl",
        verifiers.is_verifiers,
        verifiers.read_verifiers,
        True,
    ),
    "verifiers_v0": Reader(
        "verifiers v0 results.jsonl", verifiers.is_verifiers_v0, verifiers.read_verifiers_v0, True
    ),
    "nemo_gym": Reader("NeMo-Gym rollouts", nemo.is_nemo_gym, nemo.read_nemo_gym, True),
    "nemo_evaluator": Reader(
        "NeMo Evaluator results.jsonl", nemo.is_nemo_evaluator, nemo.read_nemo_evaluator, True
    ),
    "nemo_skills": Reader(
        "NeMo-Skills output*.jsonl", nemo.is_nemo_skills, nemo.read_nemo_skills, True
    ),
    "nemo_rl": Reader("NeMo-RL validation data", nemo.is_nemo_rl, nemo.read_nemo_rl, True),
    "tinker_cookbook": Reader(
        "tinker-cookbook trajectories.jsonl",
        rollouts.is_tinker_cookbook,
        rollouts.read_tinker_cookbook,
        True,
    ),
    "skyrl": Reader("SkyRL dumped_evals", rollouts.is_skyrl, rollouts.read_skyrl, True),
    "rllm": Reader("rLLM results (JSON)", rollouts.is_rllm, rollouts.read_rllm, True),
    "oat": Reader("oat eval_results", rollouts.is_oat, rollouts.read_oat, True),
    "evalscope": Reader(
        "evalscope reviews", benchmarks.is_evalscope, benchmarks.read_evalscope, True
    ),
    "every_eval_ever": Reader(
        "every_eval_ever samples",
        benchmarks.is_every_eval_ever,
        benchmarks.read_every_eval_ever,
        True,
    ),
    "human_eval": Reader(
        "human-eval *_results.jsonl", benchmarks.is_human_eval, benchmarks.read_human_eval, True
    ),
    "evalplus": Reader(
        "evalplus *_eval_results.json", benchmarks.is_evalplus, benchmarks.read_evalplus, True
    ),
    "qwen_math": Reader(
        "Qwen2.5-Math or limit-of-RLVR output",
        benchmarks.is_qwen_math,
        benchmarks.read_qwen_math,
        True,
    ),
    "table": Reader(
        "a table with an id or a prompt, and a verdict", shapes.is_shape, shapes.read_shape, True
    ),
    "lists": Reader("JSON of {question: [0, 1]}", shapes.is_lists, shapes.read_lists, True),
    "npy": Reader("a .npy of questions x responses", shapes.is_matrix, shapes.read_matrix, True),
}


def read(
    source: str | Path,
    *,
    verifier: str | None = None,
    judge: Judge | None = None,
    metric: str | None = None,
    format: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
    files: Sequence[Path] | None = None,
    task: str | None = None,
) -> Outcomes:
    """Reads one model's outcomes.

    Args:
        source: A tally, a table, or a log of a tool that READERS lists; a folder of such files,
            which are read together; one or several training steps of such a file or folder, as
            `FOLDER:100` or `FOLDER:100-200`; or a response set of a study, as
            `STUDY/responses/MODEL/SPLIT`, `STUDY:MODEL` or `STUDY:MODEL:SPLIT`.
        verifier: Of a study: whose verdicts; by default those of the verifier in study.toml. Of a
            log: verify its responses here, with `judge`, in place of the log's own verdicts.
        judge: Verifies responses: a function of a table (question_id, response_index, text) and of
            the questions by id that gives a row for each row with the columns verdict and answer,
            as `liftmap.verify.run.verdicts_frame` does once its verifier is bound.
        metric: Which of a log's metrics to take, as `exact_match,flexible-extract`, or the part of
            such a name that tells it from the others; by default the one that gives the most
            responses a verdict, the first of several, with a warning if others say otherwise.
        format: A name of READERS or of an installed package's reader; by default it is found out.
        think_end: The text that ends the model's thoughts. Of a study: its verdicts must have been
            made with it; of a log: `judge` must know it.
        verifier_options: Options of the verifier. Of a study: its verdicts must have been made with
            them; of a log: `judge` must know them.
        columns: Of a table: its own names for some of ours, as {"correct": "solved"}; see
            `column_names.NAMES`.
        right_at: The value from which on a graded reward counts as right.
        files: Those of the source's files that are read; None: all of them.
        task: The task whose rows are read, where a file is of several.

    Returns:
        Tally, and where the source has them answers and golds. Where a tool numbers its questions
        by their place in the data set, the question_id is that number and eight digits of a hash of
        the question, so that two logs match only where both agree.

    Raises:
        InputError: There is no such metric; the source does not exist, is empty, damaged, of an
            unknown format, or mixed (two formats, tasks or models); a value in it can't be used; or
            its log has one verdict for several responses and no verifier was named. The message
            names file, row and value.
        StoreError: A study's file is missing or damaged.
        ConfigError: A study's study.toml can't be read.
        UnknownNameError: There is no reader of the name `format`.
    """
    named, steps = (str(source), None) if files is not None else steps_of(source)
    paths = files_of(named) if files is None else list(files)
    readers = {format: find(READERS, format, "reader")} if format else all_readers()
    if columns:
        chosen = "tally" if {"n", "c"} & columns.keys() else "table"
        readers = {chosen: readers.get(chosen, READERS[chosen])}
    known: dict[str, list[Glimpse]] = {}
    unknown: list[Path] = []
    for path in paths:
        file = _glimpse(path, columns)
        name = next((name for name, reader in readers.items() if reader.knows(file)), None)
        if name is not None:
            known.setdefault(name, []).append(file)
        elif len(paths) == 1:
            raise _unknown(file, readers, bool(columns))
        else:
            unknown.append(path)
    if not known:
        raise InputError(
            f"{named} holds no file of a known format.",
            seen=[path.name for path in paths[:5]],
            remedy=_all_formats(readers),
        )
    _check_one(named, known, readers)
    [(name, looked_at)] = known.items()
    if verifier_options and verifier is None:
        raise InputError(
            "Options of a verifier are for responses that are verified here.",
            seen=dict(verifier_options),
            remedy="Name the verifier too (--verifier), or leave them out.",
        )
    if think_end is not None and verifier is None:
        raise InputError(
            "The text that ends thoughts (--think-end) is for responses that are verified here.",
            seen=think_end,
            remedy="Name the verifier too (--verifier), or leave it out.",
        )
    if right_at is not None and not math.isfinite(right_at):
        raise InputError(
            "--right-at is not a number.",
            seen=right_at,
            remedy="Give the value from which on a response is right, as 1.0.",
        )
    options = ReadOptions(
        verifier,
        judge,
        metric,
        think_end,
        verifier_options,
        right_at=right_at,
        steps=steps,
        task=task,
    )
    if not readers[name].by_step:
        _refuse_steps(named, name, options)
    outcomes = readers[name].read(named, looked_at, options)
    return replace(
        outcomes,
        source=str(source),
        warnings=(*_left_out(unknown), *_separators(looked_at), *outcomes.warnings),
    )


def _glimpse(path: Path, columns: Mapping[str, str] | None) -> Glimpse:
    """What a file begins with, and the columns that the user has named.

    Raises:
        InputError: It is not a table, or lacks one of these columns.
    """
    file = glimpse(path)
    if not columns:
        return file
    if file.container in ("zip", "npy", "responses", "other"):
        raise InputError(
            f"{path} is not a table, so it has no columns to name.",
            seen=file.container,
            remedy="Leave --columns out.",
        )
    check_given(path, column_names(file), columns)
    return replace(file, names=dict(columns))


def _refuse_steps(source: str, name: str, options: ReadOptions) -> None:
    """Raises where steps or a value from which on a reward is right mean nothing."""
    if options.steps is not None:
        raise InputError(
            f"{source} does not hold training steps: it was read as {name}.",
            seen=options.steps,
            remedy="Leave the step out.",
        )
    if name not in ("tally", "responses"):
        options.refuse_right_at(source)


def _left_out(unknown: Sequence[Path]) -> list[str]:
    if not unknown:
        return []
    names = ", ".join(path.name for path in unknown[:_SHOWN])
    more = ", ..." if len(unknown) > _SHOWN else ""
    files = "1 file holds" if len(unknown) == 1 else f"{len(unknown):,} files hold"
    return [f"{files} no responses that are known ({names}{more}): left out."]


def _separators(files: Sequence[Glimpse]) -> list[str]:
    """What parts the columns of CSV files, where it is not a comma."""
    names = {",": "", ";": "semicolons", "\t": "tabs"}
    marks = dict.fromkeys(file.separator for file in files if names[file.separator])
    return [f"The columns are parted by {names[mark]}." for mark in marks]


def all_readers() -> dict[str, Reader]:
    """The readers of `READERS`, and those of installed packages."""
    others = {point.name: point.load() for point in entry_points(group="liftmap.readers")}
    return {**READERS, **{name: r for name, r in others.items() if name not in READERS}}


def _all_formats(readers: dict[str, Reader]) -> str:
    return f"Known are: {'; '.join(reader.what for reader in readers.values())}."


def _unknown(file: Glimpse, readers: dict[str, Reader], given: bool) -> InputError:
    fields = column_names(file) if file.container in shapes.TABLES else []
    near = "" if given else suggestion(fields)
    return InputError(
        f"{file.path} is of no known format.",
        seen=sorted(file.fields)[:12] or file.container,
        remedy=near or _all_formats(readers),
    )


def _check_one(source: str, known: dict[str, list[Glimpse]], readers: Mapping[str, Reader]) -> None:
    """Raises unless the files are of one format and, but for steps, in one folder."""
    if len(known) > 1:
        examples = [f"{files[0].path} ({name})" for name, files in known.items()]
        raise InputError(
            f"{source} is a mix of {len(known)} formats.",
            seen=examples,
            remedy="Name one file, or a folder with files of one format.",
        )
    folders = sorted({str(file.path.parent) for files in known.values() for file in files})
    # Steps may have a folder each; `counting` refuses what is in two.
    by_step = all(readers[name].by_step for name in known)
    if len(folders) > 1 and not by_step:
        raise InputError(
            f"{source} holds logs in {len(folders)} folders.",
            seen=folders[:5],
            remedy="Name one of these folders.",
        )
