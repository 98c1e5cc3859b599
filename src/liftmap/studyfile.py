"""Reads the study file: TOML in, a checked `StudyConfig` out.

Beside `config`, below every stage. Unknown keys fail with the nearest right name, and every message
names the file and the key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from liftmap.config import (
    AnalyseSection,
    ArmSection,
    ModelSection,
    ResponsesSection,
    SampleSection,
    ScoreSection,
    Section,
    StudyConfig,
    TaskSection,
    VerifySection,
)
from liftmap.errors import ConfigError
from liftmap.registry import nearest


def load_config(path: str | Path) -> StudyConfig:
    """Reads and checks a study file.

    Args:
        path: A TOML file, or the name of a shipped study (see `shipped_studies`).

    Raises:
        ConfigError: The file is missing, is no TOML, or says something that can't be run.
    """
    file = Path(path)
    if not file.exists() and str(path) in shipped_studies():
        file = Path(str(resources.files("liftmap.configs") / f"{path}.toml"))
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"The study file {file} does not exist.",
            remedy="Give the path of a TOML file, or one of the shipped studies: "
            f"{', '.join(shipped_studies())}.",
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
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.", remedy="Correct that line.") from None
    return parse_config(data, str(file))


def parse_config(data: Mapping[str, Any], place: str) -> StudyConfig:
    """Checks a study given as nested dictionaries; `place` names it in messages.

    Raises:
        ConfigError: It says something that can't be run.
    """
    try:
        return StudyConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
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
    """The keys that the section at `location` knows."""
    sections: dict[str, type[Section]] = {
        "base": ModelSection,
        "teacher": ModelSection,
        "task": TaskSection,
        "sample": SampleSection,
        "verify": VerifySection,
        "score": ScoreSection,
        "analyse": AnalyseSection,
    }
    if not location:
        return list(StudyConfig.model_fields)
    if location[0] == "arms":
        section = ResponsesSection if location[-1] == "responses" else ArmSection
        return list(section.model_fields)
    return list(sections[str(location[0])].model_fields)


def shipped_studies() -> list[str]:
    """Names of the studies that come with liftmap."""
    folder = resources.files("liftmap.configs")
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )
