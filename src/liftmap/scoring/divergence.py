"""Two models' log-probabilities of the same tokens, side by side, and what their difference is.

Third step of the flow of `scoring`: reads the scores of two models, gives a row a response. With r
the ratio of the second model's probability of a token to that of the first, which drew it,
-log r (k1) and r - 1 - log r (k3) both have the KL divergence of the first from the second as their
mean over what the first draws at temperature 1 (Schulman 2020, "Approximating KL divergence"). k3
is never negative and varies less. Summed over the tokens of a response both estimate the divergence
of whole responses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    counted = rows.filter(pl.col("tokens").is_not_null())
    text = pl.col("token_count") - pl.col("ended").cast(pl.Int32)
    differing = counted.filter((pl.col("tokens") != text) & (pl.col("tokens") != text + 1))
    return len(differing), len(counted)


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
    mine, other = (scores.read(shard).with_row_index("row") for scores in (first, second))
    failed = (mine["error"] != "") | (other["error"] != "")
    # An end that one of the two does not tell of is left out.
    one_end = mine["ended"] != other["ended"]
    of_mine, of_other = (
        frame.select(
            pl.col("token_log_probabilities").list.head(
                pl.col("token_count") - (pl.col("ended") & one_end).cast(pl.Int32)
            )
        ).to_series()
        for frame in (mine, other)
    )
    same = (mine["segmentation"] == other["segmentation"]).fill_null(False)
    sizes = of_mine.list.len()
    shared = ~failed & same & (sizes == of_other.list.len())
    k1 = mine["log_probability"] - other["log_probability"]
    with_tokens = shared & (sizes > 0)
    row_of = np.repeat(mine["row"].filter(with_tokens), sizes.filter(with_tokens))
    log_ratio = (
        of_other.filter(with_tokens).explode().cast(pl.Float64)
        - of_mine.filter(with_tokens).explode().cast(pl.Float64)
    ).to_numpy()
    of_tokens = np.expm1(np.minimum(log_ratio, LARGEST_EXPONENT)) - log_ratio
    sums = {
        "k1": np.bincount(row_of, -log_ratio, len(mine)),
        "k3": np.bincount(row_of, of_tokens, len(mine)),
    }
    return pl.DataFrame(
        {"by_sum": k1, "shared": shared, "failed": failed, "compared_tokens": sizes, **sums}
    ).select(
        k1=pl.when(~pl.col("failed")).then(pl.when("shared").then("k1").otherwise("by_sum")),
        k3=pl.when("shared").then("k3"),
        compared_tokens=pl.when("shared").then(pl.col("compared_tokens").cast(pl.Int32)),
    )
