"""The templates of pages: one set of rules for every text that becomes HTML.

Below whatever builds a page, the offline ones here and those of `liftmap view`; reads templates and
style sheets of a package. Autoescape is on, and an unknown variable is an error.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


@cache
def templates(folder: str = "report") -> Environment:
    """The templates of a folder of liftmap; those of `report` can be imported in each.

    Args:
        folder: `report` or `view`.
    """
    folders = dict.fromkeys([folder, "report"])
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("liftmap", name) for name in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    return environment


def resource(name: str, folder: str = "report") -> str:
    """The text of a file beside the templates: a style sheet, a script."""
    return files(f"liftmap.{folder}").joinpath(name).read_text("utf-8")
