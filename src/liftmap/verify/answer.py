"""One model answers one question set: sampled and verified together, shard by shard.

Joins the stages `sample` and `verify` for whoever needs both: a study, the choice of a checkpoint,
the commands. Each shard's verdicts follow its responses, so a run shows its accuracy as it goes,
and a curtailed plan knows when a question has enough right responses.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import polars as pl

from liftmap.errors import ConfigError
from liftmap.records import Plan, Question
from liftmap.sample import Engine
from liftmap.sample.sampling import sample
from liftmap.sample.scripted import text_with
from liftmap.sections import SampleSection, VerifySection, to_plain
from liftmap.store import ResponseSet
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.run import SHOWN, verdicts_frame, verifier_of, verify

# Questions on which a verifier is tried before the scripted engine answers all.
TRIED = 8


def check_scripted(
    sampling: SampleSection, questions: list[Question], verifying: VerifySection
) -> None:
    """Checks that the verifier takes the scripted engine's right responses as right.

    Else every success rate that the study was given would come out as 0.

    Args:
        sampling: How responses are drawn; with another engine nothing is checked.
        questions: The questions; a few are tried.
        verifying: The verifier.

    Raises:
        ConfigError: It takes none of them.
    """
    if sampling.engine != "scripted":
        return
    pairs = [(question, text_with(question.answer)) for question in questions[:TRIED]]
    verdicts = make_verifier(verifying.verifier, verifying.options).judge(pairs)
    if pairs and not any(verdict.label == "right" for verdict in verdicts):
        raise ConfigError(
            f"The verifier {verifying.verifier} takes none of the scripted engine's right "
            f"responses as right: {verdicts[0].label}"
            f"{', ' if verdicts[0].reason else ''}{verdicts[0].reason}.",
            seen=pairs[0][1],
            remedy="Take one that reads `so ANSWER` at the end of a response, as exact with the "
            r"option pattern=so (.+?)\s*$, or another engine.",
        )


def answer(
    target: ResponseSet,
    model: str,
    questions: list[Question],
    plan: Plan,
    sampling: SampleSection,
    verifying: VerifySection,
    engine: Callable[[], Engine] | None = None,
) -> int:
    """Draws and verifies all responses of a model that are not on disk yet.

    Args:
        target: Where they go.
        model: What the engine loads.
        questions: The questions, in a fixed order.
        plan: How many responses to each.
        sampling: How they are drawn.
        verifying: How they are judged.
        engine: Gives an engine that is loaded already; None makes one when it is needed.

    Returns:
        How many responses were drawn now.

    Raises:
        LiftmapError: As `sample.sampling.sample` and `verify.run.verify`.
    """
    by_id = {q.question_id: q for q in questions}
    verifiers: list[Verifier] = []
    if target.verifier_settings(verifying.verifier) is not None:
        # Before long work: are they the same as before?
        verifiers.append(verifier_of(target, verifying, questions))

    def judge(responses: pl.DataFrame) -> pl.DataFrame:
        if not verifiers:
            # How the model's thoughts are told from its answers is known once it has answered.
            shown = responses.select(SHOWN).iter_rows()
            verifiers.append(verifier_of(target, verifying, questions, shown))
        return verdicts_frame(responses, by_id, verifiers[0])

    drawn = 0
    settings = to_plain(verifying)
    shards = sample(target, model, questions, plan, sampling, engine, judge, settings)
    with closing(shards):
        for shard, verdicts, responses in shards:
            assert verdicts is not None
            target.write_verdicts(verifying.verifier, shard, verdicts)
            drawn += responses
    # Shards that an earlier run drew and did not come to verify.
    verify(target, questions, verifying)
    return drawn
