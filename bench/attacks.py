"""How often each verifier is wrong on the shipped corpora, beside other tools' rules, as Markdown.

    python -m bench.attacks --peers DIR --write docs/verifiers.md

`bench/graders.py` says what DIR is. Without it liftmap's own verifiers are run alone; with --write
the tables replace what stands between the two marks in that file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import tyro

from liftmap.errors import InputError
from liftmap.verify import VERIFIERS, make_verifier
from liftmap.verify.attack import Case, audit_attack, judge, read_corpus

BEGIN, END = "<!-- python -m bench.attacks: begin -->", "<!-- python -m bench.attacks: end -->"
# The corpora that other tools' rules are for, and which of our verifiers are tried beside them.
COMPARED = {"math": ("math",), "numeric": ("numeric", "math")}


def main(peers: Path | None = None, write: Path | None = None) -> None:
    """Print the error rates of verifiers on the shipped corpora, as Markdown.

    Args:
        peers: Where lm-eval and its antlr4 are installed; without it other tools are left out.
        write: A file whose tables are replaced.
    """
    tables = [own()]
    if peers is not None:
        tables += [beside(corpus, peers) for corpus in COMPARED]
    text = "\n\n".join(tables)
    print(text)
    if write is not None:
        replace(write, text)


def own() -> str:
    """Each of our verifiers on its own corpus."""
    rows = []
    for name in VERIFIERS:
        tried = audit_attack(name)
        labels = [outcome.verdict.label for outcome in tried.outcomes]
        rows.append(row(f"`{name}`", [outcome.case for outcome in tried.outcomes], labels))
    return table("verifier, on its own corpus", rows)


def beside(corpus: str, peers: Path) -> str:
    """Other tools' rules and our verifiers, on the cases that have no options of their own."""
    cases = [case for case in read_corpus(corpus) if not case.options]
    rows = []
    for name in COMPARED[corpus]:
        labels = [verdict.label for verdict in judge(make_verifier(name, {}), cases)]
        rows.append(row(f"liftmap `{name}`", cases, [str(label) for label in labels]))
    ran = subprocess.run(
        [sys.executable, "-m", "bench.graders", corpus],
        input="".join(case.model_dump_json() + "\n" for case in cases),
        env={**os.environ, "PYTHONPATH": str(peers.resolve())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows += [row(name, cases, labels) for name, labels in json.loads(ran.stdout).items()]
    return table(f"rules, on the corpus `{corpus}`", rows)


def row(name: str, cases: Sequence[Case], labels: Sequence[str]) -> str:
    pairs = [(case.want, label) for case, label in zip(cases, labels, strict=True)]
    agreement = 100 * sum(want == label for want, label in pairs) / len(pairs)
    wanting = {want: sum(w == want for w, _ in pairs) for want in ("right", "wrong")}
    false_positives = pairs.count(("wrong", "right"))
    false_negatives = pairs.count(("right", "wrong"))
    unscored = sum(label == "unscored" for _, label in pairs)
    return (
        f"| {name} | {len(pairs)} | {agreement:.1f} % | {false_positives} of {wanting['wrong']} "
        f"| {false_negatives} of {wanting['right']} | {unscored} |"
    )


def table(title: str, rows: Sequence[str]) -> str:
    head = f"| {title} | cases | agreement | false positives | false negatives | unscored |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def replace(path: Path, text: str) -> None:
    """Puts the tables between the two marks of a file.

    Raises:
        InputError: The file lacks them.
    """
    whole = path.read_text("utf-8")
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{path} lacks the marks.", remedy=f"Write {BEGIN} and {END} into it.")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    tyro.cli(main)
