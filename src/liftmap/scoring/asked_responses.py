"""The responses of a source, each with the prompt that it followed.

First step of the flow of `scoring`: reads through `comparison.load`, and gives the responses in the
order of the source, in shards of a fixed number of rows, so that a run that was stopped goes on
where it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from liftmap.comparison.load import JudgedBy, load
from liftmap.errors import ConfigError, InputError
from liftmap.files import path_of
from liftmap.read.look import files_of, readable
from liftmap.read.outcomes import Outcomes
from liftmap.read.study import responses_of
from liftmap.records import Prompt, Question, Split
from liftmap.sample.templates import (
    Template,
    fill_template,
    get_template,
    recorded_template,
)
from liftmap.store import ResponseSet, StudyFolder, response_set_at
from liftmap.tasks import preset
from liftmap.tasks.sets import load_questions

PromptsFrom = Literal["response set", "source", "task"]
# Gives the prompt of a response: takes its question_id and the prompt that the source has for it.
PromptOf = Callable[[str, str | None], Prompt | None]
_SHOWN = 3


@dataclass(frozen=True)
class TaskPrompts:
    """A task whose questions were asked, for a source that keeps no prompts.

    Attributes:
        task: The task or preset.
        split: Which of its questions.
        options: Its options.
    """

    task: str
    split: Split
    options: Mapping[str, Any]


@dataclass(frozen=True)
class AskedResponses:
    """The responses of a source, ready to be scored.

    Attributes:
        source: What the user named.
        outcomes: The counts, and what the source says of itself.
        frame: A row a response: the columns of `read.outcomes.TEXTS`, and of a response set also
            response_index and log_probability.
        prompt_of: Gives the prompt that a response followed.
        prompts_from: Where that prompt comes from.
        template: Name and version of the template that made it; "plain/1" leaves it as it is.
        sampling: How the responses were drawn, as far as the source says.
        extra: Further fields that were sent to the server that drew them.
        stop: Strings that ended responses.
        recorded: Whether the sums of the drawing model's own log-probabilities are there.
    """

    source: str
    outcomes: Outcomes
    frame: pl.LazyFrame
    prompt_of: PromptOf
    prompts_from: PromptsFrom
    template: str
    sampling: Mapping[str, Any]
    extra: Mapping[str, Any]
    stop: tuple[str, ...]
    recorded: bool

    @property
    def responses(self) -> int:
        """About how many there are: all that the source counts, with a text or without."""
        return int((self.outcomes.tally.n + self.outcomes.tally.unscored).sum())

    def shards(self, size: int) -> Iterator[pl.DataFrame]:
        """The responses in shards of `size` rows, the last one shorter; read anew each time.

        Yields:
            The columns of `frame`, response_index among them: a response's number among those to
            its question, in the order of the source, unless the source numbers them itself.
        """
        numbers: dict[str, int] = {}
        waiting: list[pl.DataFrame] = []
        rows = 0
        with readable(path_of(self.source)):
            for batch in self.frame.collect_batches(chunk_size=size, maintain_order=True):
                waiting.append(batch)
                rows += len(batch)
                while rows >= size:
                    joined = pl.concat(waiting)
                    yield _numbered(joined.head(size), numbers)
                    waiting = [joined.slice(size)]
                    rows -= size
        if rows:
            yield _numbered(pl.concat(waiting), numbers)


def _numbered(frame: pl.DataFrame, numbers: dict[str, int]) -> pl.DataFrame:
    """The rows with response_index; goes on from the numbers of the shards before."""
    if "response_index" in frame.columns:
        return frame
    ids = frame["question_id"].to_list()
    places = []
    for question_id in ids:
        places.append(numbers.get(question_id, 0))
        numbers[question_id] = places[-1] + 1
    return frame.with_columns(pl.Series("response_index", places, pl.Int32))


def digest_of_rows(frame: pl.DataFrame) -> str:
    """A digest of what scores depend on: the texts of responses and prompts, and how they ended."""
    digest = hashlib.sha256()
    columns = ("question_id", "response_index", "prompt", "text", "truncated")
    for row in frame.select(columns).iter_rows():
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def asked_responses(
    source: str,
    template: str | None,
    task: TaskPrompts | None,
    stop: tuple[str, ...],
    judged: JudgedBy,
) -> AskedResponses:
    """Reads a source, and finds the prompts that its responses followed.

    Args:
        source: Whatever `liftmap.read` reads with texts.
        template: How the source's prompt, or the task's question, becomes what the model read; None
            takes what the response set records, the source's prompt as it is, or what fits the
            task.
        task: Whose questions were asked, where the source has no prompts.
        stop: The strings that ended responses; a response set records its own.
        judged: Whose verdicts count.

    Raises:
        InputError: It has no texts or no prompts, or none of its questions is one of the task's.
        ConfigError: A template or a task is named for a response set, which records its own.
        LiftmapError: It can't be read.
    """
    outcomes = load(source, **judged)
    if outcomes.responses is None:
        raise InputError(
            f"{source} holds no texts of responses with their verdicts, so nothing can be scored.",
            seen=outcomes.format,
            remedy="Name a log with texts (docs/formats.md lists them), or a table with the "
            "columns question_id, correct, prompt and text.",
        )
    if len(outcomes.tally.n) < 2:
        raise InputError(
            f"{source} holds one question; an interval needs two or more.",
            remedy="Name responses to several questions.",
        )
    target = _response_set(source) if outcomes.format == "study" else None
    if target is not None:
        return _of_response_set(source, outcomes, target, template, task, judged["verifier"])
    prompt_of, origin, chosen = _prompts(source, outcomes, template, task)
    return AskedResponses(
        source,
        outcomes,
        outcomes.responses,
        prompt_of,
        origin,
        chosen.label,
        outcomes.settings,
        {},
        stop,
        recorded=False,
    )


def _response_set(source: str) -> ResponseSet | None:
    [path] = files_of(source)
    return response_set_at(path)


def _of_response_set(
    source: str,
    outcomes: Outcomes,
    target: ResponseSet,
    template: str | None,
    task: TaskPrompts | None,
    verifier: str | None,
) -> AskedResponses:
    """A response set says itself what was asked, and how."""
    named = {"--template": template, "--task": task and task.task}
    if given := {flag: value for flag, value in named.items() if value is not None}:
        raise ConfigError(
            f"{source} is a response set, which records its questions and its template.",
            seen=given,
            remedy=f"Leave {' and '.join(given)} out.",
        )
    settings = target.settings()
    chosen = get_template("plain")
    if "template" in settings:
        chosen = recorded_template(settings["template"])
    questions = {q.question_id: q for q in StudyFolder(target.root).read_questions(target.split)}
    return AskedResponses(
        source,
        outcomes,
        responses_of(target, verifier),
        lambda question_id, _: fill_template(chosen, questions[question_id]),
        "response set",
        chosen.label,
        settings.get("sampling", {}),
        settings.get("request", {}).get("extra") or {},
        tuple(settings.get("sampling", {}).get("stop", ())),
        # What a server sums up may hold the end or not.
        recorded=settings.get("engine") == "transformers",
    )


def _prompts(
    source: str, outcomes: Outcomes, template: str | None, task: TaskPrompts | None
) -> tuple[PromptOf, PromptsFrom, Template]:
    """Where the prompts of a log come from."""
    if task is None:
        assert outcomes.responses is not None
        first = outcomes.responses.select("prompt").filter(pl.col("prompt") != "").head(1).collect()
        if not len(first):
            raise InputError(
                f"{source} holds no prompts, so it is not known what its responses followed.",
                seen=outcomes.format,
                remedy="Name the task that was asked with --task (and --option), or the column "
                "that holds the prompts with --columns prompt=...",
            )
        chosen = get_template(template or "plain")

        def of_source(question_id: str, prompt: str | None) -> Prompt | None:
            return fill_template(chosen, Question(question_id, prompt, "")) if prompt else None

        return of_source, "source", chosen
    asked = load_questions(task.task, task.split, task.options, "the command line")
    questions = {question.question_id: question for question in asked}
    ids = outcomes.tally.question_ids.tolist()
    if not set(ids) & set(questions):
        raise InputError(
            f"None of the questions of {source} is one of the task {task.task}.",
            seen={"source": ids[:_SHOWN], "task": list(questions)[:_SHOWN]},
            remedy="Questions are found by their question_id: name the column that holds it with "
            "--columns question_id=..., or another task or split.",
        )
    ready = preset(task.task)
    chosen = get_template(template or (ready.template if ready else "plain"))

    def of_task(question_id: str, prompt: str | None) -> Prompt | None:
        question = questions.get(question_id)
        return fill_template(chosen, question) if question is not None else None

    return of_task, "task", chosen
