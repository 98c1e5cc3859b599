"""The command that shows questions and responses in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from liftmap.cli.flags import Name, Options, Text, key_values, option_of
from liftmap.cli.printing import print_result, say

if TYPE_CHECKING:
    from collections.abc import Sequence


def view(
    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")],
    second: Annotated[str | None, tyro.conf.Positional, option_of("[PATH2]")] = None,
    verifier: Name = None,
    verifier_option: Options = (),
    metric: Name = None,
    columns: Annotated[str | None, option_of("OURS=COLUMN,...")] = None,
    right_at: Annotated[float | None, option_of("NUMBER")] = None,
    think_end: Text = None,
    port: int = 0,
    no_browser: bool = False,
) -> None:
    """Look at questions and responses in a browser on this machine.

    PATH is a study or a folder that `liftmap sample` made (its models are chosen on the page), one
    response set (STUDY:MODEL), or a table or another tool's log with texts; with PATH2 the first is
    before and the second after. The address is printed and holds a token; only this machine can
    open it. Nothing is written but notes on wrong verdicts. Ctrl-C ends it.

    For instance:
        liftmap view studies/demo
        liftmap view studies/demo:base studies/demo:rlvr@1
        liftmap view logs/base.eval logs/trained.eval
        liftmap view completions.parquet --columns correct=solved,text=output --port 8080

    Args:
        path: What to look at.
        second: The model after, where the first path is the model before.
        verifier: Whose verdicts are shown; the responses of a log are verified here.
        verifier_option: An option of the verifier; may be given several times.
        metric: Whose verdicts are shown, where a log has several.
        columns: Of tables: their names for question_id, correct, text, prompt and others.
        right_at: The value from which on a graded reward counts as right.
        think_end: With a verifier: the text that ends thoughts, where no known tag does.
        port: Where to listen; 0 takes any port that is free.
        no_browser: Only print the address.
    """
    from liftmap.comparison.load import JudgedBy
    from liftmap.read.column_names import parse_columns
    from liftmap.view.server import view_responses

    def ready(address: str, notes: Sequence[Path]) -> None:
        print_result(f"Viewing at {address}")
        places = " and ".join(dict.fromkeys(str(file) for file in notes))
        say(f"Notes on wrong verdicts go to {places}. Ctrl-C ends.")

    say("loading ...")
    view_responses(
        *([path] if second is None else [path, second]),
        judged_by=JudgedBy(
            verifier=verifier,
            metric=metric,
            think_end=think_end,
            verifier_options=key_values(verifier_option) or None,
            columns=None if columns is None else parse_columns(columns),
            right_at=right_at,
        ),
        port=port,
        browser=not no_browser,
        ready=ready,
    )
