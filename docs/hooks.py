"""What MkDocs does besides: formulas without a script, the public names, links to other files.

Read by `mkdocs.yml`. Formulas become MathML while the site is built, so that nothing is loaded to
show them; a link to a file outside docs/, which a site does not hold, becomes the file's name; and
a page that would load anything from elsewhere fails the build.
"""

from __future__ import annotations

import ast
import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parent.parent
NAMES = "<!-- public names -->"
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


def public_places() -> list[str]:
    """Where each public name of liftmap is defined, as `liftmap.study.run_study`."""
    tree = ast.parse((ROOT / "src" / "liftmap" / "__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
            homes: dict[str, str] = ast.literal_eval(node.value)
            return [f"{home}.{name}" for name, home in homes.items()]
    raise LookupError("liftmap/__init__.py has no _HOMES")
