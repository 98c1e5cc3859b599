"""A comparison in the terminal: a summary of 12 lines, or all of it.

Reads a `Comparison`, gives rich renderables that fit 80 columns. The summary says what changed in
one sentence and what it rests on in a few lines; the page has the verdict first, then the figures
and tables, then what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from liftmap.comparison import gate_words, measure_words, response_words, summary_words, words
from liftmap.comparison.parts import Guidance
from liftmap.comparison.result import Comparison
from liftmap.comparison.rounding import (
    NOTHING,
    count,
    fixed,
    number_of_questions,
    percent,
    points,
)
from liftmap.records import Estimate

# Styles of the words of an axis; words that are not here say that nothing is known.
_STYLES = {"up": "bold blue", "down": "bold dark_orange3", "within": "bold"}
GATE_STYLES = {"passed": "bold blue", "failed": "bold dark_orange3", "can't tell": "bold"}
# Measures of responses that the page shows; all are in the JSON and on the HTML page.
SHOWN_RESPONSES = ("length", "reflection", "thinking", "copies")
# Ids that stand behind a piece of advice; all are in the JSON.
_NAMED = 3


def comparison_summary(comparison: Comparison) -> Group:
    """A comparison in 12 lines of 80 columns, a line more for each rule and each null."""
    lost = summary_words.lost_line(comparison)
    return Group(
        Text(comparison.message, "bold"),
        _head(comparison),
        Text(_names(comparison), "dim", no_wrap=True, overflow="ellipsis"),
        *_statements(comparison.statements),
        *([Text(lost)] if lost else []),
        *(Text(gate_words.gate_text(each), GATE_STYLES[each.word]) for each in comparison.gate),
        *(Text(measure_words.null_lines(each)[0]) for each in comparison.nulls),
        Text(summary_words.left_out_line(comparison), "dim"),
    )


def comparison_page(comparison: Comparison) -> Group:
    """The whole comparison; for a published matrix what the matrix fixes comes first."""
    parts: list[RenderableType] = []
    firm = [piece for piece in comparison.guidance if piece.kind == "lost"]
    if comparison.is_published and firm:
        parts += [Text("What the matrix does fix", "bold"), *_advice(firm), Text()]
    parts += [
        *_verdict(comparison),
        *_gate(comparison),
        _section("Accuracy (k = 1) and capability (pass@k), %", _curve(comparison)),
        _section(
            f"The same {words.about_questions(comparison.other_are)}, %", _other_curve(comparison)
        ),
        _section("Accuracy by difficulty before, %", _bins(comparison)),
        _section("Questions lost and gained", _moves(comparison)),
        *_responses(comparison),
        *(Text(text) for text in comparison.notes),
        *(Text(text) for text in comparison.measure_lines),
    ]
    rest = [p for p in comparison.guidance if not (comparison.is_published and p in firm)]
    if rest:
        parts += [Text(), Text(words.advice_title(rest), "bold"), *_advice(rest)]
    if comparison.warnings:
        parts += [Text(), Text("Note", "bold"), *map(bullet, comparison.warnings)]
    return Group(*parts)


def _verdict(comparison: Comparison) -> list[RenderableType]:
    return [
        _head(comparison),
        Text(_names(comparison), "dim", overflow="fold"),
        *_statements((*comparison.statements, *comparison.other_statements)),
        *map(bullet, comparison.caveats),
    ]


def _head(comparison: Comparison) -> Text:
    level = words.level_text(comparison.level)
    scope = f"  {count(comparison.questions)} questions; intervals cover {level}"
    return Text.assemble((words.headline(comparison.verdict), "bold reverse"), scope)


def _names(comparison: Comparison) -> str:
    return f"{comparison.before.name} → {comparison.after.name}"


def _statements(statements: Iterable[words.Statement]) -> list[Text]:
    return [Text(each.text, _STYLES.get(each.word, "dim")) for each in statements]


def _gate(comparison: Comparison) -> list[RenderableType]:
    """The answers to what was required."""
    if not comparison.gate:
        return []
    note = gate_words.gate_note(len(comparison.gate), comparison.level, comparison.questions_are)
    return [
        Text(),
        Text("Required", "bold"),
        *(Text(gate_words.gate_text(each), GATE_STYLES[each.word]) for each in comparison.gate),
        Text(note, "dim"),
    ]


def _section(title: str, table: Table) -> RenderableType:
    return Padding(Group(Text(title, "bold"), table), (1, 0, 0, 0)) if table.row_count else Text()


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right")
    return table


def _curve(comparison: Comparison) -> Table:
    chosen = [point for point in comparison.capability if _is_shown(point.k, comparison.k)]
    banded = any(point.band for point in chosen)
    ranged = any(point.change.range for point in chosen)
    last = ["band, all k"] * banded + ["range of change"] * ranged
    table = _table("k", "before", "after", "change", *last)
    for point in chosen:
        cells = [count(point.k) + (" (law)" if point.extrapolated else "")]
        cells += [_share(point.before), _share(point.after), _change(point.change)]
        if banded:
            cells.append(NOTHING if point.band is None else _ends(point.band))
        if ranged:
            cells.append(_range(point.change))
        table.add_row(*cells)
    return table


def _other_curve(comparison: Comparison) -> Table:
    table = _table("k", "before", "after", "change", "range of change")
    points = comparison.other_points
    for point in points:
        if _is_shown(point.k, points[-1].k):
            cells = [_share(point.before), _share(point.after), _change(point.change)]
            table.add_row(count(point.k), *cells, _range(point.change))
    if not any(point.change.range for point in points):
        table.columns.pop()
    return table


def _is_shown(k: int, most: int) -> bool:
    """Whether k is a power of two, or the most."""
    return k >= most or k & (k - 1) == 0


def _bins(comparison: Comparison) -> Table:
    ranged = any(change.change.range for change in comparison.bins)
    banded = any(change.band for change in comparison.bins)
    sizes = {change.responses for change in comparison.bins} - {None}
    # Where halves differ in size, the labels are out of the most responses.
    out_of = sizes.pop() if len(sizes) == 1 else comparison.transitions.bins.n
    size = f"right of {count(out_of)}"
    last = ["band, all bins"] * banded + ["range of change"] * ranged
    table = _table(size, "questions", "before", "after", "change", *last)
    for figure in comparison.bins:
        cells = [figure.label, count(round(figure.questions, 1)), percent(figure.before.estimate)]
        cells += [percent(figure.after.estimate), _change(figure.change)]
        if banded:
            cells.append(NOTHING if figure.band is None else _ends(figure.band))
        table.add_row(*cells, *([_range(figure.change)] * ranged))
    return table


def _moves(comparison: Comparison) -> Table:
    table = _table("", "k", "questions", "noise alone", "beyond noise", "gross")
    for name, moves in (("lost", comparison.lost), ("gained", comparison.gained)):
        if moves.k is not None:
            cells = [number_of_questions(moves.estimate), number_of_questions(moves.noise)]
            cells.append(number_of_questions(moves.excess, signed=True))
            table.add_row(name, count(moves.k), *cells, "")
            _add_ranges(table, moves.estimate, moves.noise, moves.excess, None)
        if moves.at_n is not None:
            at_n = moves.at_n
            cells = [number_of_questions(at_n.noise)]
            cells.append(number_of_questions(at_n.excess, signed=True))
            cells.append(number_of_questions(at_n.gross))
            table.add_row(name, count(at_n.n), count(at_n.observed), *cells)
            _add_ranges(table, None, at_n.noise, at_n.excess, at_n.gross)
            if at_n.floor is not None:
                excess = words.floor_text(at_n.floor.excess, signed=True)
                gross = words.floor_text(at_n.floor.gross)
                table.add_row("  if unchanged", "", "", "", excess, gross, style="dim")
    return table


def _responses(comparison: Comparison) -> list[RenderableType]:
    """The responses of both sides in short; what their texts could not tell is said."""
    analyses = comparison.response_analyses
    # That tallies have no texts needs no word here.
    if analyses is None or len(analyses.missing) == 2:
        return []
    table = _table("responses to all questions", "before", "after", "change")
    for verdict in ("right", "wrong"):
        for measure, figure in () if analyses.missing else analyses.group(verdict).figures.items():
            if measure in SHOWN_RESPONSES or measure.startswith("phrases:"):
                cells = response_words.figure_cells(measure, figure)
                table.add_row(response_words.row_text(measure, verdict, analyses), *cells)
    notes = [Text(text, "dim") for text in response_words.note_texts(analyses)]
    return [_section("What the responses look like", table), *notes, Text()]


def _add_ranges(table: Table, *estimates: Estimate | None) -> None:
    """A row of what the data leave open, where any of the figures says it; the third is net."""
    if any(estimate is not None and estimate.range for estimate in estimates):
        cells = [
            words.range_of_questions(estimate, signed=place == 2)
            if estimate is not None and estimate.range
            else ""
            for place, estimate in enumerate(estimates)
        ]
        table.add_row("  range", "", *cells, style="dim")


def _advice(guidance: Sequence[Guidance]) -> Iterable[RenderableType]:
    for piece in guidance:
        text = words.advice(piece)
        if piece.questions:
            first = ", ".join(piece.questions[:_NAMED])
            more = len(piece.questions) - _NAMED
            text += f" [{first}{f' and {count(more)} more' if more > 0 else ''}]"
        yield bullet(text)


def bullet(text: str) -> Table:
    """A text with a dash before it."""
    bullet = Table.grid(padding=(0, 1))
    bullet.add_row("-", Text(text))
    return bullet


def _share(estimate: Estimate) -> str:
    return f"{percent(estimate.estimate)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def _change(estimate: Estimate) -> str:
    return f"{points(estimate.estimate)} [{percent(estimate.low)}, {percent(estimate.high)}]"


def _range(estimate: Estimate) -> str:
    """The identification range of a change of a share, in points."""
    return NOTHING if estimate.range is None else _ends(estimate.range)


def _ends(ends: tuple[float, float]) -> str:
    low, high = (fixed(100 * end, signed=True) for end in ends)
    return f"{low} to {high}"
