"""Measuring while training: a callback that lets the model in training answer held-out questions.

A callback of Transformers' and TRL's trainers, for scripts of users and for the arms of a study. At
given steps it draws responses under the curtailed plan, verifies them, and logs accuracy,
capability and lost questions through the trainer's own log. Writes the steps to a folder
(`store.steps_folder`), which can be compared and tracked like any other responses.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback

from liftmap.console import console
from liftmap.errors import ConfigError, InputError, SettingsDifferError
from liftmap.read import read
from liftmap.records import CurtailedPlan, Question, Tally
from liftmap.sample.templates import get_template, render_prompt
from liftmap.sections import SampleSection, TrackSection, VerifySection, to_plain
from liftmap.store import StepsFolder, golds_digest, questions_digest
from liftmap.store.steps_folder import STEPS_SPLIT
from liftmap.train.live_engine import LiveEngine, undisturbed
from liftmap.train.step_figures import LOG, step_figures
from liftmap.train.track_checks import check_questions, check_verifier, refuse_parts
from liftmap.verify.answer import answer

# Steps that a message names.
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Price:
    """What the passes of a training may cost at most.

    Attributes:
        steps: The steps at which questions are answered.
        responses: The most responses of one pass.
        tokens: The most response tokens of all passes.
    """

    steps: tuple[int, ...]
    responses: int
    tokens: int


class TrackCallback(TrainerCallback):  # type: ignore[misc]
    """Answers held-out questions at steps of a training, and logs what became of the model.

    Logged are (each `x` but the last with `x/low` and `x/high`) `liftmap/pass@1`, `liftmap/pass@K`
    (K: the most responses to a question), `liftmap/lost` (questions lost beyond noise),
    `liftmap/questions`, `liftmap/tokens` and `liftmap/seconds` (of this pass), and
    `liftmap/tokens/expected` (of all passes, by the first).

    The training is the same with and without it. On several devices the main process answers and
    the others wait; a model that is cut into parts over them (FSDP, ZeRO-3) is refused.

    Example:
        trainer = GRPOTrainer(...)
        questions = liftmap.load_questions("kin", "dev")
        trainer.add_callback(
            liftmap.TrackCallback(
                trainer, questions, "runs/steps", track=liftmap.TrackSection(every=20)
            )
        )
        trainer.train()
    """

    def __init__(
        self,
        trainer: Any,
        questions: Sequence[Question],
        out: str | Path,
        *,
        track: TrackSection = TrackSection(),
        sampling: SampleSection = SampleSection(),
        verifying: VerifySection = VerifySection(),
        base: Tally | str | Path | None = None,
        level: float = 0.95,
    ) -> None:
        """Checks all that can be known before the training; nothing is drawn yet.

        Args:
            trainer: The trainer, as Transformers' or TRL's; the callback is then added to it.
            questions: Held-out questions, with gold answers; the first `track.questions` are asked.
            out: The folder of the steps. A training that is resumed goes on in it.
            track: When questions are answered, and under which curtailed plan.
            sampling: Template, temperature, max_tokens and the like; its engine, plan and numbers
                of responses are not used.
            verifying: How responses are judged.
            base: What the model before training answered, as a tally or whatever `liftmap compare`
                reads; by default the answers at step 0.
            level: Coverage of the logged intervals.

        Raises:
            InputError: Fewer than two questions, an id twice, a base without some of the questions,
                or a prompt that the model has no room for.
            ConfigError: The verifier can't judge the questions, steps lie beyond the training, or
                the model is cut into parts over several devices.
            ModelError: The model has no chat template although the prompt is a conversation.
            UnknownNameError: There is no such verifier or template.
        """
        self._trainer = trainer
        self._questions = list(questions)[: track.questions]
        self._steps = StepsFolder(Path(out))
        self._track = track
        self._plan = CurtailedPlan(track.stop_after, track.n, track.round_size)
        self._sampling = sampling.model_copy(
            update={
                "engine": "transformers",
                "plan": "curtailed",
                "n": track.n,
                "stop_after": track.stop_after,
                "round_size": track.round_size,
            }
        )
        self._verifying = verifying
        self._level = level
        # The steps that are asked for, once the training's length is known; the last one answered;
        # and the tokens that all passes are expected to take.
        self._due: frozenset[int] = frozenset()
        self._last: int | None = None
        self._expected: int | None = None
        refuse_parts(trainer)
        check_questions(self._questions)
        check_verifier(self._questions, verifying)
        prompts = {q.question_id: render_prompt(sampling.template, q) for q in self._questions}
        self._engine().check(prompts, sampling.settings())
        self._before = self._base_tally(base)
        if trainer.args.max_steps > 0:
            self.price(trainer.args.max_steps)

    def price(self, last: int) -> Price:
        """The most that the passes of a training of `last` optimiser steps may cost.

        Raises:
            ConfigError: Questions are to be answered at a step beyond it.
        """
        try:
            steps = self._track.steps_until(last)
        except ValueError as error:
            raise ConfigError(
                f"Questions can't be answered at these steps: {error}.",
                seen=list(self._track.steps),
                remedy="Name steps of the training; its start and its end are always among them.",
            ) from None
        responses = len(self._questions) * self._plan.cap
        return Price(tuple(steps), responses, len(steps) * responses * self._sampling.max_tokens)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Checks the folder, states the price, and lets the model answer before the first step."""
        price = self.price(state.max_steps)
        self._due = frozenset(price.steps)
        if state.is_world_process_zero:
            self._check_folder(state.global_step)
            self._say_price(price)
            if state.global_step > 0 and self._before is None:
                self._before = self._step_0()
        if state.global_step in self._due:
            self._pass(state, resumed=state.global_step > 0)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Lets the model answer after the steps that were asked for."""
        ends = state.global_step >= state.max_steps or control.should_training_stop
        if ends or state.global_step in self._due:
            self._pass(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Lets the model answer after its last step where another callback ended the training."""
        if self._last == state.global_step:
            return
        if not args.load_best_model_at_end:
            self._pass(state)
        elif state.is_world_process_zero:
            console.print(
                f"liftmap: step {state.global_step} was not answered: the training was ended early "
                "and its best checkpoint put back."
            )

    def _pass(self, state: Any, resumed: bool = False) -> None:
        """Lets the main process answer; the others wait."""
        self._last = state.global_step
        if state.is_world_process_zero:
            self._answer(state.global_step, resumed)
        self._trainer.accelerator.wait_for_everyone()

    def _answer(self, step: int, resumed: bool) -> None:
        """Answers, verifies and logs a step; what is answered already is not drawn again."""
        if resumed and self._steps.read_record(step) is not None:
            # It stands in the log of the checkpoint that the training goes on from.
            return
        started = time.monotonic()
        target = self._steps.responses(step)
        with undisturbed(self._trainer.model):
            engine = self._engine()
            self._forget_other_weights(step, engine)
            folder = self._steps.folder(step)
            record = self._steps.read_record(step)
            with folder.held():
                if not folder.has_questions(STEPS_SPLIT):
                    folder.write_questions(STEPS_SPLIT, self._questions)
                responses = answer(
                    target,
                    target.model,
                    self._questions,
                    self._plan,
                    self._sampling,
                    self._verifying,
                    lambda: engine,
                )
        if responses or record is None:
            tokens = int(target.read_responses(columns=["token_count"])["token_count"].sum())
            record = {"step": step, "tokens": tokens, "seconds": time.monotonic() - started}
            self._steps.write_record(step, record)
        self._log(step, target.tally(self._verifying.verifier, self._questions), record)

    def _log(self, step: int, tally: Tally, record: dict[str, Any]) -> None:
        if self._expected is None:
            self._expected = self._expect(self._steps.answered()[0], step)
        logs: dict[str, float] = {}
        figures = step_figures(tally, self._before, self._level)
        if figures is None:
            console.print(
                f"liftmap: step {step}: fewer than two questions could be judged, so nothing but "
                "the price is logged."
            )
        else:
            logs = figures.to_log()
        logs |= {
            f"{LOG}/tokens": record["tokens"],
            f"{LOG}/seconds": round(record["seconds"], 3),
            f"{LOG}/tokens/expected": self._expected,
        }
        if step == 0 and self._before is None:
            self._before = tally
        # TRL's trainers add what they have gathered since their last log, and begin anew: the log
        # of the training would be another one. Transformers' own passes on what it is given.
        due = self._trainer.control.should_log
        Trainer.log(self._trainer, logs)
        # A log counts as the one that was due at this step; the trainer's own is still to come.
        self._trainer.control.should_log = due

    def _expect(self, first: int, now: int) -> int:
        """The response tokens of all passes, by the first one; says what those after `now` take."""
        record = self._steps.read_record(first) or {}
        tokens, seconds = int(record["tokens"]), float(record["seconds"])
        left = sum(step > now for step in self._due)
        if left:
            console.print(
                f"liftmap: step {first} took {tokens:,} tokens and {seconds:.1f} s; expected for "
                f"the {left} passes to come: {tokens * left:,} tokens, {seconds * left:.0f} s."
            )
        return tokens * len(self._due)

    def _say_price(self, price: Price) -> None:
        named = [str(step) for step in price.steps]
        if len(named) > _SHOWN + 1:
            named = [*named[:_SHOWN], "...", named[-1]]
        console.print(
            f"liftmap: {len(self._questions):,} questions are answered at {len(price.steps)} steps "
            f"({', '.join(named)}), each at most {self._plan.cap} times: at most "
            f"{price.tokens:,} tokens in all; the first pass shows how many to expect."
        )

    def _check_folder(self, step: int) -> None:
        """Refuses the steps of another training; `step` is the one that this begins at."""
        template = get_template(self._sampling.template)
        self._steps.keep_settings(
            {
                "questions": questions_digest(self._questions),
                "golds": golds_digest(self._questions),
                "template": {"name": template.label, "text": template.text or template.messages},
                "plan": asdict(self._plan),
                "sampling": to_plain(self._sampling)
                | {"batch_size": None, "device": None, "server": None, "shard_responses": None},
                "verifier": to_plain(self._verifying),
            }
        )
        later = [each for each in self._steps.begun() if each > 0]
        if step == 0 and later:
            raise SettingsDifferError(
                f"{self._steps.path} holds the steps of another training, and this one begins at "
                "step 0.",
                seen=later,
                remedy="Name another folder, resume that training from a checkpoint, or delete the "
                "folder.",
            )

    def _forget_other_weights(self, step: int, engine: LiveEngine) -> None:
        """Removes what other weights answered at this step.

        Raises:
            SettingsDifferError: It is step 0, where a training that is resumed has the same.
        """
        target = self._steps.responses(step)
        if not target.has_settings():
            self._steps.forget(step)
            return
        if target.settings().get("weights") == engine.identity():
            return
        if step == 0:
            raise SettingsDifferError(
                f"{target.root} was answered by another model than the one that is to be trained.",
                remedy="Name another folder for the steps.",
            )
        console.print(
            f"liftmap: step {step} is answered again: since the training was resumed, its weights "
            "are others."
        )
        self._steps.forget(step)

    def _step_0(self) -> Tally | None:
        """The tally of the model before training; says so where there is none."""
        if self._steps.read_record(0) is None:
            console.print(
                "liftmap: lost questions are not logged: this folder holds no answers of step 0, "
                "and no base was given."
            )
            return None
        return self._steps.responses(0).tally(self._verifying.verifier, self._questions)

    def _base_tally(self, base: Tally | str | Path | None) -> Tally | None:
        if base is None:
            return None
        tally = base if isinstance(base, Tally) else read(base).tally
        answered = set(tally.question_ids.tolist())
        missing = [q.question_id for q in self._questions if q.question_id not in answered]
        if missing:
            raise InputError(
                f"The base has not answered {len(missing):,} of the {len(self._questions):,} "
                "questions.",
                seen=missing[:_SHOWN],
                remedy="Give the base's results on the same questions, or leave base out: the "
                "answers at step 0 are then compared with.",
            )
        return tally

    def _engine(self) -> LiveEngine:
        """The engine on the model as it is now."""
        processing = self._trainer.processing_class
        tokenizer = getattr(processing, "tokenizer", processing)
        model = self._trainer.model
        return LiveEngine("the model in training", model, tokenizer, self._sampling.batch_size)
