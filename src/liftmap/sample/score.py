"""The score stage: log-likelihood of one model's responses under another model.

Stands beside sampling, after it; reads `responses/<model>/<split>/`, writes
`scores/<model>/<split>/<under>/`, one shard for each response shard. Whether a response was in the
base's own distribution is told from these.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import torch

from liftmap.progress import progress
from liftmap.records import Prompt, Question
from liftmap.sample.hf import end_token_ids, load_model, prompt_ids
from liftmap.sample.templates import render_prompt
from liftmap.store import ResponseSet

MOST_ROWS = 1024
# Logits of one forward pass: 1 GiB as float32, and as much again for their logarithms.
MOST_LOGITS = 2**28


class Scorer:
    """A model that tells how likely a text was.

    Attributes:
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
        self.model, self.tokenizer = load_model(model, device, dtype)
        self._ends = end_token_ids(self.model, self.tokenizer, stop)
        self._rows = batch_size or MOST_ROWS

    def score(self, items: list[tuple[Prompt, str, bool]]) -> list[tuple[float, int]]:
        """Log-likelihood of responses.

        Args:
            items: (prompt, response text, whether the response ended by itself) each.

        Returns:
            (natural log of the probability of the response's tokens given the prompt at
            temperature 1, number of those tokens) each. Where the response ended by itself, its end
            counts as one token: any of those that end a response, since which one is not kept.
        """
        encoded = [self._encode(*item) for item in items]
        stopped = [item[2] for item in items]
        # Like lengths together: little padding; the longest first, so that what does not fit into
        # memory fails at once.
        order = sorted(range(len(items)), key=lambda i: -len(encoded[i][0]))
        results: list[tuple[float, int]] = [(0.0, 0)] * len(items)
        start = 0
        while start < len(order):
            longest = len(encoded[order[start]][0])
            rows = min(self._rows, MOST_LOGITS // (longest * self.model.config.vocab_size))
            chosen = order[start : start + max(1, rows)]
            scores = self._run([encoded[i] for i in chosen], [stopped[i] for i in chosen])
            for at, result in zip(chosen, scores, strict=True):
                results[at] = result
            start += len(chosen)
        return results

    def _encode(self, prompt: Prompt, text: str, stopped: bool) -> tuple[list[int], int]:
        """Token ids of prompt and response, and the number of prompt tokens."""
        first = prompt_ids(self.tokenizer, prompt)
        whole: list[int] = []
        if isinstance(prompt, str):
            whole = self.tokenizer(prompt + text)["input_ids"]
        if whole[: len(first)] != first:
            # The tokenizer merges across the border, or a chat template ends the prompt; the
            # response is then tokenised by itself.
            whole = first + self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return whole + (self._ends[:1] if stopped else []), len(first)

    @torch.inference_mode()
    def _run(
        self, batch: list[tuple[list[int], int]], stopped: list[bool]
    ) -> list[tuple[float, int]]:
        longest = max(len(ids) for ids, _ in batch)
        device = self.model.device
        rows = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in batch], device=device)
        lengths = torch.tensor([len(ids) for ids, _ in batch], device=device)
        starts = torch.tensor([start for _, start in batch], device=device)
        place = torch.arange(longest, device=device)
        mask = (place < lengths[:, None]).long()
        logits = self.model(input_ids=rows, attention_mask=mask, use_cache=False).logits
        natural = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        each = natural.gather(2, rows[:, 1:, None])[..., 0].double()
        ended = torch.tensor(stopped, device=device).nonzero()[:, 0]
        last = lengths[ended] - 2
        each[ended, last] = natural[ended, last][:, self._ends].logsumexp(dim=-1).double()
        scored = (place[1:] >= starts[:, None]) & (place[1:] < lengths[:, None])
        totals = (each * scored).sum(dim=1).tolist()
        return list(zip(totals, (lengths - starts).tolist(), strict=True))


def score(
    target: ResponseSet,
    questions: list[Question],
    under: str,
    template: str,
    scorer: Callable[[], Scorer],
) -> int:
    """Scores all responses that have no score under this model yet.

    Args:
        target: The responses; the scores go beside them.
        questions: The questions.
        under: Name of the scoring model in the study.
        template: How questions became prompts.
        scorer: Gives the loaded model; called only when something is missing.

    Returns:
        How many responses were scored now.

    Raises:
        StoreError: A shard can't be read or written.
        ModelError: The model can't be loaded.
    """
    finished = set(target.score_shards(under))
    missing = [shard for shard in target.shards() if shard not in finished]
    if not missing:
        return 0
    prompts = {q.question_id: render_prompt(template, q) for q in questions}
    loaded = scorer()
    scored = 0
    what = f"{target.model}: log-likelihood under {under}"
    with progress(what, len(missing), "shards") as advance:
        for shard in missing:
            frame = target.read_responses(shard).select(
                "question_id",
                "response_index",
                "text",
                stopped=pl.col("finish_reason").cast(pl.String) == "stop",
            )
            keys = frame.select("question_id", "text", "stopped").unique(maintain_order=True)
            values = loaded.score([(prompts[q], text, stop) for q, text, stop in keys.iter_rows()])
            scores = keys.with_columns(
                log_probability=pl.Series([v for v, _ in values], dtype=pl.Float64),
                token_count=pl.Series([n for _, n in values], dtype=pl.Int32),
            )
            joined = frame.join(
                scores, on=["question_id", "text", "stopped"], how="left", maintain_order="left"
            )
            target.write_scores(under, shard, joined.drop("text", "stopped"))
            scored += len(frame)
            advance(1)
    return scored
