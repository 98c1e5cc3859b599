"""The command that audits verifiers: two against each other, or one against known answers.

Results go to standard output, or as JSON to a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from liftmap.cli.flags import Name, Options, key_values, option_of
from liftmap.errors import ConfigError

if TYPE_CHECKING:
    from liftmap.console import Terminal
    from liftmap.verify.attack import AttackAudit, Failure
    from liftmap.verify.audit import Audit

# The exit status of a verifier that failed more cases than allowed; 2 is a mistake in the command.
FAILED = 1
FAILURES: dict[Failure, str] = {
    "false positive": "False positives: wrong answers taken as right",
    "false negative": "False negatives: right answers taken as wrong",
    "unscored": "Unscored: no verdict",
}


def audit(
    folder: Annotated[Path | None, tyro.conf.Positional, option_of("[FOLDER]")] = None,
    first: Name = None,
    second: Name = None,
    attack: Annotated[str | None, option_of("VERIFIER")] = None,
    corpus: Annotated[str | None, option_of("NAME|FILE")] = None,
    option: Options = (),
    allow: Annotated[int | None, option_of("INT")] = None,
    examples: int = 10,
    json: Annotated[tuple[str, ...] | None, option_of("[FILE|-]")] = None,
) -> int:
    """Show where two verifiers disagree, or where one is wrong.

    With FOLDER: about the same responses, which both must have judged
    (liftmap verify FOLDER --verifier NAME); and what readers noted of verdicts in `liftmap view`.

    With --attack: on a corpus of answers with the verdict that they deserve. Each false positive,
    false negative and unscored case is named. Exit status 1 if there are more than --allow.

    For instance:
        liftmap audit runs/math --first exact --second math
        liftmap audit --attack math --json failures.json --allow 40
        liftmap audit --attack my-verifier --corpus math --option strict=true

    Args:
        folder: A study folder, or one that `liftmap sample` made.
        first: A verifier.
        second: Another.
        attack: The verifier that is tried: one of liftmap's, or one of your own package.
        corpus: With --attack: what it is tried on, a shipped corpus by the name of its verifier or
            a file; by default the one of the verifier's own name.
        option: With --attack: an option of the verifier as KEY=VALUE; may be given several times.
        allow: With --attack: how many false positives, false negatives and unscored cases together
            still give exit status 0; by default none.
        examples: With FOLDER: the most disagreements that are shown.
        json: Write the result as JSON to a file; without a file or with - print it instead of
            tables.
    """
    if attack is None:
        for name, value in (("--corpus", corpus), ("--option", option), ("--allow", allow)):
            if value not in (None, ()):
                raise ConfigError(f"{name} needs --attack.", seen=value, remedy="Name a verifier.")
        if folder is None or first is None or second is None:
            raise ConfigError(
                "An audit needs either FOLDER, --first and --second, or --attack.",
                remedy="For instance: liftmap audit runs/math --first exact --second math, or "
                "liftmap audit --attack math",
            )
        from liftmap.ask import audit_folder

        disagreement = audit_folder(folder, first, second, examples)
        if _as_json(_facts(disagreement), json):
            _print_audit(disagreement, first, second, examples)
        return 0
    if folder is not None or first is not None or second is not None:
        raise ConfigError(
            "--attack takes no FOLDER, --first or --second.",
            seen=str(folder or first or second),
            remedy="Leave it out, or leave --attack out.",
        )
    if allow is not None and allow < 0:
        raise ConfigError("--allow must be 0 or more.", seen=allow, remedy="Correct it.")
    from liftmap.verify.attack import audit_attack

    attacked = audit_attack(attack, key_values(option), corpus)
    if _as_json(attacked.to_dict(), json):
        _print_attack(attacked)
    return FAILED if len(attacked.failures()) > (allow or 0) else 0


def _as_json(facts: dict[str, Any], place: tuple[str, ...] | None) -> bool:
    """Writes the result as JSON where that was asked for; gives whether tables are wanted too.

    Raises:
        ConfigError: Several files are named.
    """
    if place is None:
        return True
    if len(place) > 1:
        raise ConfigError("--json takes one file.", seen=list(place), remedy="Name one.")
    from json import dumps

    from liftmap.files import write_text

    text = dumps(facts, indent=2, ensure_ascii=False)
    if place in ((), ("-",)):
        print(text)
        return False
    write_text(Path(place[0]), text + "\n")
    return True


def _facts(audit: Audit) -> dict[str, Any]:
    return {
        "responses": audit.responses,
        "disagreements": audit.disagreements,
        "counts": audit.counts.to_dicts(),
        "questions": audit.questions.to_dicts(),
        "examples": audit.examples.to_dicts(),
        "noted": audit.noted.to_dicts(),
    }


def _print_audit(audit: Audit, first: str, second: str, examples: int) -> None:
    from rich.table import Table

    from liftmap.console import Terminal

    page = Terminal()
    share = 100 * audit.disagreements / max(1, audit.responses)
    page.print(
        f"{first} and {second} disagree about {audit.disagreements:,} of {audit.responses:,} "
        f"responses ({share:.2f} %).",
    )
    counts = Table(title=f"{first} (rows) and {second} (columns)")
    for column in ("", "right", "wrong", "unscored"):
        counts.add_column(column, justify="right")
    for row in audit.counts.to_dicts():
        counts.add_row(str(row["first"]), *(f"{row[k]:,}" for k in ("right", "wrong", "unscored")))
    page.print(counts)
    if len(audit.examples):
        table = Table(title="Disagreements")
        for column in ("question", "gold", "answer", first, second, "reason"):
            table.add_column(column, overflow="fold")
        for row in audit.examples.head(examples).to_dicts():
            cells = (
                f"{row['question_id']}#{row['response_index']}",
                row["gold"],
                row["second_answer"] or row["first_answer"],
                row["first"],
                row["second"],
                row["second_reason"] or row["first_reason"],
            )
            table.add_row(*(str(cell)[:200] for cell in cells))
        page.print(table)
    if len(audit.noted):
        _print_noted(page, audit, first, second, examples)


def _print_noted(page: Terminal, audit: Audit, first: str, second: str, examples: int) -> None:
    """The verdicts that readers noted as wrong, and how often each verifier still gives them."""
    from rich.table import Table

    page.print(
        f"{len(audit.noted):,} verdicts were noted as wrong by readers: {first} gives "
        f"{audit.disagreements_with_readers('first'):,} of them, {second} "
        f"{audit.disagreements_with_readers('second'):,}.",
    )
    table = Table(title="Noted as wrong")
    for column in ("response", "noted", first, second, "comment"):
        table.add_column(column, overflow="fold")
    for row in audit.noted.head(examples).to_dicts():
        place = f"{row['model']} {row['question_id']}#{row['response_index']}"
        verdicts = (row[name] or "" for name in ("noted_as_wrong", "first", "second"))
        table.add_row(*(cell[:200] for cell in (place, *verdicts, row["comment"])))
    page.print(table)


def _print_attack(attacked: AttackAudit) -> None:
    from rich import box
    from rich.table import Table

    from liftmap.console import Terminal

    page = Terminal()
    for failure, title in FAILURES.items():
        outcomes = attacked.failures(failure)
        if not outcomes:
            continue
        table = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
        table.add_column("case", no_wrap=True)
        for column, ratio in (("gold", 2), ("response", 6), ("taken as", 3), ("in truth", 3)):
            table.add_column(column, ratio=ratio, overflow="fold")
        for outcome in outcomes:
            case, verdict = outcome.case, outcome.verdict
            table.add_row(
                f"{case.id}\n{case.kind}",
                _short(case.gold),
                _short(case.response),
                _short(verdict.answer or verdict.reason),
                f"{case.want}: {case.why}",
            )
        page.print(table)
    said = [
        f"{attacked.verifier} on {len(attacked.outcomes)} cases of the corpus {attacked.corpus}:",
        f"{len(attacked.failures('false positive'))} false positives "
        f"(of {attacked.wanting('wrong')} wrong answers),",
        f"{len(attacked.failures('false negative'))} false negatives "
        f"(of {attacked.wanting('right')} right answers),",
        f"{len(attacked.failures('unscored'))} unscored.",
    ]
    page.print(" ".join(said))
    if attacked.left_out:
        page.print(
            f"Left out, as {attacked.verifier} lacks their options: "
            f"{', '.join(case.id for case in attacked.left_out)}.",
        )


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 160 else f"{text[:100]} ... {text[-50:]}"
