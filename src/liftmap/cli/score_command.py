"""The command score: how likely a model finds responses, of a study or from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from liftmap.cli.compare_commands import Columns, Number
from liftmap.cli.flags import (
    File,
    Name,
    Options,
    OutFolder,
    ScoringFlags,
    Text,
    key_values,
    option_of,
    scoring_section,
    verify_section,
)
from liftmap.cli.printing import print_result, say, warn
from liftmap.errors import ConfigError
from liftmap.records import Split

Results = Annotated[str | None, option_of("RESULTS")]
Model = Annotated[str | None, option_of("MODEL")]
Urls = Annotated[tuple[str, ...], tyro.conf.arg(metavar="TEXT"), tyro.conf.UseAppendAction]


def score(
    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")],
    under: Model = None,
    own: Model = None,
    other: Results = None,
    before: Results = None,
    out: OutFolder = None,
    json: File = None,
    template: Name = None,
    task: Name = None,
    option: Options = (),
    split: Split = "test",
    plain_sampling: bool = False,
    own_url: Urls = (),
    bins: Annotated[str, tyro.conf.arg(metavar="BINS")] = "study",
    tail: float = 0.05,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    metric: Name = None,
    columns: Columns = None,
    right_at: Number = None,
    scoring: Annotated[ScoringFlags, tyro.conf.OmitArgPrefixes] = ScoringFlags(),
) -> None:
    """Say how likely a model finds responses: perplexity, entropy, KL.

    With --under SOURCE is whatever `liftmap compare` reads, with texts: a log, rollouts, a table, a
    response set (docs/scoring.md). Without, SOURCE is a study folder: all its test responses are
    scored under its base. The same command goes on after an interruption.

    MODEL is loaded here (a hub id, a folder, a .gguf file), or with --url or --launch a server says
    how likely it finds each token (OpenAI completions with echo and logprobs, or vLLM).

    For instance:
        liftmap score studies/demo
        liftmap score runs/grpo/val:200 --under Qwen/Qwen2.5-0.5B --out scores/grpo
        liftmap score rl.jsonl --under org/base --own org/rl --other base.jsonl --plain-sampling
        liftmap score rl.jsonl --under base --url http://localhost:8000/v1 --json scores.json

    Args:
        source: The responses; or a study folder.
        under: The model that they are scored under: most often the one before training.
        own: The model that gave the responses: they are scored under it too, for the KL divergence.
        other: Responses of MODEL itself to the same questions: for the other direction, and for
            whether the source's lie within their range.
        before: Results whose counts make the bins of difficulty; by default the source's own.
        out: The folder that keeps the scores of every response.
        json: Write the result as JSON; - prints it instead of the page.
        template: How the prompt becomes what the model reads: plain (as the source has it, the
            default), chat (the model's chat template), or a file; see docs/sampling.md.
        task: The task that was asked, where the source has no prompts.
        option: An option of the task, as path=questions.jsonl; may be given several times.
        split: Which of the task's questions.
        plain_sampling: The responses were drawn at temperature 1 without top_p, top_k and min_p,
            though the source does not say so.
        own_url: Where a server of the --own model answers, by default it is loaded here; may be
            given several times.
        bins: Bins of difficulty: study, a number of quantile bins, or counts such as 0,1-4,5-256.
        tail: The share of a model's own responses that may lie outside its range, at most.
        level: Coverage of all intervals.
        resamples: Bootstrap resamples of the questions.
        seed: Seed of the bootstrap.
        verifier: Whose verdicts count; the responses of a log are verified here.
        verifier_option: An option of the verifier; may be given several times.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        metric: Whose verdicts count, where a log has several: exact_match,flexible-extract.
        columns: Of tables: their names for question_id, correct, text, prompt and others.
        right_at: The value from which on a graded reward counts as right.
        scoring: How the model is loaded or reached.
    """
    if under is None:
        given = (own, other, before, out, json, template, task, verifier, metric, columns, right_at)
        if any(value is not None for value in given) or scoring != ScoringFlags():
            raise ConfigError(
                "These options need --under: a study is scored as its study.toml says.",
                seen=source,
                remedy="Name the model that the responses are scored under, or leave them out.",
            )
        _score_study(source)
        return
    from liftmap.read.column_names import parse_columns
    from liftmap.scoring.source_score import score as score_source

    sampling = scoring_section(scoring)
    own_sampling = None
    if own_url:
        served = sampling.server.model_copy(update={"urls": own_url, "launch": None})
        own_sampling = sampling.model_copy(update={"engine": "server", "server": served})
    section = verify_section(verifier, verifier_option)
    result = score_source(
        source,
        under,
        own=own,
        other=other,
        before=before,
        out=out,
        template=template,
        task=task,
        split=split,
        task_options=key_values(option),
        sampling=sampling,
        own_sampling=own_sampling,
        plain_sampling=plain_sampling,
        bins=bins,
        tail=tail,
        level=level,
        resamples=resamples,
        seed=seed,
        verifier=verifier,
        verifier_options=section.options if section else None,
        metric=metric,
        think_end=think_end,
        columns=None if columns is None else parse_columns(columns),
        right_at=right_at,
    )
    for warning in result.warnings:
        warn(warning)
    if str(json) == "-":
        print(result.to_json())
        return
    if json is not None:
        from liftmap.files import write_text

        write_text(json, result.to_json() + "\n")
    from liftmap.console import Terminal
    from liftmap.report.scoring_terminal import scoring_page

    Terminal().print(scoring_page(result))
    if out is not None:
        print_result(f"Scores: {out}")


def _score_study(source: str) -> None:
    """Scores a study's own responses.

    Raises:
        ConfigError: It is not a study folder.
    """
    from liftmap.store import StudyFolder
    from liftmap.study import open_study

    folder = StudyFolder(Path(source))
    if Path(source).exists() and not folder.config_file.exists():
        raise ConfigError(
            f"{source} is not a study folder, so it has no base to score under.",
            remedy="Name the model that its responses are scored under: --under MODEL.",
        )
    with open_study(folder) as run:
        scored = run.score()
    if scored:
        say(f"The scores are in {folder.scores_dir}.")
    else:
        say("Nothing to score: the study has the stage off, or its engine has no model.")
