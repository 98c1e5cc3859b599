"""How likely a source's responses are under a model: the function behind `liftmap score SOURCE`.

Puts the steps of `scoring` in order: reads the source (and the other model's responses), scores all
of it under one model after the other, and sums it up by question.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from liftmap.comparison.load import JudgedBy, load
from liftmap.errors import ConfigError, InputError
from liftmap.files import remove_unfinished
from liftmap.records import Split
from liftmap.sample.scorers import check_scorer, make_scorer
from liftmap.sample.token_scores import TokenScorer
from liftmap.scoring.asked_responses import TaskPrompts, asked_responses
from liftmap.scoring.by_question import bins_for
from liftmap.scoring.passes import ScoredSide, score_responses
from liftmap.scoring.scored_record import ScoredModel, SourceScoring
from liftmap.scoring.summary import SummaryOptions, summary
from liftmap.sections import SampleSection
from liftmap.store import SourceScores, SourceSide, StudyFolder
from liftmap.store.locks import locked


def score(
    source: str | Path,
    under: str,
    *,
    own: str | None = None,
    other: str | Path | None = None,
    before: str | Path | None = None,
    out: str | Path | None = None,
    template: str | None = None,
    task: str | None = None,
    split: Split = "test",
    task_options: Mapping[str, Any] | None = None,
    sampling: SampleSection | None = None,
    own_sampling: SampleSection | None = None,
    plain_sampling: bool = False,
    bins: str = "study",
    tail: float = 0.05,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    verifier: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    metric: str | None = None,
    think_end: str | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
) -> SourceScoring:
    """How likely the responses of a source are under a model.

    Args:
        source: Whatever `liftmap.read` reads with texts: a log, rollouts, a table, a response set.
        under: The model: a hub id, a folder, a `.gguf` file, or a served model.
        own: The model that gave the responses; scored under it too, they tell of the KL divergence.
        other: Responses of `under` itself: for the other direction, and for its range.
        before: Results whose counts put questions into bins of difficulty; by default the source's.
        out: The folder that keeps the scores of every response; the same call goes on there.
        template: How the source's prompt (or the task's question) becomes what the model reads; by
            default the prompt as it is, what the response set records, or what fits the task.
        task: The task that was asked, where the source has no prompts.
        split: Which of its questions.
        task_options: Its options.
        sampling: How `under` is loaded or reached: engine, device, dtype, batch size, server, the
            strings that end responses, and responses of a shard.
        own_sampling: The same for `own`; by default it is loaded in this process.
        plain_sampling: Says that responses were drawn at temperature 1 without top_p, top_k and
            min_p where the source does not say how.
        bins: Bins of difficulty, as `liftmap.compare` takes them.
        tail: Share of a model's own responses that may lie outside its range, at most.
        level: Coverage of the intervals.
        resamples: Bootstrap resamples of the questions.
        seed: Seed of the bootstrap.
        verifier: As `liftmap.compare`.
        verifier_options: As `liftmap.compare`.
        metric: As `liftmap.compare`.
        think_end: As `liftmap.compare`.
        columns: As `liftmap.compare`.
        right_at: As `liftmap.compare`.

    Returns:
        The figures, each with its interval, and what has to be said of them.

    Raises:
        LiftmapError: The source has no texts or no prompts, a model can't be had, a server gives no
            log-probabilities of a prompt, or the folder holds other scores. What can be known is
            known before long work, and finished shards are kept.
    """
    if not 0 < tail < 1:
        raise InputError("tail is a share between 0 and 1.", seen=tail, remedy="Try 0.05.")
    section = sampling or SampleSection()
    own_section = own_sampling or section.model_copy(update={"engine": "transformers"})
    check_scorer(under, section)
    if own is not None:
        check_scorer(own, own_section)
    judged: JudgedBy = {
        "verifier": verifier,
        "metric": metric,
        "think_end": think_end,
        "verifier_options": verifier_options,
        "columns": columns,
        "right_at": right_at,
    }
    asked_task = None if task is None else TaskPrompts(task, split, task_options or {})
    sides = [
        ScoredSide(name, asked_responses(str(place), template, asked_task, section.stop, judged))
        for name, place in _named_sides(source, other)
    ]
    difficulty = None if before is None else load(before, **judged).tally
    counted = difficulty or sides[0].asked.outcomes.tally
    options = SummaryOptions(
        counted,
        bins_for(bins, counted),
        bins_of=None if before is None else str(before),
        plain_sampling=plain_sampling,
        tail=tail,
        level=level,
        resamples=resamples,
        seed=seed,
        folder=None if out is None else str(out),
    )
    models = {"under": (under, section)} | ({} if own is None else {"own": (own, own_section)})
    with ExitStack() as held:
        folder = Path(out) if out else Path(held.enter_context(tempfile.TemporaryDirectory()))
        _refuse_study(folder)
        held.enter_context(locked(folder))
        remove_unfinished(folder)
        for role, (name, chosen) in models.items():
            _score_sides(sides, role, name, chosen, folder, asked_task)
        scored_models = {
            role: ScoredModel(
                name, chosen.engine, sides[0].passes[role].weights, chosen.engine != "server"
            )
            for role, (name, chosen) in models.items()
        }
        return summary(sides, scored_models, options)


def _refuse_study(folder: Path) -> None:
    """Raises where the folder holds responses of a study, whose scores lie elsewhere in it."""
    if StudyFolder(folder).responses_dir.exists():
        raise ConfigError(
            f"{folder} holds a study or sampled responses.",
            remedy="Name a folder for these scores alone with --out.",
        )


def _named_sides(
    source: str | Path, other: str | Path | None
) -> list[tuple[SourceSide, str | Path]]:
    return [("source", source), *([("other", other)] if other is not None else [])]  # type: ignore[list-item]


def _score_sides(
    sides: list[ScoredSide],
    role: str,
    model: str,
    section: SampleSection,
    folder: Path,
    task: TaskPrompts | None,
) -> None:
    """Scores all responses under one model, which is loaded once, or not at all."""
    loaded: list[TokenScorer] = []
    try:
        for side in sides:
            stop = side.asked.stop

            def scorer(stop: tuple[str, ...] = stop) -> TokenScorer:
                # Strings that end responses are part of the model's ends.
                if loaded and stop != sides[0].asked.stop:
                    loaded.pop().close()
                if not loaded:
                    loaded.append(make_scorer(model, section.model_copy(update={"stop": stop})))
                return loaded[0]

            scores = SourceScores(folder, side.side, model)
            settings = {
                "source": side.asked.source,
                "model": model,
                "engine": section.engine,
                "dtype": section.dtype,
                "template": side.asked.template,
                "prompts_from": side.asked.prompts_from,
                "task": None if task is None else asdict(task),
                "stop": list(stop),
            }
            side.passes[role] = score_responses(
                side.asked, scores, settings, section.shard_responses, scorer
            )
    finally:
        for each in loaded:
            each.close()
