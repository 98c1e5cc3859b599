"""A scoring in the terminal: likelihoods first, then divergences, entropy and range.

Reads a `SourceScoring`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from liftmap.comparison.rounding import NOTHING, count, fixed, percent
from liftmap.records import Estimate
from liftmap.scoring import scored_words
from liftmap.scoring.scored_record import SourceScoring

# Decimals of nats.
DECIMALS = 3


def scoring_page(scoring: SourceScoring) -> Group:
    """How likely the model finds the responses, and what follows from it."""
    head = Text(f"Scored under {scoring.under.name}", "bold")
    scope = f"{count(scoring.questions)} questions; intervals cover {percent(scoring.level, 0)} %"
    parts: list[RenderableType] = [head, Text(scope, "dim")]
    parts += [Text(scored_words.asked_how(source), "dim") for source in scoring.sources]
    parts += [*_likelihoods(scoring), *_divergences(scoring), *_entropies(scoring)]
    parts += [*_range(scoring), *_right(scoring)]
    if scoring.warnings:
        parts += [Text(), Text("Note", "bold"), *(Text(f"- {text}") for text in scoring.warnings)]
    return Group(*parts)


def _likelihoods(scoring: SourceScoring) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for likelihoods in scoring.likelihoods:
        table = _table(
            "", "responses", "log-likelihood\nper token", "perplexity", "entropy\nper token"
        )
        for row in likelihoods.rows:
            table.add_row(
                _group(row.verdict, row.bin),
                count(row.responses),
                _nats(row.log_likelihood),
                _estimate(row.perplexity, 2),
                _nats(row.entropy),
            )
        whose = scored_words.whose(scoring, likelihoods.side)
        title = f"{whose[0].upper()}{whose[1:]} under {likelihoods.under}, in nats"
        parts += [Text(), Text(title, "bold"), table]
    return parts


def _divergences(scoring: SourceScoring) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for divergence in scoring.divergences:
        table = _table("", "k1\nper response", "k1\nper token", "k3\nper response", "k3\nper token")
        for row in divergence.rows:
            table.add_row(
                _group("all", row.bin),
                *map(_nats, (row.k1_response, row.k1_token, row.k3_response, row.k3_token)),
            )
        title = scored_words.divergence_title(divergence)
        parts += [Text(), Text(f"{title}, in nats", "bold"), table]
    return parts


def _entropies(scoring: SourceScoring) -> list[RenderableType]:
    if not scoring.sampled_entropies:
        return []
    table = _table("Sampled entropy per token, in nats", "responses", "entropy")
    for sampled in scoring.sampled_entropies:
        table.add_row(sampled.model, count(sampled.responses), _nats(sampled.entropy))
    return [Text(), table]


def _range(scoring: SourceScoring) -> list[RenderableType]:
    ranged = scoring.within_range
    if ranged is None:
        return []
    table = _table("", "responses", "questions", "within, %")
    for row in ranged.rows:
        share = NOTHING if row.share is None else _scaled(row.share)
        table.add_row(
            _group(row.verdict, row.bin), count(row.responses), count(row.questions), share
        )
    title = scored_words.range_title(scoring, ranged)
    return [Text(), Text(title, "bold"), table]


def _right(scoring: SourceScoring) -> list[RenderableType]:
    compared = scoring.right_compared
    if compared is None:
        return []
    change = compared.change
    table = _table("log-likelihood per token of right responses", "nats")
    table.add_row(f"of {scoring.under.name}", _nats(change.before))
    table.add_row("of the source", _nats(change.after))
    table.add_row("change", _nats(change.change))
    return [Text(), Text(scored_words.right_title(scoring, compared), "bold"), table]


def _group(verdict: str, bin: str | None) -> str:
    return verdict if bin is None else f"{bin} right: {verdict}"


def _nats(estimate: Estimate | None) -> str:
    return _estimate(estimate, DECIMALS)


def _estimate(estimate: Estimate | None, decimals: int) -> str:
    if estimate is None:
        return NOTHING
    ends = ", ".join(fixed(end, decimals) for end in (estimate.low, estimate.high))
    return f"{fixed(estimate.estimate, decimals)}\n[{ends}]"


def _scaled(share: Estimate) -> str:
    ends = ", ".join(percent(end) for end in (share.low, share.high))
    return f"{percent(share.estimate)} [{ends}]"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table
