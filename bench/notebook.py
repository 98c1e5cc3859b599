"""Runs the tutorial notebook and compares, or writes, what its cells show.

    python -m bench.notebook [--write]

The cells run in order, in one process and a temporary folder; what the last expression of a cell
gives is shown as a notebook would show it: in HTML, as a picture, or as its repr. No kernel and no
Jupyter are needed.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs" / "tutorial-notebook.ipynb"


def refreshed(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook with what its cells show today.

    Args:
        notebook: The notebook as JSON (nbformat 4).

    Raises:
        Exception: What a cell raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, number, home = [], 0, Path.cwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code":
                    number += 1
                    outputs = _run("".join(cell["source"]), names, number)
                    cell = {**cell, "execution_count": number, "outputs": outputs}
                cells.append(cell)
        finally:
            os.chdir(home)
    return {**notebook, "cells": cells}


def _run(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """The outputs of a cell: what it prints, then its last expression if there is one."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    shown: dict[str, Any] = {}
    printed = io.StringIO()
    # Progress goes to standard error, which a reader of the notebook need not see.
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            shown = _shown(value)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if shown:
        data = {kind: text.splitlines(keepends=True) for kind, text in shown.items()}
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": number,
                "metadata": {},
                "data": data,
            }
        )
    return outputs


def _shown(value: Any) -> dict[str, str]:
    """What a notebook would show of a value, by media type; nothing of None."""
    if value is None:
        return {}
    if hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_(include=None, exclude=None)
        return dict(bundle[0] if isinstance(bundle, tuple) else bundle)
    if hasattr(value, "_repr_html_"):
        return {"text/html": value._repr_html_(), "text/plain": repr(value)}
    return {"text/plain": repr(value)}


def as_text(notebook: dict[str, Any]) -> str:
    """The file of a notebook."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Says whether the notebook differs, or writes it."""
    text = NOTEBOOK.read_text("utf-8")
    today = as_text(refreshed(json.loads(text)))
    if today != text:
        if "--write" in sys.argv:
            NOTEBOOK.write_text(today, "utf-8")
        print(f"{NOTEBOOK.name} is {'written' if '--write' in sys.argv else 'old'}")


if __name__ == "__main__":
    main()
