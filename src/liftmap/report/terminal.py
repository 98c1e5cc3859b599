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
    """The summary table of a study, some 80 columns wide for names of usual length.

    Args:
        tables: The study's tables by name; `capability` and `verdict` have to be among them.

    Raises:
        InputError: One of the two is missing.
    """
    overview = summarise(tables)
    ks = "/".join(str(k) for k in sorted(overview["k"].unique().to_list()))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("checkpoint\nverdict", overflow="fold")
    table.add_column("accuracy, %\nchange in points", no_wrap=True)
    table.add_column(f"pass@{ks}, %\nchange in points", no_wrap=True)
    table.add_column("questions lost\nbeyond noise", no_wrap=True)
    for row in summary_rows(overview):
        name = Text(row.model, "bold").append(f"\n{row.label}", "not bold")
        accuracy = Text(f"{row.accuracy}\n")
        accuracy.append(row.accuracy_change, _COLOURS.get(row.accuracy_word))
        capability = Text(f"{row.capability}\n")
        capability.append(row.capability_change, _COLOURS.get(row.capability_word))
        table.add_row(name, accuracy, capability, row.lost.replace(" [", "\n["))
    return table
