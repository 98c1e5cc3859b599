"""Results for the model hub: Markdown whose front matter is a `model-index`.

Reads a `Comparison` or a `Suite`; gives text with pass@1 and pass@k of the model after, in the
format that `huggingface_hub.ModelCardData` reads (https://huggingface.co/docs/hub/model-cards). A
metric has one value there; its interval, k and level stand in the metric's `args`, which the format
leaves free, and in its name.
"""

from __future__ import annotations

import json
from typing import Any

from liftmap import __version__
from liftmap.comparison import words
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import percent
from liftmap.comparison.suite_result import Suite
from liftmap.records import Change, Estimate
from liftmap.report.markdown import comparison_markdown
from liftmap.report.suite_markdown import suite_markdown

TASK = "text-generation"


def comparison_card(comparison: Comparison, dataset: str) -> str:
    """The card of the model after, by one benchmark.

    Args:
        comparison: The comparison.
        dataset: What the questions are, as `openai/gsm8k` or `gsm8k`.

    Returns:
        Markdown with YAML front matter.
    """
    name = comparison.after.model or comparison.after.name
    return _card(name, {dataset: comparison}, comparison_markdown(comparison))


def suite_card(suite: Suite) -> str:
    """The card of the model after, by several benchmarks.

    Args:
        suite: The suite.

    Returns:
        Markdown with YAML front matter.
    """
    comparisons = {each.name: each.comparison for each in suite.benchmarks}
    return _card(suite.after or "model", comparisons, suite_markdown(suite))


def _card(name: str, comparisons: dict[str, Comparison], body: str) -> str:
    index = [{"name": name, "results": [_result(*each) for each in comparisons.items()]}]
    # JSON is YAML: whatever a name holds, it is quoted as it must be.
    matter = json.dumps(index, ensure_ascii=False, indent=2, allow_nan=False)
    return (
        f"---\nmodel-index: {_indented(matter)}\n---\n\n{body}\n"
        f"Evaluated by liftmap {__version__}.\n"
    )


def _indented(text: str) -> str:
    """Below the key, so that it is a value in block style's sense too."""
    return text.replace("\n", "\n  ")


def _result(dataset: str, comparison: Comparison) -> dict[str, Any]:
    figures: dict[int, Change] = {1: comparison.accuracy}
    if comparison.k > 1:
        figures[comparison.k] = comparison.at_k
    return {
        "task": {"type": TASK},
        "dataset": {"type": dataset, "name": dataset},
        "metrics": [_metric(k, figure, comparison) for k, figure in figures.items()],
    }


def _metric(k: int, figure: Change, comparison: Comparison) -> dict[str, Any]:
    after = figure.after.whole
    return {
        "type": f"pass@{k}",
        "name": f"pass@{k}, % ({words.level_text(comparison.level)} interval "
        f"{percent(after.low)} to {percent(after.high)})",
        "value": _rounded(100 * after.estimate),
        "args": {
            "k": k,
            "questions": comparison.questions,
            "level": comparison.level,
            **_ends(after, "interval"),
            "before": _rounded(100 * figure.before.estimate),
            "change": _rounded(100 * figure.change.estimate),
            **_ends(figure.change.whole, "change_interval"),
        },
    }


def _ends(estimate: Estimate, name: str) -> dict[str, list[float]]:
    return {name: [_rounded(100 * end) for end in (estimate.low, estimate.high)]}


def _rounded(value: float) -> float:
    """To two decimals, without a negative zero."""
    return round(value, 2) + 0.0
