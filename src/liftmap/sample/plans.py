"""The curtailed sampling plan: rounds of responses until a question has enough right ones.

Used by the sampling stage, for one shard of questions at a time. Rounds count scored responses:
what can't be scored is drawn again, so that a question ends where the estimators of
`stats.curtailed` expect it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from liftmap.records import CurtailedPlan, Prompt, Response, SamplingSettings
from liftmap.sample import Engine
from liftmap.store import responses_frame


@dataclass
class _Progress:
    """How far a question is.

    Attributes:
        missing: Scored responses still missing in this round.
        responses: How many are drawn; the next one has this index.
        n: Scored responses.
        c: Right responses.
    """

    missing: int
    responses: int = 0
    n: int = 0
    c: int = 0


def curtailed(
    engine: Engine,
    prompts: Mapping[str, Prompt],
    plan: CurtailedPlan,
    settings: SamplingSettings,
    judge: Callable[[pl.DataFrame], pl.DataFrame],
    template: str,
    watch: Callable[[Iterator[Response]], Iterator[Response]] = iter,
) -> list[pl.DataFrame]:
    """Draws the responses of some questions under a curtailed plan.

    Args:
        engine: Draws.
        prompts: The prompts by question_id.
        plan: When a question stops.
        settings: How responses are drawn.
        judge: A table of responses in, a row with `verdict` for each out.
        template: Label of the prompt template, kept with each response.
        watch: Passes on what is drawn, for a progress bar.

    Returns:
        Tables of responses (`store.RESPONSE_SCHEMA`), in the order drawn. A question most of whose
        responses can't be scored is given up: fewer are scored than not, so the statistics leave
        it out.
    """
    going = {q: _Progress(min(plan.round_size, plan.cap)) for q in prompts}
    frames = []
    while going:
        alike: dict[tuple[int, int], list[str]] = defaultdict(list)
        for question_id, state in going.items():
            alike[state.responses, state.missing].append(question_id)
        for (first, count), ids in alike.items():
            responses = engine.generate({q: prompts[q] for q in ids}, count, settings, first)
            frame = responses_frame(watch(responses), template)
            frames.append(frame)
            verdicts = (
                judge(frame)
                .group_by("question_id")
                .agg(
                    scored=(pl.col("verdict").cast(pl.String) != "unscored").sum(),
                    right=(pl.col("verdict").cast(pl.String) == "right").sum(),
                )
            )
            for question_id, scored, right in verdicts.iter_rows():
                state = going[question_id]
                state.responses += count
                state.n += scored
                state.c += right
                state.missing -= scored
        for question_id, state in list(going.items()):
            if state.missing == 0:
                if state.c >= plan.stop_after or state.n == plan.cap:
                    del going[question_id]
                state.missing = min(plan.round_size, plan.cap - state.n)
            elif state.responses - state.n > max(state.n, 2 * plan.round_size):
                del going[question_id]
    return frames
