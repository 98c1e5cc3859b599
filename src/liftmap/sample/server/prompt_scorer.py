"""Log-likelihood of texts under a served model: what a server says of the tokens of a prompt.

Beside the `server` engine, over the same `connection`. Two ways are known, and the first that works
is taken: `echo` with `logprobs` of the completions endpoint (OpenAI's own, vLLM, SGLang), and the
`prompt_logprobs` of vLLM. A server tells of the text alone: not of the end of a response, and not
of entropy.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from liftmap.errors import ConfigError, ModelError
from liftmap.records import Prompt
from liftmap.sample.server.calls import Fault, Refusal
from liftmap.sample.server.connection import Connection
from liftmap.sample.server.send import FieldsRefused, Sender
from liftmap.sample.server.server_pool import Server
from liftmap.sample.token_scores import Item, TokenScores, segmentation_of
from liftmap.sections import ServerSection

# Texts that are asked to find out which way a server knows: one may be too long for it.
TRIAL_TEXTS = 3
# Rounding may lift the logarithm of a probability of 1 by so much.
ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """The tokens of a text that was sent as a prompt.

    Attributes:
        texts: Each token's text.
        log_probabilities: Natural log of each token's probability given those before it; None where
            the server gives none, as for the first.
    """

    texts: list[str]
    log_probabilities: list[float | None]

    def starts(self, text: str) -> list[int] | None:
        """Where in the text each token begins, in characters; None where they don't make it up.

        A first token that stands for the beginning of all texts is none of its characters; tokens
        that are parts of one character can't be placed.
        """
        for special in (0, 1):
            if "".join(self.texts[special:]) == text:
                sizes = [0] * special + [len(token) for token in self.texts[special:]]
                return list(itertools.accumulate(sizes, initial=0))[:-1]
        return None


def read_echo(reply: str, text: str) -> PromptTokens:
    """The tokens of the prompt in a reply to `echo` with `logprobs`.

    Raises:
        Fault: It is not a whole reply.
        Refusal: It holds no log-probabilities.
    """
    reported = _first_choice(reply).get("logprobs")
    tokens = reported.get("tokens") if isinstance(reported, dict) else None
    values = reported.get("token_logprobs") if isinstance(reported, dict) else None
    if not isinstance(tokens, list) or not isinstance(values, list):
        raise Refusal("the reply holds no log-probabilities of tokens")
    if len(tokens) != len(values) or not all(isinstance(token, str) for token in tokens):
        raise Refusal("the reply's tokens and log-probabilities don't belong together")
    # The token that max_tokens = 1 made comes last; a server may leave it out.
    echoed = PromptTokens(tokens[:-1], _checked(values)[:-1])
    whole = PromptTokens(tokens, _checked(values))
    return whole if echoed.starts(text) is None and whole.starts(text) is not None else echoed


def read_prompt_logprobs(reply: str, text: str) -> PromptTokens:
    """The tokens of the prompt in a reply to vLLM's `prompt_logprobs`.

    Raises:
        Fault: It is not a whole reply.
        Refusal: It holds no log-probabilities.
    """
    reported = _first_choice(reply).get("prompt_logprobs")
    if not isinstance(reported, list) or len(reported) < 2:
        raise Refusal("the reply holds no prompt_logprobs")
    tokens, values = [], []
    for entry in reported[1:]:
        # The token of the prompt comes first; likelier ones may follow.
        first = next(iter(entry.values()), None) if isinstance(entry, dict) else None
        if not isinstance(first, dict) or not isinstance(first.get("decoded_token"), str):
            raise Refusal("the reply's prompt_logprobs can't be read")
        tokens.append(first["decoded_token"])
        values.append(first.get("logprob"))
    # Of the first token nothing is said, not even its text: it is what the others leave.
    rest = "".join(tokens)
    opening = text[: len(text) - len(rest)] if text.endswith(rest) else ""
    return PromptTokens([opening, *tokens], [None, *_checked(values)])


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask for the log-probabilities of a prompt.

    Attributes:
        name: What it is called in messages.
        fields: What a request has beside model and prompt.
        read: Reads the reply.
    """

    name: str
    fields: dict[str, Any]
    read: Callable[[str, str], PromptTokens]


# One token is generated, for servers that refuse to generate none; it is not looked at.
_SHORTEST = {"max_tokens": 1, "temperature": 1.0}
WAYS = (
    Way("echo with logprobs", {**_SHORTEST, "echo": True, "logprobs": 1}, read_echo),
    Way(
        "prompt_logprobs",
        {**_SHORTEST, "extra_body": {"prompt_logprobs": 0}},
        read_prompt_logprobs,
    ),
)


