"""The parts of a run over its steps as records: pass@k and moves at a step, the choice, the turn.

Bottom of `track`: `track` and `track_band` make these, `track_record` holds them, `track_words`
says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date as Date
from typing import Literal

import polars as pl

from liftmap.comparison.parts import Answer, Provenance, QuestionsAre
from liftmap.comparison.result import Comparison
from liftmap.records import Estimate
from liftmap.stats.verdict import Withheld

Direction = Literal["up", "down"]
Ends = tuple[float, float]


def direction_of(band: Ends | None) -> Direction | None:
    """Whether a band lies above 0 or below it as a whole; None where it holds 0 or is unknown."""
    if band is None or band[0] <= 0 <= band[1]:
        return None
    return "up" if band[0] > 0 else "down"


@dataclass(frozen=True, slots=True)
class StepPass:
    """pass@k at one step, shares of 1.

    Attributes:
        k: Number of tries.
        value: pass@k.
        change: From the base, with the interval of this step and k alone; None of the base.
        band: Ends of the band that holds the changes at all steps and k at once; None of the base,
            and where no change can be called.
    """

    k: int
    value: Estimate
    change: Estimate | None = None
    band: Ends | None = None


@dataclass(frozen=True, slots=True)
class StepMoves:
    """Questions that went one way from the base to a step, beyond noise; all in questions.

    Attributes:
        k: Number of tries.
        excess: What goes beyond noise, with the interval of this step alone.
        band: Ends of the same band as pass@k's; None where no change can be called.
    """

    k: int
    excess: Estimate
    band: Ends | None = None


@dataclass(frozen=True, slots=True)
class TrackStep:
    """One step of a run.

    Attributes:
        number: The training step.
        side: What it was made from.
        passes: pass@k by rising k; the first is accuracy.
        lost: Questions lost beyond noise; None of the base, with one response a question, and where
            noise can't be computed.
        gained: The reverse, likewise.
        length: Mean length of a response; None where the source has no texts.
        entropy: Mean entropy of the answers to a question, nats; None where answers are unknown.
        truncated: Share of responses that the token limit cut; None where it is unknown.
        withheld: Why no change is called at this step; None where one may be.
        comparison: The base compared with this step, by itself; None of the base.
    """

    number: int
    side: Provenance
    passes: tuple[StepPass, ...]
    lost: StepMoves | None = None
    gained: StepMoves | None = None
    length: Estimate | None = None
    entropy: Estimate | None = None
    truncated: Estimate | None = None
    withheld: Withheld | None = None
    comparison: Comparison | None = None

    @property
    def accuracy(self) -> StepPass:
        """pass@1."""
        return self.passes[0]

    @property
    def capability(self) -> StepPass:
        """pass@k at the largest k."""
        return self.passes[-1]


@dataclass(frozen=True, slots=True)
class ChosenStep:
    """The step that keeps capability best, and what that is worth without the luck of choosing.

    Attributes:
        step: The step of the highest pass@k at the largest k; of equals the more accurate, then the
            earlier one.
        share: In which share of random halves of the questions the same step is chosen.
        accuracy: Change of accuracy from the base, cross-fitted: steps are chosen on one half of
            the questions, and their change is taken from the other half.
        capability: The same of pass@k.
        accuracy_seen: The change of accuracy of the chosen step on the questions that chose it.
        capability_seen: The same of pass@k: too high, since it was picked for being high.
    """

    step: int
    share: float
    accuracy: Estimate
    capability: Estimate
    accuracy_seen: Estimate
    capability_seen: Estimate


@dataclass(frozen=True, slots=True)
class Turning:
    """The first step from which to the last capability falls and accuracy is not shown to rise.

    Attributes:
        step: That step, the base included.
        accuracy: Change of accuracy from it to the last step; the ends are the band's.
        capability: Change of pass@k likewise; its band lies below 0.
    """

    step: int
    accuracy: Estimate
    capability: Estimate


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What was required, answered for one step."""

    step: int
    answer: Answer


@dataclass(frozen=True, slots=True, eq=False)
class TrackFigures:
    """A training run over its steps, against its base, on the questions that all of them answered.

    Attributes:
        base: The base: the step that all are compared with.
        steps: The others, by rising number.
        questions: Number of questions compared.
        ks: Numbers of tries of pass@k, rising.
        chosen: The step that keeps capability best; None with a single step, and where a change
            can't be called at some step.
        turning: From where on capability falls while accuracy does not rise; None where the band
            does not say so.
        gate: The answers to what was required; empty where nothing was.
        gate_at: For which steps it was required, as it was asked: last, chosen, all, or a step.
        gate_steps: For how many steps the answers hold together.
        length_unit: What lengths count.
        margin: A change of accuracy below it counts as none, a share.
        level: Coverage of intervals, and of the band over all steps, k, lost and gained questions.
        seed: Seed of everything random.
        questions_are: What the gate and the single comparisons are about; the band is always about
            questions like these.
        warnings: What the reader has to know of the input.
        date: The day that it was made (UTC).
        training_log: What the trainer logged, a row for each step but the base (columns of
            `track_log.LOG`); None where no log was named.
    """

    base: TrackStep
    steps: tuple[TrackStep, ...]
    questions: int
    ks: tuple[int, ...]
    chosen: ChosenStep | None
    turning: Turning | None
    gate: tuple[StepAnswer, ...]
    gate_at: str
    gate_steps: int
    length_unit: Literal["tokens", "characters"]
    margin: float
    level: float
    seed: int
    questions_are: QuestionsAre
    warnings: tuple[str, ...]
    date: Date
    training_log: pl.DataFrame | None = None

    @property
    def all_steps(self) -> tuple[TrackStep, ...]:
        """The base and the steps."""
        return (self.base, *self.steps)

    @property
    def k(self) -> int:
        """The largest number of tries: that of capability."""
        return self.ks[-1]

    @property
    def changed(self) -> bool:
        """Whether the band says of some step that anything differs from the base."""
        return any(
            direction_of(figure.band) is not None
            for step in self.steps
            for figure in (*step.passes, step.lost, step.gained)
            if figure is not None
        )
