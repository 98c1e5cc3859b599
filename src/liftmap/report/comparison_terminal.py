"""A comparison in the terminal: the verdict first, then what it rests on, then what to do.

Reads a `Comparison`, gives rich renderables that fit 80 columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from liftmap.comparison.result import Comparison, Guidance
from liftmap.records import Estimate
from liftmap.report.numbers import NOTHING, count, fixed, p_value, percent, points
from liftmap.stats.law.estimates import MovesAtN

_COLOURS = {"up": "bold blue", "down": "bold dark_orange3", "within": "bold", "unsettled": "dim"}
# Ids that stand behind a piece of advice; all are in the JSON.
_NAMED = 3


def comparison_page(found: Comparison) -> Group:
    """The whole comparison; for a published matrix what the matrix fixes comes first."""
    parts: list[RenderableType] = []
    firm = [one for one in found.guidance if one.kind == "lost"]
    if found.is_published and firm:
        parts += [Text("What the matrix does fix", "bold"), *_advice(firm), Text()]
    parts += [
        *_verdict(found),
        _section("Accuracy (k = 1) and capability (pass@k), %", _curve(found)),
        _section("Accuracy by difficulty before, %", _bins(found)),
        _section("Questions lost and gained", _moves(found)),
        *(Text(text) for text in notes(found)),
    ]
    rest = [one for one in found.guidance if not (found.is_published and one in firm)]
    if rest:
        parts += [Text(), Text("What to do", "bold"), *_advice(rest)]
    if found.warnings:
        parts += [Text(), Text("Note", "bold"), *(_bullet(text) for text in found.warnings)]
    return Group(*parts)


def _verdict(found: Comparison) -> list[RenderableType]:
    one = found.verdict
    scope = f"  {count(found.questions)} questions; intervals cover {_level(found)} %"
    head = Text.assemble((one.label, "bold reverse"), scope)
    names = Text(f"{found.names[0]} → {found.names[1]}", "dim", overflow="fold")
    words = zip((one.accuracy, one.capability), one.because.split("; "), strict=True)
    return [head, names, *(Text(text, _COLOURS[word]) for word, text in words)]


def _level(found: Comparison) -> str:
    return f"{100 * found.level:.4g}"


def _section(title: str, table: Table) -> RenderableType:
    return Padding(Group(Text(title, "bold"), table), (1, 0, 0, 0)) if table.row_count else Text()


def _table(*headings: str) -> Table:
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for place, heading in enumerate(headings):
        out.add_column(heading, justify="left" if place == 0 else "right")
    return out


def _curve(found: Comparison) -> Table:
    chosen = [point for point in found.capability if _is_shown(point.k, found.k)]
    banded = any(point.band for point in chosen)
    ranged = any(point.change.range for point in chosen)
    last = ["band, all k"] * banded + ["range of change"] * ranged
    out = _table("k", "before", "after", "change", *last)
    for point in chosen:
        cells = [f"{point.k:,}" + (" (law)" if point.extrapolated else "")]
        cells += [_share(point.before), _share(point.after), _change(point.change)]
        if banded:
            cells.append(NOTHING if point.band is None else _ends(point.band, 100))
        if ranged:
            cells.append(_range(point.change, 100))
        out.add_row(*cells)
    return out


def _is_shown(k: int, most: int) -> bool:
    """Whether k is a power of two, or the most."""
    return k >= most or k & (k - 1) == 0


def _bins(found: Comparison) -> Table:
    ranged = any(one.change.range for one in found.bins)
    last = ["range of change"] * ranged
    out = _table(f"right of {_n(found)}", "questions", "before", "after", "change", *last)
    for one in found.bins:
        cells = [one.label, count(round(one.questions, 1))]
        cells += [percent(one.before.estimate), percent(one.after.estimate), _change(one.change)]
        out.add_row(*cells, *([_range(one.change, 100)] * ranged))
    return out


def _n(found: Comparison) -> str:
    """The number of responses that the bins are out of."""
    return found.transitions.bins[-1].split("-")[-1]


def _moves(found: Comparison) -> Table:
    out = _table("", "k", "questions", "noise alone", "beyond noise", "gross")
    for name, moves in (("lost", found.lost), ("gained", found.gained)):
        if moves.k is not None:
            cells = [_number(moves.estimate), _number(moves.noise), _number(moves.excess, True)]
            out.add_row(name, f"{moves.k:,}", *cells, "")
            _add_ranges(out, moves.estimate, moves.noise, moves.excess, None)
        if moves.at_n is not None:
            at_n = moves.at_n
            cells = [_number(at_n.noise), _number(at_n.excess, True), _number(at_n.gross)]
            out.add_row(name, f"{at_n.k:,}", count(at_n.observed), *cells)
            _add_ranges(out, None, at_n.noise, at_n.excess, at_n.gross)
    return out


def _add_ranges(out: Table, *estimates: Estimate | None) -> None:
    """A row of what the data leave open, where any of the figures says it."""
    if any(one is not None and one.range for one in estimates):
        cells = ["" if one is None or one.range is None else _range(one, 1) for one in estimates]
        cells[2] = _range(estimates[2], 1, True) if estimates[2] else ""
        out.add_row("  range", "", *cells, style="dim")


def notes(found: Comparison) -> Iterable[str]:
    """Unsolved questions, what noise explains, McNemar's test and the first loss, a line each."""
    raw = found.transitions.raw
    if found.transitions.bins[0] == "0":
        unsolved = (sum(raw[0]), sum(row[0] for row in raw))
        yield (
            f"Never right in {_n(found)}: {count(unsolved[0])} questions before, "
            f"{count(unsolved[1])} after."
        )
    for name, moves in (("lost", found.lost), ("gained", found.gained)):
        if moves.at_n is not None and moves.at_n.observed:
            yield _noise_share(name, moves.at_n)
    if found.mcnemar_p is not None:
        yield f"Lost against gained, exact McNemar test: p = {p_value(found.mcnemar_p)}"
    loss = found.first_loss_k
    if loss is not None:
        first = "none" if loss.estimate is None else f"{loss.estimate:,}"
        ks = loss.possible
        span = f"{ks[0]:,} to {ks[-1]:,}" if ks else "none"
        never = ", or never" if loss.never_possible else ""
        yield f"First k at which after lies below before: {first} (possible: {span}{never})"


