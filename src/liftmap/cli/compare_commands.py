"""The commands that work on results from anywhere: compare, reanalyse and plan.

Results go to standard output, or as JSON or HTML to files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import tyro

from liftmap.cli.flags import (
    File,
    Name,
    Options,
    OutFolder,
    SampleFlags,
    Text,
    Whole,
    asking_from,
    option_of,
    verify_section,
)
from liftmap.cli.printing import print_result, warn
from liftmap.errors import ConfigError

if TYPE_CHECKING:
    from liftmap.comparison.result import Comparison

# Exit statuses of a gate; 2 is a mistake in the command.
FAILED, UNTOLD = 1, 3

# A hub id such as org/name, and the models that are shipped.
_MODEL = re.compile(r"[\w-][\w.-]*/[\w.-]+|(testbed|scripted):.*")

Rules = Annotated[tuple[str, ...], tyro.conf.arg(metavar="RULE"), tyro.conf.UseAppendAction]
Files = Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE"), tyro.conf.UseAppendAction]
Sources = Annotated[tuple[str, ...], tyro.conf.arg(metavar="SOURCE"), tyro.conf.UseAppendAction]
Column = Annotated[str | None, option_of("COLUMN")]
Columns = Annotated[str | None, option_of("OURS=COLUMN,...")]
Number = Annotated[float | None, option_of("NUMBER")]


class HasJson(Protocol):
    """A result with a public JSON."""

    def to_json(self) -> str:
        """The public form as text."""
        ...


def compare(
    before: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="BEFORE")],
    after: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="AFTER")],
    report: File = None,
    json: File = None,
    markdown: File = None,
    full: bool = False,
    require: Rules = (),
    k: Whole = None,
    margin: float = 0.01,
    questions: Literal["like-these", "fixed"] = "like-these",
    bins: Annotated[str, tyro.conf.arg(metavar="BINS")] = "study",
    cluster: Column = None,
    teacher: Annotated[str | None, option_of("RESULTS")] = None,
    level: float = 0.95,
    looks: Whole = None,
    min_responses: Whole = None,
    extrapolate: bool = False,
    verifier: Name = None,
    verifier_option: Options = (),
    metric: Name = None,
    columns: Columns = None,
    right_at: Number = None,
    think_end: Text = None,
    advise_training: bool = False,
    copies: tuple[int, int] = (1, 1),
    null: Sources = (),
    texts: bool = True,
    phrases: Files = (),
    tokenizer: Name = None,
    model_card: File = None,
    dataset: Name = None,
    resamples: int = 1000,
    law_resamples: int = 50,
    seed: int = 0,
    out: OutFolder = None,
    sampling: Annotated[SampleFlags, tyro.conf.OmitArgPrefixes] = SampleFlags(),
) -> int:
    """Compare two models, with the sampling noise taken out.

    With --task and --out BEFORE and AFTER are models (a hub id, a folder, a .gguf file, a served
    model): both are asked the task's questions first. Without, they are results that exist.

    BEFORE and AFTER are response sets of a study (studies/demo/responses/base/test), tables (CSV,
    Parquet or JSONL with question_id, n and c, or a row a response with question_id and correct),
    or what an evaluation tool or a trainer wrote: docs/formats.md lists some 30 formats. One step
    of a folder of steps is FOLDER:100. Questions are matched by id, or without ids by prompt.

    For instance:
        liftmap compare base.csv trained.csv --report comparison.html
        liftmap compare org/base org/trained --task math-500 --n 64 --out runs/math
        liftmap compare base.eval trained.eval --k 64 --json comparison.json
        liftmap compare runs/grpo/val:0 runs/grpo/val:200
        liftmap compare base.csv rl.csv --null base-cold.csv
        liftmap compare base.csv rl.csv --columns question_id=problem,correct=solved
        liftmap compare base.csv trained.csv --require "accuracy >= -1" --require "lost <= 2"
        liftmap compare base.jsonl rl.jsonl --phrases hedges.txt --tokenizer Qwen/Qwen3-0.6B

    Exit status: 0; with --require 1 where a rule failed, 3 where none did but one can't be told; 2
    for a mistake.

    Args:
        before: Results of the model that one starts from.
        after: Results of the trained model.
        report: Write the page as one HTML file, and a picture of its first screen beside it.
        json: Write the result as JSON; - prints it instead of the summary.
        markdown: Write a summary in Markdown, for a pull request or a job's summary.
        full: Print all figures and tables instead of the summary.
        require: A rule such as "accuracy >= -1" or "pass@16 >= -1" (points) or "lost <= 2"
            (questions beyond noise), or a file with one a line; may be given several times.
        k: Number of tries of capability; by default the most that every question supports.
        margin: A change below it counts as none, as a share: 0.01 is one point.
        questions: What leads: figures on questions like these, or on these very ones (fixed).
        bins: Bins of difficulty: study, a number of quantile bins, or counts such as 0,1-4,5-256.
        cluster: Column whose equal values make questions one sampling unit.
        teacher: Results of a teacher: says which unsolved questions it solves.
        level: Coverage of all intervals.
        looks: Questions planned in all: intervals then hold at every look on the way there.
        min_responses: Leave out questions asked fewer times; by default half of the median.
        extrapolate: Allow k beyond the responses, as an estimate from the fitted law.
        verifier: Whose verdicts count; the responses of a log are verified here.
        verifier_option: An option of the verifier; may be given several times.
        metric: Whose verdicts count, where a log has several: exact_match,flexible-extract.
        columns: Of tables: their names for question_id, correct, text, prompt, n, c and others.
        right_at: The value from which on a graded reward counts as right.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        advise_training: The questions are those of training: say what to train on next.
        copies: How many times each response stands before, and after: they are counted once.
        null: What might do the same without training, such as the model before at a low temperature
            (docs/nulls.md); may be given several times.
        texts: Look at the texts of responses, where both sides have them: length, reflection
            phrases, thinking, copies and more, by difficulty.
        phrases: A file with a phrase a line, to be looked for too; may be given several times.
        tokenizer: Count tokens with it: a folder or a hub id; by default as the results know them,
            else characters.
        model_card: Write Markdown with the results as the model hub's model-index.
        dataset: With --model-card: what the questions are, as openai/gsm8k; by default the task.
        resamples: Bootstrap resamples of everything else.
        law_resamples: Bootstrap refits of the joint law of success rates.
        seed: Seed of the bootstrap; with --task of the responses too.
        out: With --task: the folder for questions, responses and verdicts.
        sampling: With --task: how the task is asked and responses are drawn.
    """
    from liftmap.comparison.compare import compare as compare_results

    if sampling.task is None and (sampling != SampleFlags() or out is not None):
        raise ConfigError(
            "Options that say how models are asked need --task.",
            remedy="Name the task, or leave them out to compare results that exist.",
        )
    if (model_card is None) != (dataset is None) and (dataset is not None or not sampling.task):
        raise ConfigError(
            "--model-card and --dataset go together: a card names the data set of its figures.",
            seen=dataset,
            remedy="Give both, as: --model-card README.md --dataset openai/gsm8k",
        )
    if sampling.task is None:
        _refuse_models(before, after)
    section = verify_section(verifier, verifier_option)
    ask: Callable[..., Comparison] = compare_results
    if sampling.task is not None:
        if metric is not None:
            raise ConfigError(
                "--metric chooses among the verdicts of a log; with --task a verifier judges.",
                seen=metric,
                remedy="Leave it out, or name --verifier.",
            )
        if columns is not None or right_at is not None:
            raise ConfigError(
                "--columns and --right-at are for results that exist; with --task a verifier "
                "judges.",
                seen=columns or right_at,
                remedy="Leave them out.",
            )
        ask = _asked(sampling, out, seed, verifier, verifier_option, think_end)
    named: dict[str, Any] = {}
    if sampling.task is None:
        named = {"columns": named_columns(columns), "right_at": right_at}
    comparison = ask(
        before,
        after,
        **named,
        k=k,
        margin=margin,
        bins=bins,
        level=level,
        seed=seed,
        cluster=cluster,
        law_resamples=law_resamples,
        resamples=resamples,
        teacher=teacher,
        extrapolate=extrapolate,
        questions=questions,
        min_responses=min_responses,
        looks=looks,
        verifier=verifier,
        metric=metric,
        think_end=think_end,
        verifier_options=section.options if section else None,
        advise_training=advise_training,
        copies=copies,
        null=null,
        require=require,
        texts=texts,
        phrases=phrases,
        tokenizer=tokenizer,
    )
    _show(comparison, json, report, full=full)
    if markdown is not None:
        from liftmap.files import write_text
        from liftmap.report.markdown import comparison_markdown

        write_text(markdown, comparison_markdown(comparison))
    if model_card is not None:
        from liftmap.files import write_text
        from liftmap.report.model_card import comparison_card

        write_text(model_card, comparison_card(comparison, str(dataset or sampling.task)))
    return gate_status(each.word for each in comparison.gate)


def _refuse_models(*sources: str) -> None:
    """Says what is missing where a source is a model's name and not results.

    Raises:
        ConfigError: One is.
    """
    from liftmap.files import path_of
    from liftmap.read.look import ENDINGS

    for source in sources:
        path = path_of(source)
        if _MODEL.fullmatch(source) and path.suffix not in ENDINGS and not path.exists():
            raise ConfigError(
                f"There are no results {source}. If it is a model, --task and --out are missing: "
                "the questions that both models are asked, and the folder for their responses.",
                remedy=f"For instance: liftmap compare {' '.join(sources)} --task math-500 "
                "--out runs/math",
            )


def gate_status(words: Iterable[str]) -> int:
    """The exit status that the answers to --require come to."""
    answers = set(words)
    if "failed" in answers:
        return FAILED
    return UNTOLD if "can't tell" in answers else 0


def _asked(
    flags: SampleFlags,
    out: Path | None,
    seed: int,
    verifier: str | None,
    verifier_option: tuple[str, ...],
    think_end: str | None,
) -> Callable[..., Comparison]:
    """What asks two models and compares them.

    Raises:
        ConfigError: The command line can't be used.
    """
    from liftmap.ask import compare_models

    if out is None:
        raise ConfigError(
            "--out is missing.", remedy="Name the folder that keeps the responses, as runs/math."
        )

    def ask(before: str, after: str, **options: Any) -> Comparison:
        asking = asking_from(flags, before, seed, verifier, verifier_option, think_end)
        return compare_models(before, after, asking, out, **options)

    return ask


def reanalyse(
    matrix: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MATRIX.csv")],
    n: int,
    k: Whole = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    law_resamples: int = 50,
    resamples: int = 1000,
    advise_training: bool = False,
    json: File = None,
    report: File = None,
) -> None:
    """Analyse a published matrix of counts, without its responses.

    The matrix says from which number of right responses to which each question moved.

    The CSV has bins of right responses as its first line and first column (0, 1-4, ...), before in
    rows and after in columns, and numbers of questions in its cells.

    For instance:
        liftmap reanalyse fig9a_1.5b_math_train.csv --n 256

    Args:
        matrix: The matrix.
        n: Responses to each question.
        k: Number of tries of lost and gained questions, beside n; by default half of n.
        margin: A change below it counts as none, as a share: 0.01 is one point.
        level: Coverage of all intervals.
        seed: Seed of the bootstrap.
        law_resamples: Bootstrap refits of the joint law of success rates.
        resamples: Bootstrap resamples of what is counted.
        advise_training: The questions are those of training: say what to train on next.
        json: Write the result as JSON; - prints it instead of the page.
        report: Write the page as one HTML file.
    """
    from liftmap.comparison.published import reanalyse as reanalyse_matrix

    comparison = reanalyse_matrix(
        matrix,
        n,
        k=k,
        margin=margin,
        level=level,
        seed=seed,
        law_resamples=law_resamples,
        resamples=resamples,
        advise_training=advise_training,
    )
    _show(comparison, json, report, full=True)


def plan(
    tally: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TALLY")],
    k: Whole = None,
    change: float = 0.01,
    within: bool = False,
    margin: float = 0.01,
    power: float = 0.8,
    level: float = 0.95,
    spread: float = 1.0,
    cluster: Column = None,
    resamples: int = 50,
    seed: int = 0,
    verifier: Name = None,
    metric: Name = None,
    columns: Columns = None,
    right_at: Number = None,
    json: File = None,
) -> None:
    """Say what a tally can detect, and the cheapest plan for a change.

    TALLY is what `liftmap compare` takes: results of the model before, or of a pilot.

    For instance:
        liftmap plan base.csv --change 0.02
        liftmap plan base.csv --within --margin 0.02

    Args:
        tally: Results of the model before.
        k: Number of tries of capability; by default the most that every question supports.
        change: The change that is to be seen, as a share: 0.02 is two points up.
        within: Plan for showing that nothing changed, too.
        margin: The margin that an unchanged model is then declared within, as a share.
        power: Chance that the change is seen, or an unchanged model declared within.
        level: Coverage of the interval that has to leave out 0, or to lie within the margin.
        spread: Standard deviation of the questions' own changes of log-odds.
        cluster: Column whose equal values make questions one sampling unit.
        resamples: Resamples of the tally behind the intervals of the plan's numbers.
        seed: Seed of the resamples.
        verifier: Whose verdicts count; the responses of a log are verified here.
        metric: Whose verdicts count, where a log has several: exact_match,flexible-extract.
        columns: Of tables: their names for question_id, correct, text, prompt, n, c and others.
        right_at: The value from which on a graded reward counts as right.
        json: Write the result as JSON; - prints it instead of the tables.
    """
    from liftmap.comparison.planning import plan as plan_sampling

    planning = plan_sampling(
        tally,
        k=k,
        change=change,
        within=within,
        margin=margin,
        power=power,
        level=level,
        spread=spread,
        cluster=cluster,
        resamples=resamples,
        seed=seed,
        verifier=verifier,
        metric=metric,
        columns=named_columns(columns),
        right_at=right_at,
    )
    if write_result(planning, json):
        return
    from liftmap.console import Terminal
    from liftmap.report.plan_terminal import plan_page

    Terminal().print(plan_page(planning))


def named_columns(text: str | None) -> dict[str, str] | None:
    """What --columns says.

    Raises:
        ConfigError: It is written otherwise.
    """
    from liftmap.read.column_names import parse_columns

    return None if text is None else parse_columns(text)


def _show(comparison: Comparison, json: Path | None, report: Path | None, *, full: bool) -> None:
    """Writes what is asked for, and prints the summary or the page unless the JSON is printed.

    Warnings go to standard error too: whoever reads only the JSON or a file sees them as well.
    """
    for warning in comparison.warnings:
        warn(warning)
    printed = write_result(comparison, json)
    if report is not None:
        from liftmap.report.comparison import build_comparison_page

        build_comparison_page(comparison, report)
    if printed:
        return
    from liftmap.console import Terminal
    from liftmap.report.comparison_terminal import comparison_page, comparison_summary

    Terminal().print(comparison_page(comparison) if full else comparison_summary(comparison))
    if report is not None:
        from liftmap.report.share import picture_path

        print_result(f"Report: {report}, and a picture to share: {picture_path(report)}")


def write_result(result: HasJson, json: Path | None) -> bool:
    """Writes the JSON of a result where it is asked for; whether it was printed."""
    if json is None:
        return False
    if str(json) == "-":
        print(result.to_json())
        return True
    from liftmap.files import write_text

    write_text(json, result.to_json() + "\n")
    return False
