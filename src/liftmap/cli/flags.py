"""The flags that commands share; those of sampling are made from the settings' own fields.

Used by every command. `SampleFlags` has one flag for each field of `SampleSection` and
`ServerSection` that is not a study's alone: a new setting gets its flag, its default and its help
from its field.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import tyro

from liftmap.errors import ConfigError
from liftmap.records import Split
from liftmap.sections import SampleSection, Section, ServerSection, VerifySection

if TYPE_CHECKING:
    from liftmap.ask import Asking


def unless_none(default: str) -> str:
    """What the help says of a default; nothing where the option is simply not given."""
    return "" if default == "None" else f"(default: {default})"


def option_of(metavar: str) -> Any:
    """How an option is shown whose default is that it is not given."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=unless_none)


Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
OutFolder = Annotated[Path | None, option_of("FOLDER")]
File = Annotated[Path | None, option_of("FILE")]
Name = Annotated[str | None, option_of("NAME")]
Text = Annotated[str | None, option_of("TEXT")]
Whole = Annotated[int | None, option_of("INT")]
Options = Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction]

# Fields without a flag of their own: a study's, and what commands ask for in their own words.
NOT_FLAGS = ("n_train", "n_dev", "seed", "server")
# Flags whose name is not that of their field: one flag gives one of several values.
FLAG_NAMES = {"urls": "url"}
# Fields whose default on the command line depends on what else is asked for.
CHOSEN = {
    "engine": "by default what the model and --url say",
    "template": "by default what fits the task",
    "max_tokens": "by default 512, or half of the positions of a small model",
}


@dataclass(frozen=True)
class TaskFlags:
    """How the task is asked and responses are drawn."""

    task: Name = None
    """A task (kin, jsonl, hub, gym) or a preset such as math-500; see docs/tasks.md."""
    option: Options = ()
    """An option of the task, as path=questions.jsonl or limit=100; may be given several times."""
    split: Split = "test"
    """Which of the task's questions."""
    unsafe_code: bool = False
    """Run the code verifier without a sandbox; read docs/verifiers.md first."""


def _flag(name: str, section: type[Section]) -> tuple[str, Any, Any]:
    """Name, type and default of the flag of a field, as `make_dataclass` takes them."""
    setting = section.model_fields[name]
    kind: Any
    default: Any
    kind, default = setting.annotation, setting.get_default(call_default_factory=True)
    about = " ".join((setting.description or "").split())
    markers: list[Any] = []
    metavar: str | None = None
    hint = unless_none if default is None or name in CHOSEN else None
    if name in CHOSEN:
        kind, default = kind | None, None
        about = f"{about.removesuffix('.')}; {CHOSEN[name]}."
    if isinstance(default, Mapping):
        kind, default, metavar = tuple[str, ...], (), "KEY=VALUE"
    elif str in (kind, *get_args(kind)):
        metavar = "TEXT"
    elif int in get_args(kind):
        metavar = "INT"
    elif default is None and (words := [w for part in get_args(kind) for w in get_args(part)]):
        metavar = f"{{{','.join(words)}}}"
    if kind == tuple[str, ...]:
        markers.append(tyro.conf.UseAppendAction)
        about = f"{about.removesuffix('.')}; may be given several times."
    flag = FLAG_NAMES.get(name, name)
    shown = tyro.conf.arg(metavar=metavar, help=about, help_behavior_hint=hint)
    return flag, Annotated[(kind, shown, *markers)], field(default=default)  # type: ignore[return-value]


def _fields(section: type[Section]) -> list[str]:
    return [name for name in section.model_fields if name not in NOT_FLAGS]


if TYPE_CHECKING:

    class SampleFlags(TaskFlags):
        """The flags of a task, and one for each setting of sampling."""

else:
    SampleFlags = make_dataclass(
        "SampleFlags",
        [_flag(name, kind) for kind in (SampleSection, ServerSection) for name in _fields(kind)],
        bases=(TaskFlags,),
        frozen=True,
        namespace={"__doc__": TaskFlags.__doc__},
    )


# Of a model that scores: how it is loaded or reached.
SCORING_SETTINGS = ("stop", "batch_size", "device", "dtype", "shard_responses")
SCORING_SERVER_SETTINGS = (
    "urls",
    "launch",
    "key_variable",
    "requests",
    "timeout",
    "start_timeout",
    "retries",
    "backoff",
)
if TYPE_CHECKING:

    class ScoringFlags:
        """One flag for each setting of a model that scores."""

else:
    ScoringFlags = make_dataclass(
        "ScoringFlags",
        [
            *(_flag(name, SampleSection) for name in SCORING_SETTINGS),
            *(_flag(name, ServerSection) for name in SCORING_SERVER_SETTINGS),
        ],
        frozen=True,
        namespace={"__doc__": "How the scoring model is loaded or reached."},
    )


def scoring_section(flags: ScoringFlags) -> SampleSection:
    """How a model that scores is loaded or reached, as the flags say.

    Raises:
        ConfigError: A value is out of range.
    """
    server = _checked(ServerSection, _chosen(flags, SCORING_SERVER_SETTINGS))
    engine = "server" if server.urls or server.launch else "transformers"
    values = {**_chosen(flags, SCORING_SETTINGS), "engine": engine, "server": server}
    section: SampleSection = _checked(SampleSection, values)
    return section


