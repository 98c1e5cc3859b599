"""The sentences of a scoring: what the figures are called, and what a reader has to know.

Beside `source_score`, which warns with them, and the page in the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable

from liftmap.comparison.rounding import count, percent
from liftmap.scoring.divergence import MOST_RETOKENISED, Doubt
from liftmap.scoring.scored_record import (
    Divergence,
    RightCompared,
    ScoredModel,
    ScoredSource,
    SourceScoring,
    WithinRange,
)

KL = "KL divergence"
DIFFERENCE = "likelihood difference"
SHOWN_REASONS = 4

_PROMPTS = {
    "response set": "its questions in the template it was drawn with",
    "source": "as the source has them",
    "task": "the task's questions",
}


def whose(scoring: SourceScoring, side: str) -> str:
    """Whose responses those of a side are."""
    if side == "other":
        return f"responses of {scoring.under.name}"
    return f"responses of {scoring.own.name}" if scoring.own else "responses of the source"


def asked_how(source: ScoredSource) -> str:
    """What the responses of a source followed."""
    return (
        f"{source.source}: {count(source.scored)} of {count(source.responses)} responses scored; "
        f"prompts: {_PROMPTS[source.prompts_from]} (template {source.template})."
    )


def doubt_text(doubt: Doubt) -> str:
    """Why a difference of log-likelihoods is not called KL."""
    value = "" if doubt.value is None else f"{doubt.value:g}"
    texts = {
        "setting": f"the responses were drawn at {doubt.name} {value}",
        "unsaid": f"the source does not say at which {doubt.name} the responses were drawn",
        "request": f"the server that drew them was also sent {doubt.name}",
        "thoughts apart": "the source keeps thoughts apart from the texts, so that it is not known "
        "what came between prompt and text",
        "other tokens": "the two models cut the texts into other tokens",
        "retokenised": f"more than {percent(MOST_RETOKENISED, 0)} % of the responses have another "
        "number of tokens than the source says",
    }
    return texts[doubt.kind]


def divergence_title(divergence: Divergence) -> str:
    """What a divergence is called, with the reason where it is not KL."""
    direction = f"{divergence.drawn_from} || {divergence.under}"
    if divergence.is_kl:
        return f"{KL}, KL({direction})"
    reasons = "; ".join(doubt_text(doubt) for doubt in divergence.doubts)
    title = f"{DIFFERENCE[0].upper()}{DIFFERENCE[1:]}, {direction} (not KL: {reasons})"
    if any(doubt.kind == "unsaid" for doubt in divergence.doubts):
        title += "; --plain-sampling says that it was at temperature 1 with nothing cut"
    return title


def source_notes(source: ScoredSource) -> list[str]:
    """What has to be said of how a source was scored."""
    notes = []
    reasons = sorted(source.left_out.items(), key=lambda reason: -reason[1])
    for reason, number in reasons[:SHOWN_REASONS]:
        notes.append(
            f"{source.source}: {count(number)} of {count(source.responses)} responses left out: "
            f"{reason}."
        )
    rest = sum(number for _, number in reasons[SHOWN_REASONS:])
    if rest:
        notes.append(f"{source.source}: {count(rest)} responses left out for other reasons.")
    differing, compared = source.retokenised
    if differing:
        notes.append(
            f"{source.source}: texts are tokenised anew; {count(differing)} of {count(compared)} "
            "responses then have another number of tokens than the source says."
        )
    return notes


def served_notes(models: Iterable[ScoredModel]) -> list[str]:
    """What a server does not tell."""
    return [
        f"{model.name} is served: the end of a response is not counted, and the entropy at each "
        "token is not known."
        for model in models
        if not model.counts_end
    ]


def unknown_ends_note(models: Iterable[ScoredModel], source: str, unknown: int) -> str | None:
    """What has to be said where it is not known which responses ended by themselves."""
    if not unknown or not any(model.counts_end for model in models):
        return None
    return (
        f"{source} does not say of {count(unknown)} responses whether the token limit cut them: "
        "their end is not counted."
    )


def recorded_note() -> str:
    """Recorded sums hold the end, and a server's scores don't."""
    return (
        "The recorded log-probabilities hold the end of each response, of which a server does not "
        "tell: name --own for the divergence."
    )


def other_model_note(asked: str, said: str) -> str:
    """The source says that another model gave its responses."""
    return f"The source says that {said} gave its responses; --own names {asked}."


def curtailed_note(source: str) -> str:
    """How often a question was answered depends on the answers."""
    return (
        f"{source} was drawn under a curtailed plan: a question ends with its right responses, so "
        "means over all of its responses lean towards them."
    )


def own_bins_note() -> str:
    """Bins and figures are of the same responses."""
    return (
        "Bins of difficulty are by the counts of the responses that were scored; --before RESULTS "
        "takes those of other ones."
    )


def range_title(scoring: SourceScoring, ranged: WithinRange) -> str:
    """What a share within the range is."""
    under = scoring.under.name
    return (
        f"Was it in the distribution of {under}? Responses of the source that are no less likely "
        f"under it than all but the lowest {percent(ranged.tail, 0)} % of its own to the question"
    )


def right_title(scoring: SourceScoring, compared: RightCompared) -> str:
    """What the right responses of both are compared on."""
    return (
        f"Right responses of both under {scoring.under.name}, {count(compared.questions)} questions"
    )


def range_note(tail: float, least: int, questions: int) -> str:
    """Questions with too few responses of the other model."""
    return (
        f"{count(questions)} questions have fewer than {least} responses of the other model: at "
        f"--tail {tail:g} they say nothing of its range."
    )
