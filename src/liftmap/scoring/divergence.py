"""Two models' log-probabilities of the same tokens, side by side, and what their difference is.

Third step of the flow of `scoring`: reads the scores of two models, gives a row a response. With r
the ratio of the second model's probability of a token to that of the first, which drew it,
-log r (k1) and r - 1 - log r (k3) both have the KL divergence of the first from the second as their
mean over what the first draws at temperature 1 (Schulman 2020, "Approximating KL divergence"). k3
is never negative and varies less. Summed over the tokens of a response both estimate the divergence
of whole responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from liftmap.scoring.asked_responses import AskedResponses
from liftmap.store import SourceScores

# Why a difference of log-likelihoods is not an estimate of the KL divergence.
DoubtKind = Literal[
    "setting",
    "unsaid",
    "request",
    "thoughts apart",
    "other tokens",
    "retokenised",
]
# The values of settings that leave the model's own distribution as it is.
UNTRUNCATED: dict[str, tuple[float, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "top_k": (0, -1),
    "min_p": (0,),
}
# Settings that have to be said; min_p is known to few tools.
NEEDED = ("temperature", "top_p", "top_k")
# From this share of responses on whose number of tokens is not the source's, the tokens that are
# scored are not those that were drawn.
MOST_RETOKENISED = 0.05
# The exponent above which a ratio of probabilities would be infinite.
LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """One reason why a difference of log-likelihoods is not called KL.

    Attributes:
        kind: What it is.
        name: The setting, or settings, that it is about; empty otherwise.
        value: The value that was seen; None where there is none.
    """

    kind: DoubtKind
    name: str = ""
    value: float | None = None


def sampling_doubts(asked: AskedResponses, assured: bool) -> tuple[Doubt, ...]:
    """Why it is not known that responses were drawn from the model's own distribution.

    Args:
        asked: The responses.
        assured: Whether the user says that they were; what the source says against it stays.
    """
    settings = asked.sampling
    doubts = [
        Doubt("setting", name, float(value))
        for name, neutral in UNTRUNCATED.items()
        if (value := settings.get(name)) is not None and value not in neutral
    ]
    if asked.extra:
        doubts.append(Doubt("request", ", ".join(sorted(asked.extra))))
    unsaid = [name for name in NEEDED if settings.get(name) is None]
    if unsaid and not assured:
        doubts.append(Doubt("unsaid", ", ".join(unsaid)))
    return tuple(doubts)


def retokenised(rows: pl.DataFrame) -> tuple[int, int]:
    """Responses whose number of tokens is not the one that the source has, and those that have one.

    A source may count the end or not.

    Args:
        rows: tokens (the source's), token_count and ended (ours).
    """
    known = rows.filter(pl.col("tokens").is_not_null())
    text = pl.col("token_count") - pl.col("ended").cast(pl.Int32)
    differing = known.filter((pl.col("tokens") != text) & (pl.col("tokens") != text + 1))
    return len(differing), len(known)


def side_by_side(first: SourceScores, second: SourceScores, shard: str) -> pl.DataFrame:
    """k1 and k3 of each response of a shard, summed over its tokens.

    Args:
        first: Scores under the model that drew the responses.
        second: Scores under the other.
        shard: Name of the shard in both.

    Returns:
        A row a response: k1, k3 and compared_tokens. All are null where one of the two has no
        score; k3 and compared_tokens also where the two cut the text into other tokens.
    """
    both = zip(
        first.read(shard).iter_rows(named=True),
        second.read(shard).iter_rows(named=True),
        strict=True,
    )
    return pl.DataFrame(
        [_compared(mine, other) for mine, other in both],
        schema={"k1": pl.Float64, "k3": pl.Float64, "compared_tokens": pl.Int32},
        orient="row",
    )


def _compared(
    mine: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[float | None, float | None, int | None]:
    """k1, k3 and the number of tokens that both tell of."""
    if mine["error"] or other["error"]:
        return None, None, None
    pair = _shared_tokens(mine, other)
    if pair is None:
        return mine["log_probability"] - other["log_probability"], None, None
    log_ratio = pair[1] - pair[0]
    ratio_less_one = np.expm1(np.minimum(log_ratio, LARGEST_EXPONENT))
    return float(-log_ratio.sum()), float((ratio_less_one - log_ratio).sum()), len(log_ratio)


def _shared_tokens(
    mine: Mapping[str, Any], other: Mapping[str, Any]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Log-probabilities of the tokens that both have; None where they cut the text differently.

    An end that one of them does not tell of is left out.
    """
    if mine["segmentation"] is None or mine["segmentation"] != other["segmentation"]:
        return None
    values = [np.array(row["token_log_probabilities"], dtype=np.float64) for row in (mine, other)]
    if mine["ended"] != other["ended"]:
        values = [
            each[:-1] if row["ended"] else each
            for each, row in zip(values, (mine, other), strict=True)
        ]
    return (values[0], values[1]) if len(values[0]) == len(values[1]) else None
