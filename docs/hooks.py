"""What MkDocs does besides: formulas without a script, public names, the notebook, links to files.

Read by `mkdocs.yml`. Formulas become MathML while the site is built, so that nothing is loaded to
show them; the tutorial notebook becomes a page; a link to a file outside docs/, which a site does
not hold, becomes the file's name; and a page that would load anything from elsewhere fails the
build.
"""

from __future__ import annotations

import ast
import html
import json
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parent.parent
NAMES = "<!-- public names -->"
NOTEBOOK = "<!-- cells of tutorial-notebook.ipynb -->"
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
OUTER_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")
# What a browser loads by itself, from another server.
LOADED = re.compile(
    r"<(?:script|img|iframe|source|link(?![^>]*canonical))\b[^>]*(?:src|href)=[\"']?(?:https?:)?//[^>]*>"
    r"|url\([\"']?(?:https?:)?//[^)]*\)"
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Puts the public names in their place, and names files that are not pages."""
    text = markdown.replace(NAMES, "\n\n".join(f"::: {place}" for place in public_places()))
    if NOTEBOOK in text:
        text = text.replace(NOTEBOOK, notebook_cells())
    return OUTER_LINK.sub(lambda link: f"{link[1]} (`{link[2].removeprefix('../')}`)", text)


def on_page_content(content: str, **_: Any) -> str:
    """Writes each formula as MathML."""

    def shown(formula: re.Match[str]) -> str:
        display = "block" if formula[1] == "div" else "inline"
        return str(convert(html.unescape(formula[2]), display=display))

    return FORMULA.sub(shown, content)


def on_post_build(config: Any, **_: Any) -> None:
    """Fails where a page or a style would load something from another server."""
    for file in sorted(Path(config["site_dir"]).rglob("*")):
        if file.suffix in (".html", ".css"):
            for loaded in LOADED.findall(file.read_text("utf-8")):
                raise PluginError(f"{file.name} loads something from elsewhere: {loaded}")


def notebook_cells() -> str:
    """The cells of the tutorial notebook and what they show, as Markdown without its title."""
    notebook = json.loads((ROOT / "docs" / "tutorial-notebook.ipynb").read_text("utf-8"))
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            shown = output.get("data", {"text/plain": output.get("text", ())})
            kind = next(k for k in ("image/svg+xml", "text/html", "text/plain") if k in shown)
            text = "".join(shown[kind]).strip("\n")
            parts.append(f"```text\n{text}\n```" if kind == "text/plain" else f"<div>{text}</div>")
    return "\n\n".join(parts).partition("\n")[2]


def public_places() -> list[str]:
    """Where each public name of liftmap is defined, as `liftmap.study.run_study`."""
    tree = ast.parse((ROOT / "src" / "liftmap" / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
            homes: dict[str, str] = ast.literal_eval(node.value)
            return [f"{home}.{name}" for name, home in homes.items()]
    raise LookupError("liftmap/__init__.py has no _HOMES")