class PromptScorer:
    """Scores texts by one or several servers of a model; see `token_scores.TokenScorer`.

    Attributes:
        model: The model's name on the servers.
        way: How they are asked; None before the first texts.
    """

    def __init__(self, model: str, section: ServerSection) -> None:
        """Launches the server if there is a command for it.

        Raises:
            ConfigError: The section names no server, or one in two ways.
            ModelError: The server can't be launched, or does not serve the model.
            MissingDependencyError: The openai library is not installed.
        """
        self.model = model
        self.way: Way | None = None
        self._connection = Connection(model, section)
        self._sender = Sender(model, section, self._connection.access)
        self._prompts: dict[str, PromptTokens] = {}
        self._answered: str | None = None

    def close(self) -> None:
        """Closes the connections and ends the launched server."""
        self._connection.close()

    def identity(self) -> dict[str, Any]:
        """See `sample.identity_of`."""
        return self._connection.identity()

    def score_tokens(self, items: Sequence[Item]) -> list[TokenScores]:
        """The scores of responses; see `token_scores.TokenScorer`.

        What the server refuses (it is too long, say) and what can't be told from the prompt has an
        error.

        Raises:
            ConfigError: A prompt is a conversation.
            ModelError: No server answers, or it gives no log-probabilities of a prompt.
        """
        asked = [(text_of(prompt), response) for prompt, response, _ in items]
        running = self._connection.start(self._score_all(asked))
        try:
            return running.result()
        finally:
            running.cancel()

    async def _score_all(self, asked: list[tuple[str, str]]) -> list[TokenScores]:
        self._prompts.clear()
        if asked and self.way is None:
            # The shortest first: none of the few should be too long.
            texts = sorted((prompt + response for prompt, response in asked), key=len)
            self.way = await self._find_way([text for text in texts if text][:TRIAL_TEXTS])
        room = asyncio.Semaphore(self._connection.pool.capacity)

        async def score(prompt: str, response: str) -> TokenScores:
            async with room:
                try:
                    return await self._score(prompt, response)
                except (Refusal, Fault) as failure:
                    return TokenScores(error=str(failure))

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(score(*each)) for each in asked]
        except BaseExceptionGroup as several:
            raise _first(several) from None
        return [task.result() for task in tasks]

    async def _score(self, prompt: str, response: str) -> TokenScores:
        whole = prompt + response
        tokens = await self._tokens(whole)
        starts = tokens.starts(whole)
        if starts is None:
            # Characters that are several tokens: the prompt alone says how many are its own.
            if prompt not in self._prompts:
                self._prompts[prompt] = await self._tokens(prompt)
            own = self._prompts[prompt].texts
            if tokens.texts[: len(own)] != own:
                return TokenScores(error="the server's tokens can't be told from the prompt's")
            first, borders = len(own), None
        else:
            # One that reaches over the border is of the response.
            ends = [*starts[1:], len(whole)]
            first = next((i for i, end in enumerate(ends) if end > len(prompt)), len(starts))
            borders = [start - len(prompt) for start in starts[first:]]
        values = tokens.log_probabilities[first:]
        if any(value is None for value in values):
            return TokenScores(error="the server gives no log-probability of some token")
        return TokenScores(
            np.array(values, dtype=np.float32),
            segmentation=None if borders is None else segmentation_of(response, borders),
        )

    async def _tokens(self, text: str) -> PromptTokens:
        assert self.way is not None
        return await self._persist(self.way, text)

    async def _persist(self, way: Way, text: str) -> PromptTokens:
        async def ask(server: Server) -> PromptTokens:
            return await self._ask(server, way, text)

        async def still_answers(server: Server) -> bool:
            if self._answered is None:
                return False
            try:
                await self._ask(server, way, self._answered)
            except (Fault, Refusal, ModelError):
                return False
            return True

        tokens = await self._connection.persist(ask, still_answers, random.Random(text))
        self._answered = text
        return tokens

    async def _ask(self, server: Server, way: Way, text: str) -> PromptTokens:
        body = {"model": self.model, "prompt": text, **way.fields}
        try:
            return await self._sender.exchange(server, body, lambda reply: way.read(reply, text))
        except FieldsRefused as refused:
            raise Refusal(str(refused)) from None

    async def _find_way(self, texts: Sequence[str]) -> Way:
        """The first way in which the server gives what is needed for one of some texts.

        Raises:
            ModelError: It gives it in none; the message says what came instead.
        """
        said: dict[str, str] = {}
        for way, text in itertools.product(WAYS, texts):
            try:
                tokens = await self._persist(way, text)
            except (Refusal, Fault) as failure:
                said[way.name] = str(failure)
                continue
            if any(value is not None for value in tokens.log_probabilities):
                return way
            said[way.name] = "the reply holds no log-probability"
        reasons = "; ".join(f"to {name} it says: {reason}" for name, reason in said.items())
        raise ModelError(
            f"The server at {self._connection.pool.servers[0].url} gives no log-probabilities of a "
            f"prompt: {reasons}.",
            remedy="Take a server that does (vLLM, SGLang), or load the model here: leave --url "
            "and --launch out.",
        )


def text_of(prompt: Prompt) -> str:
    """The prompt as the text that a server can be asked about.

    Raises:
        ConfigError: It is a conversation.
    """
    if isinstance(prompt, str):
        return prompt
    raise ConfigError(
        "A server can't say how likely a response to a conversation is: its chat endpoint gives no "
        "log-probabilities of what was sent.",
        seen=prompt,
        remedy="Load the model here (leave --url and --launch out), or name a --template file that "
        "writes the model's chat template out as a text.",
    )


def _first_choice(reply: str) -> dict[str, Any]:
    try:
        choice = json.loads(reply)["choices"][0]
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        raise Fault("the reply holds no choices") from None
    if not isinstance(choice, dict):
        raise Fault("the reply holds no choices")
    return choice


def _checked(values: list[Any]) -> list[float | None]:
    """Log-probabilities, None among them.

    Raises:
        Refusal: A value can't be one.
    """
    checked: list[float | None] = []
    for value in values:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is None:
            checked.append(None)
        elif is_number and -1e300 < value <= ROUNDING and math.isfinite(value):
            checked.append(float(value))
        else:
            raise Refusal("what the reply gives as log-probabilities are none")
    return checked


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
