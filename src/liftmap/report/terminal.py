"""The study in the terminal: one row a checkpoint, for the end of a long run.

Reads tables, gives a rich renderable; the page says more.
"""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from liftmap.report.overview import Tables, summarise, summary_rows

_COLOURS = {"up": "blue", "down": "dark_orange3"}


def summary(tables: Tables) -> Table:
    """The summary table of a study, at most 100 columns wide for names of usual length.

    Args:
        tables: The study's tables by name; `capability` and `verdict` have to be among them.

    Raises:
        InputError: One of the two is missing.
    """
    overview = summarise(tables)
    ks = sorted(overview["k"].unique().to_list())
    out = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    out.add_column("checkpoint", overflow="fold")
    out.add_column("accuracy %", justify="right", no_wrap=True)
    out.add_column("change", justify="right")
    out.add_column(f"pass@{'/'.join(map(str, ks))} %", justify="right", no_wrap=True)
    out.add_column("change", justify="right")
    out.add_column("lost*", justify="right")
    out.add_column("verdict")
    for row in summary_rows(overview):
        out.add_row(
            row.model,
            row.accuracy,
            Text(row.accuracy_change, _COLOURS.get(row.accuracy_word, "")),
            row.capability,
            Text(row.capability_change, _COLOURS.get(row.capability_word, "")),
            row.lost,
            row.label,
        )
    out.caption = "Changes in points with intervals. * questions lost beyond noise, net"
    out.caption_justify = "left"
    return out
