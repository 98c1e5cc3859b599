"""The command that checks what is on disk, and makes again what is damaged.

Results go to standard output.
"""

from __future__ import annotations

from liftmap.cli.flags import Folder
from liftmap.cli.printing import print_json, print_result, say

# The exit status of a folder that is damaged; 2 is a mistake in the command.
DAMAGED = 1


def check(folder: Folder, repair: bool = False, json: bool = False) -> int:
    """Check that everything in a folder is what was written there.

    Every file holds its digest, and names what it was made from: responses their settings, verdicts
    the responses and gold answers, checkpoints their weights. Exit status 0 if all is as it should
    be, 1 if something is damaged or missing.

    For instance:
        liftmap check studies/demo
        liftmap check studies/demo/responses/base/test
        liftmap check runs/math --repair

    Args:
        folder: A study; a folder that `liftmap sample`, `probe` or `score --out` made, or a
            TrackCallback; or the folder of one response set.
        repair: Draw, judge, score and analyse again what is damaged, and nothing else; bring a
            folder of an earlier version to the present one.
        json: Print the result as JSON.
    """
    from liftmap.check import check as check_folder
    from liftmap.store.schema import SCHEMA

    checked = check_folder(folder, repair)
    if json:
        print_json(checked.to_dict())
    else:
        for damage in checked.repaired:
            print_result(f"Made again: {damage.path}")
        for damage in checked.damages:
            reason = damage.reason.rstrip(".") + "."
            # One damage can keep another file from being checked: then the reason names the first.
            print_result(
                reason
                if str(damage.path) in reason
                else f"{damage.path} can't be checked: {reason}"
            )
        if not checked.damages:
            print_result(f"{folder}: everything is as it was written.")
    if checked.damages:
        if repair:
            remedy = "nothing else can be made again from what is there"
        else:
            remedy = "--repair makes again what can be, or says how"
        number = len(checked.damages)
        files = "1 file is" if number == 1 else f"{number:,} files are"
        say(f"{files} damaged or missing; {remedy}.")
    elif checked.schema < SCHEMA:
        say(
            f"{folder} was made by an earlier version (schema {checked.schema}): its files have no "
            "digests, so not every change can be seen. --repair adds them."
        )
    return DAMAGED if checked.damages else 0
