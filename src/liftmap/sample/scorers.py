"""Which scorer a model gets: the one that loads it here, or the one that asks its server.

Beside sampling, above `score` and `server`; used by `scoring`.
"""

from __future__ import annotations

from liftmap.errors import ConfigError
from liftmap.sample import check_model
from liftmap.sample.token_scores import TokenScorer
from liftmap.sections import SampleSection


def check_scorer(model: str, section: SampleSection) -> None:
    """Checks, before long work, that a model can be had; loads no weights.

    Raises:
        ConfigError: The engine has no likelihoods.
        ModelError: The model can't be had.
    """
    if section.engine not in ("transformers", "server") or model.startswith("scripted:"):
        raise ConfigError(
            "A scripted model has no likelihoods.",
            seen=model,
            remedy="Name a model that runs here, or one that a server serves (--url).",
        )
    check_model(model, section)


def make_scorer(model: str, section: SampleSection) -> TokenScorer:
    """Loads a model, or connects to its server.

    Args:
        model: A hub id, a folder, a `.gguf` file, or the name of a served model.
        section: Its engine (transformers or server), device, dtype, batch size, stop strings, and
            how a server is reached.

    Raises:
        ModelError: The model can't be loaded; or the server can't give log-probabilities of a
            prompt: the message says what it can't do.
    """
    # Imported here: torch is slow to start, and a server needs none.
    if section.engine == "server":
        from liftmap.sample.server.prompt_scorer import PromptScorer

        return PromptScorer(model, section.server)
    from liftmap.sample.score import Scorer

    return Scorer(model, section.batch_size, section.device, section.dtype, section.stop)
