"""The page of a comparison: one HTML file that needs no network.

Reads a `Comparison`, draws the charts of a study's page from its tables, and writes the file whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from liftmap import __version__
from liftmap.comparison import gate_words, response_words, words
from liftmap.comparison.parts import Guidance, Provenance
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import count
from liftmap.files import write_text
from liftmap.report.dials import Dial, lost, reach_of, reliable, solves
from liftmap.report.embedded import Embedded, embed, first_prompts
from liftmap.report.lead import lead_figures
from liftmap.report.markdown import comparison_markdown
from liftmap.report.overview import Line
from liftmap.report.page import PAIR_SIDES, make_figures, reading_words, render_page
from liftmap.report.question_list import QUESTION_NOTE, ListedModel, question_data, tell
from liftmap.report.share import save_share_picture

# Characters of a name beside the dials of the picture.
MOST_NAME = 20
# The page names so many ids of a piece of advice; all are in the JSON.
MOST_IDS = 500


def build_comparison_page(comparison: Comparison, path: Path) -> Path:
    """Writes the page of a comparison, and beside it the picture to share (`share`).

    Args:
        comparison: The comparison.
        path: The HTML file to write.

    Returns:
        Its path.

    Raises:
        StoreError: The file can't be written.
    """
    write_text(path, render_comparison(comparison))
    name = "" if len(comparison.after.name) > MOST_NAME else comparison.after.name
    save_share_picture(
        path,
        f"liftmap {'reanalyse' if comparison.is_published else 'compare'}",
        comparison.message,
        [(name, _dials(comparison))],
        "  \N{MIDDLE DOT}  ".join(facts_of(comparison)[:4]),
    )
    return path


def render_comparison(comparison: Comparison) -> str:
    """The page as text."""
    reading = reading_words(
        PAIR_SIDES,
        level=comparison.level,
        margin=comparison.margin,
        k=comparison.k,
        n=comparison.transitions.bins.n,
        half=comparison.lost.k or 1,
    )
    specs: dict[str, dict[str, Any]] = {}
    name = comparison.after.name
    tables = {
        table_name: table.with_columns(model=pl.lit(name), arm=pl.lit(name))
        for table_name, table in comparison.tables.items()
    }
    verdict, guidance = comparison.verdict, comparison.guidance
    lead = [piece for piece in guidance if comparison.is_published and piece.kind == "lost"]
    listed = _listed(comparison)
    questions = _question_data(comparison, listed)
    responses = _responses_of(comparison, listed, questions)
    return render_page(
        "comparison.html.j2",
        command="reanalyse" if comparison.is_published else "compare",
        before=comparison.before.name,
        after=name,
        headline=words.headline(verdict),
        message=comparison.message,
        dials=_dials(comparison),
        tallies=tell(listed),
        facts=facts_of(comparison),
        markdown=comparison_markdown(comparison),
        lead_figures=lead_figures(tables, comparison.before.name, reading, specs),
        questions=questions,
        question_notes=[QUESTION_NOTE, responses.note],
        responses=responses.data,
        lines=[
            Line(
                name,
                words.headline(verdict),
                comparison.statements,
                (
                    *(f"{statement.text}." for statement in comparison.other_statements),
                    *comparison.caveats,
                ),
            )
        ],
        words=reading,
        measured=comparison.k > 1,
        draws="questions" if comparison.questions_are == "like-these" else "responses",
        warnings=comparison.warnings,
        lead=_advice(lead),
        guidance=_advice([piece for piece in guidance if piece not in lead]),
        advice_title=words.advice_title(guidance),
        measures=comparison.measure_lines,
        gate=[gate_words.gate_text(each) for each in comparison.gate],
        gate_note=gate_words.gate_note(
            len(comparison.gate), comparison.level, comparison.questions_are
        ),
        notes=comparison.notes,
        response_notes=()
        if comparison.response_analyses is None
        else response_words.note_texts(comparison.response_analyses),
        sections=make_figures(tables, comparison.source, reading, specs),
        specs=specs,
        most_ids=MOST_IDS,
    )


def _dials(comparison: Comparison) -> list[Dial]:
    """Accuracy, capability, and questions lost beyond noise."""
    accuracy, capability = comparison.axes
    changes = [each.axis.change for each in (accuracy, capability) if each is not None]
    reach = reach_of(changes, comparison.margin)
    excess = comparison.lost.excess
    return [
        reliable(accuracy, comparison.margin, reach),
        solves(capability, comparison.margin, reach),
        lost(excess, reach_of([excess], 0.0), comparison.lost.k),
    ]


def facts_of(comparison: Comparison) -> list[str]:
    """What was compared, in one line: names, numbers, settings, date and version."""
    sides = (comparison.before, comparison.after)
    facts = [f"{sides[0].name} \N{RIGHTWARDS ARROW} {sides[1].name}"]
    facts.append(f"{count(comparison.questions)} questions")
    numbers = [_numbers(side) for side in sides]
    if all(numbers):
        same = numbers[0] == numbers[1]
        facts.append(f"{numbers[0]} responses each" if same else f"{numbers[0]} and {numbers[1]}")
    facts.append(f"k = {count(comparison.k)}")
    for setting in ("temperature", "top_p", "top_k", "template", "verifier"):
        values = [side.settings.get(setting) for side in sides]
        if any(value is not None for value in values):
            shown = [_setting(value) for value in values]
            text = shown[0] if shown[0] == shown[1] else f"{shown[0]} and {shown[1]}"
            facts.append(f"{setting.replace('_', ' ')} {text}")
    facts += [
        f"margin {words.margin_text(comparison.margin)}",
        f"seed {comparison.seed}",
        comparison.date.isoformat(),
        f"liftmap {__version__}",
    ]
    return facts


def _numbers(side: Provenance) -> str:
    """How many responses a question has: `256`, or `8 to 256`."""
    if side.responses is None:
        return ""
    least, _, most = side.responses.n
    return count(most) if least == most else f"{count(least)} to {count(most)}"


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "unknown" if value is None else str(value)


def _listed(comparison: Comparison) -> list[ListedModel]:
    if comparison.pair is None:
        return []
    return [ListedModel(comparison.after.name, comparison.question_table())]


def _question_data(comparison: Comparison, listed: list[ListedModel]) -> dict[str, Any] | None:
    """The list of questions; None for a published matrix."""
    if not listed:
        return None
    texts: dict[str, str] = {}
    for outcomes in comparison.outcomes or ():
        texts |= first_prompts(outcomes)
    return question_data(listed, comparison.transitions.bins.labels, texts)


def _responses_of(
    comparison: Comparison, listed: list[ListedModel], questions: dict[str, Any] | None
) -> Embedded:
    """The responses that the page holds."""
    if questions is None or comparison.outcomes is None:
        return Embedded()
    sides = zip((comparison.before, comparison.after), comparison.outcomes, strict=True)
    before, after = ((side.name, outcomes) for side, outcomes in sides)
    return embed(listed, questions["ids"], before, [after])


def _advice(guidance: list[Guidance]) -> list[tuple[str, tuple[str, ...]]]:
    """Each piece in words, and the ids behind it."""
    return [(words.advice(piece), piece.questions) for piece in guidance]
