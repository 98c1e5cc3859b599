"""The command that compares two models on several benchmarks."""

from __future__ import annotations

from typing import Annotated

import tyro

from liftmap.cli.compare_commands import Column, Columns, Number, Rules, gate_status, named_columns
from liftmap.cli.flags import File, Name, Options, Text, Whole, verify_section
from liftmap.cli.printing import print_result, warn

Names = Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")]


def suite(
    before: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="BEFORE")],
    after: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="AFTER")],
    old: Names = (),
    k: Whole = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    cluster: Column = None,
    verifier: Name = None,
    verifier_option: Options = (),
    metric: Name = None,
    columns: Columns = None,
    right_at: Number = None,
    think_end: Text = None,
    min_responses: Whole = None,
    resamples: int = 1000,
    skip_unreadable: bool = False,
    require: Rules = (),
    markdown: File = None,
    model_card: File = None,
    json: File = None,
    report: File = None,
    table: File = None,
) -> int:
    """Compare two models on several benchmarks, a row each and pooled.

    BEFORE and AFTER are folders with a file or a folder a benchmark, matched by name without its
    date; folders of lm-evaluation-harness, inspect_ai or lighteval logs, matched by task; files
    whose rows name their task; or models of a study, as studies/demo:base.

    For instance:
        liftmap suite results/base results/trained --report suite.html
        liftmap suite results/base results/trained --old mmlu ifeval
        liftmap suite lm_eval/base lm_eval/trained --metric exact_match,flexible-extract
        liftmap suite base.csv trained.csv --columns task=subject
        liftmap suite studies/demo:base studies/demo:rlvr@1
        liftmap suite results/base results/trained --old mmlu --require "old: accuracy >= -2"
        liftmap suite results/base results/trained --require "pooled: accuracy >= 0"

    Exit status: 0; with --require 1 where a rule failed, 3 where none did but one can't be told; 2
    for a mistake.

    Args:
        before: Results of the model that one starts from.
        after: Results of the trained model.
        old: Benchmarks that the training was not for: their change is forgetting.
        k: Number of tries of capability; by default the most that each benchmark supports.
        margin: A change below it counts as none, as a share: 0.01 is one point.
        level: Coverage of all intervals.
        seed: Seed of the bootstrap.
        cluster: Column whose equal values make questions one sampling unit.
        verifier: Whose verdicts count; the responses of logs are verified here.
        verifier_option: An option of the verifier; may be given several times.
        metric: Whose verdicts count, where a log has several: exact_match,flexible-extract.
        columns: Of tables: their names for question_id, correct, task, n, c and others.
        right_at: The value from which on a graded reward counts as right.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        min_responses: Leave out questions asked fewer times; by default half of the median.
        resamples: Bootstrap resamples.
        skip_unreadable: Leave out what can't be read, and say so, instead of refusing.
        require: A rule as of compare, for every benchmark; or for one, as "gsm8k: accuracy >= -1",
            the old or new ones ("old: ..."), or the mean ("pooled: ..."); or a file of rules.
        markdown: Write a summary in Markdown, for a pull request or a job's summary.
        model_card: Write Markdown with the results as the model hub's model-index.
        json: Write the result as JSON; - prints it instead of the page.
        report: Write the page as one HTML file.
        table: Write the table of benchmarks as Parquet.
    """
    from liftmap.comparison.suite import suite as compare_suite

    section = verify_section(verifier, verifier_option)
    result = compare_suite(
        before,
        after,
        old=old,
        k=k,
        margin=margin,
        level=level,
        seed=seed,
        cluster=cluster,
        verifier=verifier,
        metric=metric,
        think_end=think_end,
        verifier_options=section.options if section else None,
        columns=named_columns(columns),
        right_at=right_at,
        min_responses=min_responses,
        resamples=resamples,
        skip_unreadable=skip_unreadable,
        require=require,
    )
    from liftmap.files import write_parquet, write_text

    for warning in result.warnings:
        warn(warning)
    if markdown is not None:
        from liftmap.report.suite_markdown import suite_markdown

        write_text(markdown, suite_markdown(result))
    if model_card is not None:
        from liftmap.report.model_card import suite_card

        write_text(model_card, suite_card(result))
    if table is not None:
        write_parquet(table, result.table, {"table": "suite"})
    if report is not None:
        from liftmap.report.suite import build_suite_page

        build_suite_page(result, report)
    if json is not None and str(json) != "-":
        write_text(json, result.to_json() + "\n")
    if str(json) == "-":
        print(result.to_json())
    else:
        from liftmap.console import Terminal
        from liftmap.report.suite_terminal import suite_page

        Terminal().print(suite_page(result))
        if report is not None:
            print_result(f"Report: {report}")
    return gate_status(each.answer.word for each in result.gate)
