"""The table of attacks: as lines in a terminal, and in docs/calibration.md between two marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.calibrate.attacks import Attack
from bench.calibrate.judge import COLUMNS, PROMISES
from bench.calibrate.run import Count, Counts
from liftmap.errors import InputError

START, END = "<!-- attacks -->", "<!-- end of attacks -->"
# A count that falls short of its promise stands in bold.
BOLD = "**"


def rows(attacks: Sequence[Attack], counts: Mapping[str, Counts]) -> list[list[str]]:
    """The heading and a row for each attack, in percent; a shortfall stands in bold."""
    used = [
        column
        for column in COLUMNS
        if any(_claims_of(attack, counts[attack.name], column) for attack in attacks)
    ]
    others = any(_others(attack, counts[attack.name]) for attack in attacks)
    table = [["attack", *used, *["other claims"] * others, "rounds"]]
    for attack in attacks:
        found = counts[attack.name]
        cells = [_worst(attack, found, column) for column in used]
        other = "; ".join(
            f"{claim} {_cell(claim, found[claim])} ({_promised(claim)})"
            for claim in _others(attack, found)
        )
        rounds = max((count.rounds for count in found.values()), default=0)
        table.append([attack.name, *cells, *[other] * others, f"{rounds:,}"])
    return table


def _claims_of(attack: Attack, found: Counts, column: str) -> list[str]:
    """The claims that stand in a column: one, or one for each bin or axis."""
    if column not in attack.claims:
        return []
    return [claim for claim in found if claim == column or claim.startswith(f"{column} ")]


def _others(attack: Attack, found: Counts) -> list[str]:
    return [claim for claim in attack.claims if claim not in COLUMNS and claim in found]


def _worst(attack: Attack, found: Counts, column: str) -> str:
    """The cell of a column; of several claims the one that keeps its promise worst."""
    claims = _claims_of(attack, found, column)
    if not claims:
        return ""
    worst = _least_kept(column, claims, found)
    note = worst.removeprefix(column).strip()
    return _cell(column, found[worst]) + (f" ({note})" if note else "")


def _least_kept(column: str, claims: Sequence[str], found: Counts) -> str:
    sign = 1 if PROMISES[column].at_least else -1
    return min(claims, key=lambda claim: sign * found[claim].share)


def _cell(claim: str, count: Count) -> str:
    text = f"{100 * count.share:.1f} ± {100 * count.error:.1f}"
    return text if count.keeps(PROMISES[claim]) else f"{BOLD}{text}{BOLD}"


def _promised(claim: str) -> str:
    promise = PROMISES[claim]
    return f"{'≥' if promise.at_least else '≤'} {100 * promise.share:.0f}"


def lines(attacks: Sequence[Attack], counts: Mapping[str, Counts]) -> list[str]:
    """The same for a terminal: an attack and its claims below it, shortfalls marked."""
    text = []
    for attack in attacks:
        found = counts[attack.name]
        text.append(attack.name)
        for claim in attack.claims:
            names = _claims_of(attack, found, claim) if claim in COLUMNS else [claim]
            if names and names[0] in found:
                worst = _least_kept(claim, names, found)
                cell = _cell(claim, found[worst])
                mark = "  short of it" if cell.startswith(BOLD) else ""
                count = f"{found[worst].rounds:,} rounds"
                text.append(
                    f"    {worst:28} {cell.strip(BOLD):>12} %  {_promised(claim)} %  {count}{mark}"
                )
    return text


def markdown(attacks: Sequence[Attack], counts: Mapping[str, Counts]) -> str:
    """The table as Markdown."""
    heading, *lines = rows(attacks, counts)
    return "\n".join(
        f"| {' | '.join(line)} |" for line in (heading, ["---"] * len(heading), *lines)
    )


def insert(page: Path, command: str, table: str) -> None:
    """Replaces the table of a page, between its marks.

    Raises:
        InputError: The page has no marks.
    """
    text = page.read_text("utf-8")
    if START not in text or END not in text:
        raise InputError(
            f"{page} has no place for the table.",
            seen=page,
            remedy=f"Write {START} and {END} on lines of their own.",
        )
    head, tail = text.split(START)[0], text.split(END)[1]
    page.write_text(f"{head}{START}\n\nBy `{command}`:\n\n{table}\n\n{END}{tail}", "utf-8")
