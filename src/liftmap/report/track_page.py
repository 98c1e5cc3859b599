"""The page of a run over its steps: one HTML file that needs no network.

Reads a `Track`, draws charts from its tables, and writes the file whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from liftmap import __version__
from liftmap.comparison import gate_words, track_words, words
from liftmap.comparison.rounding import count
from liftmap.comparison.track_record import Track
from liftmap.files import write_text
from liftmap.report.charts import Chart, Legend
from liftmap.report.charts import track_charts as draw
from liftmap.report.charts.style import DOWN, GREY, UP
from liftmap.report.page import Figure, make_figure, render_page
from liftmap.report.track_markdown import track_markdown

_BAND: Legend = (
    ("band above zero", UP, "dot"),
    ("below zero", DOWN, "dot"),
    ("holds zero", GREY, "dot"),
)
_MOVES: Legend = (
    ("lost beyond noise", DOWN, "dot"),
    ("gained beyond noise", UP, "dot"),
    ("neither is shown", GREY, "dot"),
)
_POINTS = {"change": "points", "band": "points", "value": "percent"}
_SHARES = {"length": "number1", "entropy": "number3", "truncated": "small"}
_CHARTS: dict[str, Chart] = {
    "changes": Chart(
        "Accuracy and capability",
        "Change of pass@1 and pass@{k} from step {base}",
        "The shade is one simultaneous {level} band over all steps, all numbers of tries and "
        "questions lost and gained: a coloured point is a change although many were looked at.",
        "passes",
        draw.changes,
        _BAND,
        _POINTS,
    ),
    "moves": Chart(
        "Questions lost and gained",
        "Questions lost and gained beyond noise since step {base}",
        "Solved within half of the responses before and not after, or the reverse, less what two "
        "samples of the base show. Below zero answers have become steadier. The shade is the same "
        "band.",
        "moves",
        draw.moves,
        _MOVES,
        {"excess": "signed1", "band": "signed1"},
    ),
    "responses": Chart(
        "Responses",
        "What responses are like",
        "Bars are {level} intervals over questions, each step by itself.",
        "responses",
        draw.responses,
        (),
        _SHARES,
    ),
}


def build_track_page(track: Track, path: Path) -> Path:
    """Writes the page of a run.

    Args:
        track: The run.
        path: The HTML file to write, whole or not at all.

    Returns:
        Its path.

    Raises:
        StoreError: The file can't be written.
    """
    write_text(path, render_track(track))
    return path


def render_track(track: Track) -> str:
    """The page as text."""
    specs: dict[str, dict[str, Any]] = {}
    reading = {
        "k": count(track.k),
        "base": str(track.base.number),
        "level": words.level_text(track.level),
    }
    tables = track.tables
    sections: dict[str, list[Figure]] = {}
    for name, chart in _CHARTS.items():
        if tables[chart.table].is_empty():
            continue
        figure = make_figure(name, chart, tables[chart.table], reading, specs)
        if figure.panels:
            sections.setdefault(chart.section, []).append(figure)
    return render_page(
        "track.html.j2",
        base=track.base.number,
        last=track.steps[-1].number,
        facts=[
            f"{count(len(track.steps))} step{'' if len(track.steps) == 1 else 's'} against step "
            f"{track.base.number}",
            f"{count(track.questions)} questions",
            f"k = {count(track.k)}",
            f"intervals {words.level_text(track.level)}",
            "changes in points, later minus earlier",
            f"liftmap {__version__}",
        ],
        markdown=track_markdown(track),
        headline=track.sentences[0],
        sentences=track.sentences[1:],
        caveats=track.caveats,
        gate=[(each.step, gate_words.gate_text(each.answer)) for each in track.gate],
        gate_note=track_words.gate_note(track) if track.gate else "",
        warnings=track.warnings,
        sections=sections,
        specs=specs,
    )