def _noise_share(name: str, at_n: MovesAtN) -> str:
    """How much of what was observed at n is noise."""
    noise, observed = at_n.noise, at_n.observed
    share, low, high = (
        percent(min(max(end / observed, 0), 1), 0)
        for end in (noise.estimate, noise.low, noise.high)
    )
    text = (
        f"Of {count(observed)} {name} at k = {at_n.k:,}, noise explains {_number(noise)}, "
        f"{share} % [{low}, {high}]"
    )
    return f"{text}; the data leave open {_range(noise, 1)}." if noise.range else f"{text}."


def _advice(guidance: Sequence[Guidance]) -> Iterable[RenderableType]:
    for one in guidance:
        text = one.text
        if one.questions:
            first = ", ".join(one.questions[:_NAMED])
            more = len(one.questions) - _NAMED
            text += f" [{first}{f' and {more:,} more' if more > 0 else ''}]"
        yield _bullet(text)


def _bullet(text: str) -> Table:
    out = Table.grid(padding=(0, 1))
    out.add_row("-", Text(text))
    return out


def _share(found: Estimate) -> str:
    return f"{percent(found.estimate)} [{percent(found.low)}, {percent(found.high)}]"


def _change(found: Estimate) -> str:
    return f"{points(found.estimate)} [{percent(found.low)}, {percent(found.high)}]"


def _number(found: Estimate | None, signed: bool = False) -> str:
    """A number of questions with its interval."""
    if found is None:
        return NOTHING
    low, high = (fixed(end, _decimals(found)) for end in (found.low, found.high))
    return f"{fixed(found.estimate, _decimals(found), signed=signed)} [{low}, {high}]"


def _decimals(found: Estimate) -> int:
    """Of a number of questions: none from 20 up."""
    return 0 if abs(found.estimate) >= 20 else 1


def _range(found: Estimate, scale: float, signed: bool = False) -> str:
    """The identification range: of a change of a share in points, or of a number of questions."""
    if found.range is None:
        return NOTHING
    if scale != 1:
        return _ends(found.range, scale)
    ends = (fixed(end, _decimals(found), signed=signed) for end in found.range)
    return " to ".join(ends)


def _ends(ends: tuple[float, float], scale: float) -> str:
    low, high = (fixed(scale * end, signed=True) for end in ends)
    return f"{low} to {high}"
