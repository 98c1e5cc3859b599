"""Reads the study file: TOML in, a checked `StudyConfig` out.

Beside `config`, below every stage. Unknown keys fail with the nearest right name, and every message
names the file and the key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError

from liftmap.config import StudyConfig
from liftmap.errors import ConfigError
from liftmap.registry import nearest
from liftmap.sections import Section


def load_config(path: str | Path) -> StudyConfig:
    """Reads and checks a study file.

    Args:
        path: A TOML file, or the name of a shipped study (see `shipped_studies`).

    Raises:
        ConfigError: The file is missing, is not TOML, or says something that can't be run.
    """
    file = Path(path)
    if not file.is_file() and str(path) in shipped_studies():
        file = Path(str(resources.files("liftmap.configs") / f"{path}.toml"))
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise ConfigError(
            f"The study file {file} is a pipe or a device.", remedy="Name a TOML file."
        )
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"The study file {file} does not exist.", remedy=_near_study(str(path))
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            f"The study file {file} is a folder.", remedy="Name a TOML file."
        ) from None
    except PermissionError:
        raise ConfigError(
            f"The study file {file} can't be read: no permission.", remedy="Change its rights."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{file} is not UTF-8 text: {error}.", remedy="Save it as UTF-8."
        ) from None
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply.", remedy="Correct it.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.", remedy="Correct that line.") from None
    return parse_config(data, str(file))


def _near_study(name: str) -> str:
    """A remedy that names the study, shipped or beside, whose name is closest."""
    import difflib

    try:
        beside = [str(file) for file in Path(name).parent.glob("*.toml")]
    except OSError:
        beside = []
    shipped = shipped_studies()
    close = difflib.get_close_matches(name, [*shipped, *beside], n=1)
    first = f"Did you mean {close[0]!r}? " if close else ""
    return (
        f"{first}Give the path of a TOML file, or one of the shipped studies: {', '.join(shipped)}."
    )


def parse_config(data: Mapping[str, Any], place: str) -> StudyConfig:
    """Checks a study given as nested dictionaries; `place` names it in messages.

    Raises:
        ConfigError: It says something that can't be run.
    """
    try:
        return StudyConfig.model_validate(data)
    except ValidationError as error:
        # A misspelt key is named before the key that is missing because of it.
        first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _keys_at(first["loc"][:-1])
            raise ConfigError(
                f"{place}: the key {key} is unknown.",
                seen=first["input"],
                remedy=nearest(str(first["loc"][-1]), known),
            ) from None
        if first["type"] == "missing":
            raise ConfigError(f"{place}: the key {key} is missing.", remedy="Add it.") from None
        message = first["msg"].removeprefix("Value error, ")
        where = f"{place}: {key}: " if key else f"{place}: "
        seen = None if isinstance(first["input"], dict) else first["input"]
        end = "" if message[-1] in ".?!" else "."
        raise ConfigError(where + message + end, seen=seen, remedy="Correct it.") from None


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at `location` knows.

    Args:
        location: Keys from the whole study down, as `("arms", "rlvr", "responses")`.
    """
    place: Any = StudyConfig
    for key in location:
        if isinstance(place, type) and issubclass(place, Section):
            place = place.model_fields[str(key)].annotation
        else:
            # A table of sections, such as the arms: all its keys lead to the same type.
            place = get_args(place)[-1]
        place = _section_or_table(place)
    return list(place.model_fields)


def _section_or_table(annotation: Any) -> Any:
    """What a field holds where it is set: of `TaskSection | None` the section."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(kind for kind in get_args(annotation) if kind is not type(None))


def shipped_studies() -> list[str]:
    """Names of the studies that come with liftmap."""
    folder = resources.files("liftmap.configs")
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )
