"""The score stage: log-likelihood of one model's responses under another model.

Stands beside sampling, after it; reads `responses/<model>/<split>/`, writes
`scores/<model>/<split>/<under>/`, one shard for each response shard. Whether a response was in the
base's own distribution is told from these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import torch

from liftmap.errors import LiftmapError
from liftmap.progress import progress
from liftmap.records import Prompt, Question
from liftmap.sample.hf import end_token_ids, load_model, prompt_ids
from liftmap.sample.identity import identity_of_model
from liftmap.sample.sampling import refuse_other_weights
from liftmap.sample.templates import render_prompt
from liftmap.sample.token_scores import Item, TokenScores, segmentation_of
from liftmap.store import KEY, SCORE_SCHEMA, ResponseSet

MOST_ROWS = 1024
# Logits of one forward pass: 1 GiB as float32, and as much again for their logarithms.
MOST_LOGITS = 2**28


# Gives for a response's text and reasoning where in the text the answer begins; see `Thoughts`.
AnswerStart = Callable[[str, str], int | None]


@dataclass(frozen=True, slots=True)
class Thoughts:
    """How the thought of a response is told from its answer.

    Attributes:
        rule: The rule as JSON values; kept with the scores.
        answer_start: (text, reasoning) -> place in the text of what follows the last thought, as
            `verify.thinking.Parts.answer_start`; None where the thought is not in the text.
    """

    rule: Mapping[str, Any]
    answer_start: AnswerStart


@dataclass(frozen=True, slots=True)
class Score:
    """The log-likelihood of a response, of all of it and of its thought.

    Attributes:
        log_probability: Natural log of the probability of the response's tokens given the prompt at
            temperature 1.
        token_count: Number of those tokens. Where the response ended by itself, its end counts as
            one token: any of those that end a response, since which one is not kept.
        thought_log_probability: The same of the tokens up to the one that ends the last thought, 0
            without a thought. All of the response, its end included, where nothing follows the
            thought. None where it is not known which token ends the thought.
        thought_token_count: Number of these tokens; None likewise.
    """

    log_probability: float
    token_count: int
    thought_log_probability: float | None
    thought_token_count: int | None

    @property
    def answer_log_probability(self) -> float | None:
        """The log-probability of the tokens after the thought; None where that is not known."""
        if self.thought_log_probability is None:
            return None
        return self.log_probability - self.thought_log_probability

    @property
    def answer_token_count(self) -> int | None:
        """Number of the tokens after the thought, the end included; None likewise."""
        if self.thought_token_count is None:
            return None
        return self.token_count - self.thought_token_count


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A prompt with a response, ready for the model.

    Attributes:
        ids: Token ids of both; where the response ended by itself, an end token at last.
        start: Number of the prompt's tokens.
        stopped: Whether the response ended by itself.
        thought: Number of the thought's tokens among the response's; None where it is not known.
        segmentation: As in `TokenScores`.
    """

    ids: list[int]
    start: int
    stopped: bool
    thought: int | None
    segmentation: int | None


class Scorer:
    """A model that tells how likely a text was.

    Attributes:
        name: What it was loaded by.
        model: The loaded model.
        tokenizer: Its tokenizer; texts are tokenised with it, whoever wrote them.
    """

    def __init__(
        self,
        model: str,
        batch_size: int = 0,
        device: str | None = None,
        dtype: str = "auto",
        stop: tuple[str, ...] = (),
    ) -> None:
        """Loads the model.

        Args:
            model: As `sample.hf.load_model`.
            batch_size: The most distinct responses in one forward pass; 0 chooses.
            device: As `sample.hf.load_model`.
            dtype: As `sample.hf.load_model`.
            stop: The strings that ended responses beside the model's end tokens.

        Raises:
            ModelError: The model can't be loaded.
        """
        self.name = model
        self.model, self.tokenizer = load_model(model, device, dtype)
        self._ends = end_token_ids(self.model, self.tokenizer, stop)
        self._rows = batch_size or MOST_ROWS

    def score(
        self,
        items: Sequence[Item],
        answer_starts: Sequence[int | None] | None = None,
    ) -> list[Score]:
        """Log-likelihood of responses.

        Args:
            items: (prompt, response text, whether the response ended by itself) each.
            answer_starts: For each the place in the text where the answer begins, in characters;
                None where that is not known. By default no response has a thought.

        Returns:
            A score for each.
        """
        starts = [0] * len(items) if answer_starts is None else answer_starts
        encoded = {
            place: self._encode(*item, at)
            for place, (item, at) in enumerate(zip(items, starts, strict=True))
        }
        results: dict[int, Score] = {}
        for chosen in self._batches(encoded):
            scores = self._run([encoded[i] for i in chosen])
            results.update(zip(chosen, scores, strict=True))
        return [results[i] for i in range(len(items))]

    def score_tokens(self, items: Sequence[Item]) -> list[TokenScores]:
        """Log-likelihood and entropy at each token of responses; see `token_scores.TokenScorer`.

        A response that does not fit into the model's positions with its prompt has an error.
        """
        room = getattr(self.model.config, "max_position_embeddings", None)
        results: list[TokenScores] = []
        encoded: dict[int, _Encoded] = {}
        for place, item in enumerate(items):
            results.append(TokenScores())
            try:
                row = self._encode(*item, 0)
            except LiftmapError:
                raise
            except Exception as failure:
                # A tokenizer without a token for what it does not know raises no class of its own.
                results[place] = TokenScores(error=f"the tokenizer can't read it: {failure}")
                continue
            if room is not None and len(row.ids) > room:
                error = f"longer than the model's {room:,} positions"
                results[place] = TokenScores(error=error)
                continue
            encoded[place] = row
        for chosen in self._batches(encoded):
            for place, scores in zip(
                chosen, self._run_tokens([encoded[i] for i in chosen]), strict=True
            ):
                results[place] = scores
        return results

    def identity(self) -> dict[str, str]:
        """See `sample.identity_of`."""
        return identity_of_model(self.name)

    def close(self) -> None:
        """Gives the memory of the model back; nothing can be scored after it."""
        del self.model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _batches(self, encoded: Mapping[int, _Encoded]) -> Iterator[list[int]]:
        """The places of those that are run together.

        Like lengths are together: little padding; the longest first, so that what does not fit
        into memory fails at once.
        """
        order = sorted(encoded, key=lambda i: -len(encoded[i].ids))
        start = 0
        while start < len(order):
            longest = len(encoded[order[start]].ids)
            rows = min(self._rows, MOST_LOGITS // (longest * self.model.config.vocab_size))
            chosen = order[start : start + max(1, rows)]
            yield chosen
            start += len(chosen)

    def _encode(
        self, prompt: Prompt, text: str, stopped: bool, answer_start: int | None
    ) -> _Encoded:
        """The tokens of prompt and response, and how many of the response's are thought."""
        first = prompt_ids(self.tokenizer, prompt)
        # Where in the text that is tokenised the response begins.
        before = len(prompt) if isinstance(prompt, str) else 0
        has_offsets = bool(self.tokenizer.is_fast)
        whole: list[int] = []
        if isinstance(prompt, str):
            encoding = self.tokenizer(prompt + text, return_offsets_mapping=has_offsets)
            whole = encoding["input_ids"]
        places = slice(len(first), None)
        if whole[: len(first)] != first:
            # The tokenizer merges across the border, or a chat template ends the prompt; the
            # response is then tokenised by itself.
            encoding = self.tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=has_offsets
            )
            whole = first + encoding["input_ids"]
            before, places = 0, slice(None)
        ids = whole + (self._ends[:1] if stopped else [])
        segmentation = None
        if has_offsets:
            starts = [max(begin - before, 0) for begin, _ in encoding["offset_mapping"][places]]
            segmentation = segmentation_of(text, starts)
        thought: int | None = None
        if answer_start == 0:
            thought = 0
        elif answer_start is not None and answer_start >= len(text):
            thought = len(ids) - len(first)
        elif answer_start is not None and has_offsets:
            border = before + answer_start
            thought = sum(begin < border for begin, _ in encoding["offset_mapping"][places])
        return _Encoded(ids, len(first), stopped, thought, segmentation)

    @torch.inference_mode()
    def _run(self, batch: list[_Encoded]) -> list[Score]:
        _, each = self._forward(batch)
        device = each.device
        lengths = torch.tensor([len(row.ids) for row in batch], device=device)
        starts = torch.tensor([row.start for row in batch], device=device)
        thoughts = torch.tensor([row.thought or 0 for row in batch], device=device)
        place = torch.arange(each.shape[1] + 1, device=device)
        scored = (place[1:] >= starts[:, None]) & (place[1:] < lengths[:, None])
        thought = scored & (place[1:] < (starts + thoughts)[:, None])
        sums = ((each * part).sum(dim=1).tolist() for part in (scored, thought))
        return [
            Score(total, size, None if row.thought is None else of_thought, row.thought)
            for total, of_thought, size, row in zip(
                *sums, (lengths - starts).tolist(), batch, strict=True
            )
        ]

    @torch.inference_mode()
    def _run_tokens(self, batch: list[_Encoded]) -> list[TokenScores]:
        natural, each = self._forward(batch)
        scores = []
        for place, row in enumerate(batch):
            # What comes before a token says how likely it is.
            tokens = slice(max(row.start - 1, 0), len(row.ids) - 1)
            # Row by row: the probabilities of a whole batch would take a gibibyte more.
            entropy = torch.special.entr(natural[place, tokens].exp()).double().sum()
            scores.append(
                TokenScores(
                    each[place, tokens].float().cpu().numpy(),
                    ended=row.stopped,
                    entropy=float(entropy),
                    segmentation=row.segmentation,
                )
            )
        return scores

    def _forward(self, batch: list[_Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
        """Natural logarithms of next-token probabilities, and those of the tokens that came.

        Returns:
            (rows, length - 1, vocabulary) of all tokens, and (rows, length - 1) as float64, where
            an end has the probability of all that end a response.
        """
        longest = max(len(row.ids) for row in batch)
        device = self.model.device
        rows = torch.tensor(
            [row.ids + [0] * (longest - len(row.ids)) for row in batch], device=device
        )
        lengths = torch.tensor([len(row.ids) for row in batch], device=device)
        mask = (torch.arange(longest, device=device) < lengths[:, None]).long()
        logits = self.model(input_ids=rows, attention_mask=mask, use_cache=False).logits
        natural = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        each = natural.gather(2, rows[:, 1:, None])[..., 0].double()
        stopped = torch.tensor([row.stopped for row in batch], device=device)
        ended = stopped.nonzero()[:, 0]
        last = lengths[ended] - 2
        each[ended, last] = natural[ended, last][:, self._ends].logsumexp(dim=-1).double()
        return natural, each


def score(
    target: ResponseSet,
    questions: list[Question],
    under: str,
    template: str,
    scorer: Callable[[], Scorer],
    thoughts: Thoughts,
) -> int:
    """Scores all responses that have no score under this model yet.

    Args:
        target: The responses; the scores go beside them.
        questions: The questions.
        under: Name of the scoring model in the study.
        template: How questions became prompts.
        scorer: Gives the loaded model; called only when something is missing.
        thoughts: How the thought of a response is told from its answer.

    Returns:
        How many responses were scored now.

    Raises:
        SettingsDifferError: Some scores there were made under another rule for thoughts.
        StoreError: A shard can't be read or written.
        ModelError: The model can't be loaded.
    """
    finished = set(target.score_shards(under))
    missing = [shard for shard in target.shards() if shard not in finished]
    if not missing:
        return 0
    settings = {"thinking": dict(thoughts.rule)}
    earlier_settings = target.score_settings(under) or {}
    if earlier_settings:
        # Before long work.
        earlier_weights = (
            {"weights": earlier_settings["weights"]} if "weights" in earlier_settings else {}
        )
        target.keep_score_settings(under, settings | earlier_weights)
    prompts = {q.question_id: render_prompt(template, q) for q in questions}
    loaded = scorer()
    identity = identity_of_model(loaded.name)
    refuse_other_weights(target.scores(under).path, under, earlier_settings, identity)
    target.keep_score_settings(under, {**settings, "weights": identity}, later=("weights",))
    scored = 0
    what = f"{target.model}: log-likelihood under {under}"
    with progress(what, len(missing), "shards") as advance:
        for shard in missing:
            frame = target.read_responses(shard).select(
                "question_id",
                "response_index",
                "text",
                "reasoning",
                stopped=pl.col("finish_reason").cast(pl.String) == "stop",
            )
            asked = ["question_id", "text", "reasoning", "stopped"]
            keys = frame.select(asked).unique(maintain_order=True)
            values = loaded.score(
                [(prompts[q], text, stop) for q, text, _, stop in keys.iter_rows()],
                [
                    thoughts.answer_start(text, apart or "")
                    for _, text, apart, _ in keys.iter_rows()
                ],
            )
            scores = keys.with_columns(
                pl.Series(name, [getattr(value, name) for value in values], kind)
                for name, kind in SCORE_SCHEMA.items()
                if name not in KEY
            )
            joined = frame.join(
                scores, on=asked, how="left", nulls_equal=True, maintain_order="left"
            )
            target.write_scores(under, shard, joined.select(SCORE_SCHEMA.names()))
            scored += len(frame)
            advance(1)
    return scored
