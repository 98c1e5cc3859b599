"""The server engine: draws responses from OpenAI-compatible servers (vLLM, SGLang, llama.cpp ...).

An engine of the `sample` stage; the servers are given by URL, or one is launched by a command. Many
requests are in flight at once, in an event loop in a thread of its own, so that they go on while
the caller writes what came. Whatever a server does, each response is given once: a failed request
is sent again, a reply with too few choices is completed, one with too many is cut.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from liftmap.errors import LiftmapError, ModelError
from liftmap.records import Prompt, Response, SamplingSettings
from liftmap.sample.server.calls import Fault, Refusal, is_chat, request_seed
from liftmap.sample.server.connection import Connection
from liftmap.sample.server.replies import Choice
from liftmap.sample.server.send import Sender
from liftmap.sample.server.server_pool import Server
from liftmap.sample.templates import PROMPT_END
from liftmap.sections import ServerSection

# Choices that one request asks for where the server gives several.
REQUEST_CHOICES = 16
# How it is found out whether it does: prompts tried, and tokens of each response.
TRIAL_PROMPTS = 4
TRIAL_TOKENS = 64
# So many questions refused, and none answered, means that the server refuses every request.
MOST_REFUSED_QUESTIONS = 16


@dataclass(frozen=True)
class _Job:
    """Responses `start` to `stop` - 1 of a question."""

    question_id: str
    start: int
    stop: int


@dataclass
class _Call:
    """One call of `generate`.

    Attributes:
        prompts: By question_id.
        settings: How responses are drawn.
        jobs: All that there is to do, made when it is asked for.
        rest: What is left of jobs whose reply held too few choices.
        replies: What came: lists of responses, then None, or an error.
        refused: Why the server refuses a question.
        held: Failed responses that wait until it is known that not every question is refused.
    """

    prompts: Mapping[str, Prompt]
    settings: SamplingSettings
    jobs: Iterator[_Job]
    replies: asyncio.Queue[list[Response] | BaseException | None]
    rest: deque[_Job] = field(default_factory=deque)
    refused: dict[str, str] = field(default_factory=dict)
    held: list[Response] = field(default_factory=list)


class ServerEngine:
    """Draws responses from one model on one or several servers.

    Attributes:
        model: The model's name on the servers.
        section: How they are reached.
    """

    def __init__(self, model: str, section: ServerSection) -> None:
        """Launches the server if there is a command for it.

        Args:
            model: The model's name on the servers; what {model} stands for in the command.
            section: Where the servers are and how they are asked.

        Raises:
            ConfigError: The section names no server, or one in two ways.
            ModelError: The server can't be launched, or does not serve the model.
            MissingDependencyError: The openai library is not installed.
        """
        self.model = model
        self.section = section
        self._connection = Connection(model, section)
        self._sender = Sender(model, section, self._connection.access)
        self._per_request = section.per_request

    def close(self) -> None:
        """Closes the connections and ends the launched server; the engine can't be used again."""
        self._connection.close()

    def generate(
        self, prompts: Mapping[str, Prompt], count: int, settings: SamplingSettings, first: int = 0
    ) -> Iterator[Response]:
        """Yields `count` responses for each prompt as they arrive, in any order.

        A response that no server gives although it answers others (the prompt is too long, say)
        has the finish reason "failed" and the reason in `error`.

        Args:
            prompts: By question_id.
            count: Responses to each.
            settings: How they are drawn. The seed of a request depends on it, the question_id and
                the response_index; what the server makes of it is the server's.
            first: The first response_index.

        Raises:
            ConfigError: A conversation would go to the completions endpoint.
            ModelError: No server answers, none takes the key, or none knows the model.
        """
        for prompt in prompts.values():
            is_chat(prompt, self.section)
        # Bounded: when the caller does not keep up, no further requests are sent.
        replies: asyncio.Queue[list[Response] | BaseException | None]
        replies = asyncio.Queue(2 * self._connection.pool.capacity)
        call = _Call(prompts, settings, self._jobs(prompts, count, first), replies)
        running = self._connection.start(self._draw(call, count))
        try:
            while True:
                reply = self._connection.start(call.replies.get()).result()
                if reply is None:
                    return
                if isinstance(reply, BaseException):
                    raise reply
                yield from reply
        finally:
            running.cancel()

    def identity(self) -> dict[str, Any]:
        """See `sample.identity_of`; errors as `Access.identity`."""
        return self._connection.identity()

    def prompt_facts(self, prompt: Prompt) -> dict[str, object] | None:
        """How a prompt ends that goes to the model as it is; the server alone knows of others."""
        if not isinstance(prompt, str) or is_chat(prompt, self.section):
            return None
        return {"end": prompt[-PROMPT_END:], "marks": {}}

    def _jobs(self, prompts: Mapping[str, Prompt], count: int, first: int) -> Iterator[_Job]:
        for question_id in prompts:
            start = first
            while start < first + count:
                stop = min(start + (self._per_request or 1), first + count)
                yield _Job(question_id, start, stop)
                start = stop

    async def _draw(self, call: _Call, count: int) -> None:
        """Does all jobs of a call and puts what comes, an error included, into its queue."""
        try:
            if not self._per_request and count > 1:
                self._per_request = await self._find_per_request(call)
            async with asyncio.TaskGroup() as group:
                for _ in range(self._connection.pool.capacity):
                    group.create_task(self._work(call))
            if call.held and not self._connection.replies:
                raise self._refuses_all(call)
            await call.replies.put(call.held)
            await call.replies.put(None)
        except BaseExceptionGroup as group_error:
            ours = group_error.subgroup(LiftmapError) or group_error
            await call.replies.put(_first(ours))
        except Exception as error:
            await call.replies.put(error)

    async def _work(self, call: _Call) -> None:
        """Does one job after the other."""
        while True:
            job = call.rest.popleft() if call.rest else next(call.jobs, None)
            if job is None:
                return
            # Choices that the server was found to give since the job was made.
            stop = min(job.stop, job.start + (self._per_request or 1))
            if stop < job.stop:
                call.rest.append(_Job(job.question_id, stop, job.stop))
                job = _Job(job.question_id, job.start, stop)
            await self._do(call, job)

    async def _do(self, call: _Call, job: _Job) -> None:
        if job.question_id not in call.refused:
            try:
                choices = await self._ask(call, job)
            except Refusal as refusal:
                call.refused[job.question_id] = str(refusal)
            except Fault as fault:
                await call.replies.put(_failed(job, fault.what))
                return
        if job.question_id in call.refused:
            failed = _failed(job, call.refused[job.question_id])
            if self._connection.replies:
                await call.replies.put(failed)
                return
            call.held += failed
            if len(call.refused) >= MOST_REFUSED_QUESTIONS:
                raise self._refuses_all(call)
            return
        given = job.start + len(choices)
        if given < job.stop:
            self._per_request = max(1, min(self._per_request, len(choices)))
            call.rest.append(_Job(job.question_id, given, job.stop))
        await call.replies.put(
            [
                Response(
                    question_id=job.question_id,
                    response_index=index,
                    text=choice.text,
                    token_ids=(),
                    finish_reason=choice.finish_reason,
                    log_probability=choice.log_probability,
                    token_count=choice.token_count,
                    reasoning=choice.reasoning,
                    error=choice.error,
                )
                for index, choice in enumerate(choices, start=job.start)
            ]
        )

    def _refuses_all(self, call: _Call) -> ModelError:
        return ModelError(
            f"The server refuses every question; it says: {next(iter(call.refused.values()))}",
            seen=self._connection.pool.servers[0].url,
            remedy="Correct the setting that it names (sample.max_tokens and the prompt's length "
            "must fit into the model's context; sample.server.extra goes along as it is).",
        )

    async def _find_per_request(self, call: _Call) -> int:
        """How many choices to ask for: 1 unless two choices of one reply are seen to differ.

        Some servers ignore `n`. Worse, some draw all choices of a request with the request's seed,
        so that they are copies; one request a response is then the only way to independent ones.
        """
        short = replace(call.settings, max_tokens=min(call.settings.max_tokens, TRIAL_TOKENS))
        trial = _Call(call.prompts, short, iter(()), call.replies)
        for question_id in islice(call.prompts, TRIAL_PROMPTS):
            try:
                choices = await self._ask(trial, _Job(question_id, 0, 2))
            except (Refusal, Fault):
                continue
            if len(choices) < 2:
                return 1
            first, second = choices
            if (first.text, first.reasoning) != (second.text, second.reasoning):
                return REQUEST_CHOICES
        return 1

    async def _ask(self, call: _Call, job: _Job) -> list[Choice]:
        """The choices of a job, at least one; sends the request again when it fails.

        Raises:
            Refusal: The server refuses the question.
            Fault: This request fails again and again while others do not.
            ModelError: No server gives anything.
        """
        prompt, settings = call.prompts[job.question_id], call.settings
        seed = request_seed(settings.seed, job.question_id, job.start)

        async def ask(server: Server) -> list[Choice]:
            return await self._sender.ask(server, prompt, settings, seed, job.stop - job.start)

        return await self._connection.persist(
            ask,
            self._sender.still_answers,
            random.Random(f"{settings.seed}/{job.question_id}/{job.start}"),
        )


def _failed(job: _Job, why: str) -> list[Response]:
    return [
        Response(
            question_id=job.question_id,
            response_index=index,
            text="",
            token_ids=(),
            finish_reason="failed",
            log_probability=math.nan,
            token_count=-1,
            error=why,
        )
        for index in range(job.start, job.stop)
    ]


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