def _chosen(flags: ScoringFlags, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(flags, FLAG_NAMES.get(name, name)) for name in names}


def asking_from(
    flags: TaskFlags,
    model: str,
    seed: int,
    verifier: str | None,
    verifier_options: tuple[str, ...] = (),
    think_end: str | None = None,
) -> Asking:
    """What the command line asks of a model.

    Args:
        flags: The `SampleFlags`, with a task.
        model: What is asked; it decides about the engine where no flag does.
        seed: Seed of the responses.
        verifier: What judges; None takes what fits the task.
        verifier_options: Its options as KEY=VALUE.
        think_end: The text that ends the model's thoughts; None: the usual tags.

    Raises:
        ConfigError: A value can't be used.
        UnknownNameError: There is no such task.
    """
    from dataclasses import replace

    from liftmap.ask import Asking

    assert flags.task is not None
    asking = Asking(
        flags.task,
        flags.split,
        key_values(flags.option),
        sample_section(flags, model, seed),
        verify_section(verifier, verifier_options),
    )
    if think_end is not None:
        values = {**dict(asking.verifier()), "think_end": think_end}
        asking = replace(asking, verifying=_checked(VerifySection, values))
    if flags.unsafe_code:
        asking = replace(asking, verifying=without_sandbox(asking.verifier()))
    return asking


def sample_section(flags: TaskFlags, model: str, seed: int) -> SampleSection:
    """The settings of sampling that the flags give, for a model.

    Raises:
        ConfigError: A value is out of range.
        UnknownNameError: There is no such task.
    """
    from liftmap.tasks import preset

    values = _values(flags, SampleSection)
    server = _checked(ServerSection, _values(flags, ServerSection))
    if values["engine"] is None:
        values["engine"] = "server" if server.urls or server.launch else "transformers"
        if model.startswith("scripted:"):
            values["engine"] = "scripted"
    if values["template"] is None:
        ready = preset(flags.task) if flags.task else None
        values["template"] = ready.template if ready else "plain"
    if values["max_tokens"] is None:
        values["max_tokens"] = min(SampleSection().max_tokens, _positions(model) // 2)
    section: SampleSection = _checked(SampleSection, {**values, "seed": seed, "server": server})
    return section


def _positions(model: str) -> int:
    """How many tokens a model in a folder of this machine can read; many where it isn't known."""
    from liftmap.testbed import CHECKPOINTS, checkpoint_path

    kind = model.removeprefix("testbed:")
    folder = checkpoint_path(kind) if kind != model and kind in CHECKPOINTS else Path(model)
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        return int(settings["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError):
        return sys.maxsize


def _values(flags: TaskFlags, section: type[Section]) -> dict[str, Any]:
    """What the flags say of a section's fields."""
    values = {name: getattr(flags, FLAG_NAMES.get(name, name)) for name in _fields(section)}
    for name, value in values.items():
        if isinstance(section.model_fields[name].get_default(call_default_factory=True), Mapping):
            values[name] = key_values(value)
    return values


def _checked(section: type[Section], values: Mapping[str, Any]) -> Any:
    """A section with these values.

    Raises:
        ConfigError: A value is out of range; the message names the flag.
    """
    from pydantic import ValidationError

    try:
        return section.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field_name = str(first["loc"][0])
        name = "--" + FLAG_NAMES.get(field_name, field_name).replace("_", "-")
        raise ConfigError(
            f"{name}: {first['msg']}.", seen=first["input"], remedy="Correct it."
        ) from None


def key_values(texts: tuple[str, ...]) -> dict[str, Any]:
    """Options given as KEY=VALUE; a value that is JSON (a number, a list, true) is read as such.

    Raises:
        ConfigError: There is no equals sign.
    """
    options: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError("An option is written KEY=VALUE.", seen=text, remedy="Write it so.")
        try:
            options[key] = json.loads(value)
        except json.JSONDecodeError:
            options[key] = value
    return options


def verify_section(
    verifier: str | None, options: tuple[str, ...], think_end: str | None = None
) -> VerifySection | None:
    """The verifier that the command line names, or None.

    Raises:
        ConfigError: Options were given without a verifier, or a value can't be used.
    """
    if verifier is not None:
        values = {"verifier": verifier, "options": key_values(options), "think_end": think_end}
        section: VerifySection = _checked(VerifySection, values)
        return section
    if options:
        raise ConfigError(
            "--verifier-option needs --verifier.", seen=list(options), remedy="Name it."
        )
    return None


def without_sandbox(section: VerifySection) -> VerifySection:
    """The code verifier, allowed to run where no sandbox works; says so.

    Raises:
        ConfigError: It is another verifier.
    """
    from liftmap.cli.printing import warn

    if section.verifier != "code":
        raise ConfigError(
            "--unsafe-code is for the code verifier.",
            seen=section.verifier,
            remedy="Leave it out, or name --verifier code.",
        )
    warn(
        "--unsafe-code: where no sandbox works, the models' programs run with your rights.",
    )
    return section.model_copy(update={"options": {**section.options, "unsafe": True}})
