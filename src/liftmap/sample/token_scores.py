"""How likely a model finds each token of a text, whoever computes it: in process, or a server.

Beside sampling: what `scorers.make_scorer` gives. `score.Scorer` loads a model here,
`server.prompt_scorer` asks a server for the log-probabilities of a prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xxhash
from numpy.typing import NDArray

from liftmap.records import Prompt

BLANKS = [ord(blank) for blank in " \t\n\r\v\f"]
# A prompt, the response to it, and whether the response ended by itself.
Item = tuple[Prompt, str, bool]


def _no_tokens() -> NDArray[np.float32]:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """What a model says of the tokens of one response.

    Attributes:
        log_probabilities: Shape (tokens,): natural log of each token's probability given the prompt
            and the tokens before it, at temperature 1 and untruncated.
        ended: Whether the last of them is the end of the response. A server tells of the text
            alone.
        entropy: Sum over these tokens of the entropy of the model's next-token distribution there,
            in nats; None from a server.
        segmentation: A digest of where in the response's text its tokens begin: two models with the
            same one cut the text into the same tokens. None where that is not known.
        error: Why the response could not be scored; empty otherwise.
    """

    log_probabilities: NDArray[np.float32] = field(default_factory=_no_tokens)
    ended: bool = False
    entropy: float | None = None
    segmentation: int | None = None
    error: str = ""


def segmentation_of(text: str, starts: Sequence[int]) -> int:
    """A digest of how a text is cut into tokens.

    Args:
        text: The response.
        starts: Where each of its tokens begins, in characters. Some tokenizers count blanks before
            a word to its token and some don't, so only the word's beginning counts.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    visible = np.append(np.flatnonzero(~np.isin(codes, BLANKS)), len(codes))
    begins = visible[np.searchsorted(visible, np.minimum(starts, len(codes)))]
    return xxhash.xxh3_64_intdigest(begins.astype(np.int64).tobytes())


class TokenScorer(Protocol):
    """A model that tells how likely it finds the tokens of a text."""

    def score_tokens(self, items: Sequence[Item]) -> list[TokenScores]:
        """The scores of responses, in their order. Texts are tokenised by the model's tokenizer.

        Raises:
            ModelError: The model can't be used.
        """
        ...

    def identity(self) -> Mapping[str, Any]:
        """What tells its weights from others; see `sample.identity_of`."""
        ...

    def close(self) -> None:
        """Lets go of memory and connections; it can't be used again."""
        ...
