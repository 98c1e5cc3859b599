"""Reading: one model's outcomes on a set of questions, out of whatever file they are in.

Stands between the store and the stages; reads a study's responses, a tally, or another tool's log,
and gives an `Outcomes` with the tally that all statistics start from. A file is recognised by its
content. To add a format, write one file with a function that knows such files from a `Glimpse` and
one that reads them, and one line in READERS; another package registers its own `Reader` through the
entry point group `liftmap.readers`.

    outcomes     what reading gives           tables      checked columns of CSV, Parquet, JSONL
    look         what a file begins with      lines       long JSON in parts
    tally        question_id, n, c            logs        what all tools' logs have in common
    responses    question_id, correct         metrics     which of their figures are verdicts
    study        STUDY:MODEL                  golds       gold answers out of targets
                                              lm_eval, inspect_ai, lighteval
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from liftmap.errors import InputError
from liftmap.read.inspect_ai import is_inspect_ai, read_inspect_ai
from liftmap.read.lighteval import is_lighteval, read_lighteval
from liftmap.read.lm_eval import is_lm_eval, read_lm_eval
from liftmap.read.look import Glimpse, files_of, glimpse
from liftmap.read.outcomes import Judge, Outcomes, ReadOptions
from liftmap.read.responses import is_responses, read_responses
from liftmap.read.study import is_response_set, read_response_set
from liftmap.read.tally import is_tally, read_tally
from liftmap.registry import find

__all__ = ["READERS", "Glimpse", "Judge", "Outcomes", "ReadOptions", "Reader", "read"]


@dataclass(frozen=True, slots=True)
class Reader:
    """A format that can be read.

    Attributes:
        what: The format in words, for messages.
        knows: Whether a file is of this format.
        read: Reads such files: what the user named, the files, and the options.
    """

    what: str
    knows: Callable[[Glimpse], bool]
    read: Callable[[str, Sequence[Glimpse], ReadOptions], Outcomes]


READERS: dict[str, Reader] = {
    "tally": Reader("a tally with question_id, n and c", is_tally, read_tally),
    "responses": Reader("a table with question_id and correct", is_responses, read_responses),
    "study": Reader("a study's responses (STUDY:MODEL)", is_response_set, read_response_set),
    "lm_eval": Reader("an lm-evaluation-harness samples_*.jsonl", is_lm_eval, read_lm_eval),
    "inspect_ai": Reader("an inspect_ai .eval or .json log", is_inspect_ai, read_inspect_ai),
    "lighteval": Reader("lighteval details (Parquet)", is_lighteval, read_lighteval),
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
) -> Outcomes:
    """Reads one model's outcomes.

    Args:
        source: A tally, a table with a row a response, or a log of lm-evaluation-harness,
            inspect_ai or lighteval; a folder of such files, which are read together; or a response
            set of a study, as `STUDY/responses/MODEL/SPLIT`, `STUDY:MODEL` or `STUDY:MODEL:SPLIT`.
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
    paths = files_of(source)
    readers = {format: find(READERS, format, "reader")} if format else _all_readers()
    known: dict[str, list[Glimpse]] = {}
    for path in paths:
        file = glimpse(path)
        name = next((name for name, reader in readers.items() if reader.knows(file)), None)
        if name is not None:
            known.setdefault(name, []).append(file)
        elif len(paths) == 1:
            raise _unknown(file, readers)
    if not known:
        raise InputError(
            f"{source} holds no file of a known format.",
            seen=[path.name for path in paths[:5]],
            remedy=_all_formats(readers),
        )
    _check_one(str(source), known)
    [(name, files)] = known.items()
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
    options = ReadOptions(verifier, judge, metric, think_end, verifier_options)
    return readers[name].read(str(source), files, options)


def _all_readers() -> dict[str, Reader]:
    others = {point.name: point.load() for point in entry_points(group="liftmap.readers")}
    return {**READERS, **{name: r for name, r in others.items() if name not in READERS}}


def _all_formats(readers: dict[str, Reader]) -> str:
    return f"Known are: {'; '.join(reader.what for reader in readers.values())}."


def _unknown(file: Glimpse, readers: dict[str, Reader]) -> InputError:
    return InputError(
        f"{file.path} is of no known format.",
        seen=sorted(file.fields)[:12] or file.container,
        remedy=_all_formats(readers),
    )


def _check_one(source: str, known: dict[str, list[Glimpse]]) -> None:
    """Raises unless the files are of one format and in one folder."""
    if len(known) > 1:
        examples = [f"{files[0].path} ({name})" for name, files in known.items()]
        raise InputError(
            f"{source} is a mix of {len(known)} formats.",
            seen=examples,
            remedy="Name one file, or a folder with files of one format.",
        )
    folders = sorted({str(file.path.parent) for files in known.values() for file in files})
    if len(folders) > 1:
        raise InputError(
            f"{source} holds logs in {len(folders)} folders.",
            seen=folders[:5],
            remedy="Name one of these folders.",
        )
