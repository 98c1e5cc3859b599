"""The command `track`: a training run over its steps, finished or still going on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from liftmap.cli.compare_commands import (
    UNTOLD,
    Column,
    Columns,
    Number,
    Rules,
    gate_status,
    named_columns,
)
from liftmap.cli.flags import File, Name, Options, OutFolder, Text, Whole, option_of, verify_section
from liftmap.cli.printing import print_result, say, warn
from liftmap.errors import ConfigError

if TYPE_CHECKING:
    from liftmap.comparison.track_record import Track

Sources = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="BASE STEP")]
Part = Annotated[str | None, option_of("PATH")]
At = Annotated[str, tyro.conf.arg(metavar="last|chosen|all|STEP")]


def track(
    sources: Sources,
    k: Whole = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    cluster: Column = None,
    resamples: int = 1000,
    questions: Literal["like-these", "fixed"] = "like-these",
    min_responses: Whole = None,
    verifier: Name = None,
    verifier_option: Options = (),
    metric: Name = None,
    columns: Columns = None,
    right_at: Number = None,
    think_end: Text = None,
    within: Part = None,
    require: Rules = (),
    at: At = "last",
    log: File = None,
    follow: bool = False,
    interval: float = 10.0,
    until: Whole = None,
    markdown: File = None,
    json: File = None,
    report: File = None,
    parquet: OutFolder = None,
) -> int:
    """Follow a model over its training, with the sampling noise taken out.

    Takes the base and each step, as `compare` takes them, or one folder with a file or a folder for
    each step, whose first step is the base: verl's validation dumps (0.jsonl, 100.jsonl), rollouts
    of prime-rl (with --within eval/all), TRL's completions, or tables whose names hold a step. One
    band covers all steps and numbers of tries, so that no story is told from noise. docs/track.md.

    For instance:
        liftmap track runs/grpo/val --report track.html
        liftmap track base.csv step_100.csv step_200.csv --json track.json
        liftmap track runs/prime/rollouts --within eval/all --parquet tables
        liftmap track runs/grpo/val --require "pass@16 >= -2" --at chosen
        liftmap track --follow runs/grpo/val --report track.html

    Exit status: 0; with --require 1 where a rule failed, 3 where none did but one can't be told; 2
    for a mistake; 130 for Ctrl-C, which is how --follow ends.

    Args:
        sources: The base and the steps, or a folder of steps.
        k: Number of tries of capability; by default the most that every question supports.
        margin: A change below it counts as none, as a share: 0.01 is one point.
        level: Coverage of all intervals, and of the band over all steps.
        seed: Seed of everything random.
        cluster: Column whose equal values make questions one sampling unit.
        resamples: Resamples of intervals and of the band.
        questions: What the gate and each comparison are about; the band is about questions like
            these.
        min_responses: Leave out questions asked fewer times; by default half of the median.
        verifier: Whose verdicts count; the responses of a log are verified here.
        verifier_option: An option of the verifier; may be given several times.
        metric: Whose verdicts count, where a log has several.
        columns: Of tables: their names for question_id, correct, text, prompt, n, c and others.
        right_at: The value from which on a graded reward counts as right.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        within: Of each step's folder this part alone, as eval/all.
        require: A rule such as "accuracy >= -1" or "lost <= 2", or a file with one a line; may be
            given several times. See docs/gate.md.
        at: The step that it is required of: last, chosen, all, or a number.
        log: The log of the training (trainer_state.json, or a trainer's folder), shown beside the
            run.
        follow: Wait for new steps in the folder, and write everything anew after each.
        interval: With --follow: seconds between two looks.
        until: With --follow: end after this step.
        markdown: Write a summary in Markdown.
        json: Write the result as JSON; - prints it instead of the page.
        report: Write the page as one HTML file.
        parquet: Write the tables of the result as Parquet files into this folder.
    """
    from liftmap.comparison.gate import parse_rules
    from liftmap.comparison.options import Options as Comparing
    from liftmap.comparison.track_words import step_line

    if not sources:
        raise ConfigError(
            "Nothing to track.", remedy="Name the base and the steps, or a folder of steps."
        )
    if not follow and until is not None:
        raise ConfigError("--until is for --follow.", seen=until, remedy="Leave it out.")
    section = verify_section(verifier, verifier_option)
    judged: Any = {
        "verifier": verifier,
        "metric": metric,
        "think_end": think_end,
        "verifier_options": section.options if section else None,
        "columns": named_columns(columns),
        "right_at": right_at,
    }
    comparing: dict[str, Any] = {
        "k": k,
        "margin": margin,
        "level": level,
        "seed": seed,
        "resamples": resamples,
        "questions": questions,
        "min_responses": min_responses,
    }
    files = {"markdown": markdown, "json": json, "report": report, "parquet": parquet}
    if not follow:
        from liftmap.comparison.track import track as track_run

        run = track_run(
            *sources,
            **comparing,
            **judged,
            cluster=cluster,
            within=within,
            require=require,
            at=at,
            log=log,
        )
        for text in run.warnings:
            warn(text)
        _write(run, files)
        _print(run, json, report)
        return gate_status(each.answer.word for each in run.gate)
    from liftmap import stopping
    from liftmap.comparison.follow import FollowOptions
    from liftmap.comparison.follow import follow as follow_run

    if log is not None:
        raise ConfigError(
            "--log is for a run that is over.", seen=str(log), remedy="Leave --follow or it out."
        )
    if len(sources) != 1 or str(json) == "-":
        raise ConfigError(
            "--follow takes one folder, and writes JSON to a file.",
            seen=list(sources),
            remedy="Name the folder that the steps are written to.",
        )
    if at not in ("last", "chosen", "all") and not at.isdecimal():
        raise ConfigError("There is no such step.", seen=at, remedy="Take last, chosen or all.")
    options = FollowOptions(sources[0], judged, cluster, within, interval, until)
    rules = parse_rules(require)
    last: Track | None = None
    runs = follow_run(
        options,
        Comparing(**comparing, law_resamples=0, require=rules),
        tell=say,
        at=at,
    )
    # Ctrl-C is how this ends: whatever is being written is then whole or not there.
    with stopping.in_order():
        for last in runs:
            print_result(step_line(last))
            _write(last, files)
    if last is not None:
        _print(last, json, report)
    if rules and (last is None or not last.gate):
        warn(f"Nothing is known of the step that was required to keep the rules: {at}.")
        return UNTOLD
    return gate_status(each.answer.word for each in last.gate) if last is not None else 0


def _write(run: Track, files: dict[str, Path | None]) -> None:
    """Writes what is asked for, each file whole or not at all."""
    from liftmap.files import write_parquet, write_text

    markdown, json, report, parquet = (
        files[name] for name in ("markdown", "json", "report", "parquet")
    )
    if json is not None and str(json) != "-":
        write_text(json, run.to_json() + "\n")
    if report is not None:
        from liftmap.report.track_page import build_track_page

        build_track_page(run, report)
    if markdown is not None:
        from liftmap.report.track_markdown import track_markdown

        write_text(markdown, track_markdown(run))
    if parquet is not None:
        for name, table in run.tables.items():
            write_parquet(parquet / f"{name}.parquet", table)


def _print(run: Track, json: Path | None, report: Path | None) -> None:
    if str(json) == "-":
        print(run.to_json())
        return
    from liftmap.console import Terminal
    from liftmap.report.track_terminal import track_page

    Terminal().print(track_page(run))
    if report is not None:
        print_result(f"Report: {report}")
