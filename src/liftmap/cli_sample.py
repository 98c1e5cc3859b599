"""The commands that ask models and judge responses: sample, verify and audit.

Beside `cli`, which registers them. A study's folder and a folder of one's own are both taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from liftmap.config import SampleSection, ServerSection, VerifySection
from liftmap.errors import ConfigError
from liftmap.progress import console
from liftmap.records import Split
from liftmap.stats.passk import accuracy
from liftmap.store import StudyFolder
from liftmap.study import open_study

if TYPE_CHECKING:
    from liftmap.ask import Asking

Folder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
Name = Annotated[str | None, tyro.conf.arg(metavar="NAME")]
Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT")]
Options = Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE"), tyro.conf.UseAppendAction]
Texts = Annotated[tuple[str, ...], tyro.conf.arg(metavar="TEXT"), tyro.conf.UseAppendAction]


@dataclass(frozen=True)
class Drawing:
    """How a task is asked and responses are drawn."""

    task: Name = None
    """A task (kin, jsonl, hub, gym) or a preset such as math-500; see docs/tasks.md."""
    option: Options = ()
    """An option of the task, as path=questions.jsonl or limit=100; may be given several times."""
    split: Split = "test"
    """Which of the task's questions."""
    n: int = 256
    """Responses to each question; under the curtailed plan the most."""
    plan: Literal["fixed", "curtailed"] = "fixed"
    """curtailed leaves a question once it has --stop-after right responses: much cheaper."""
    stop_after: int = 8
    """Right responses after which the curtailed plan leaves a question."""
    round_size: int = 8
    """Responses of one round of the curtailed plan."""
    engine: Name = None
    """transformers, server or scripted; by default what the model and --url say."""
    template: Name = None
    """plain, chat, step-by-step, or a file of one's own; by default what fits the task."""
    temperature: float = 1.0
    """Divides the logits."""
    top_p: float = 1.0
    """Nucleus mass; 1 keeps all."""
    top_k: int = 0
    """The likeliest tokens kept; 0 keeps all."""
    max_tokens: int = 512
    """The most tokens of a response."""
    stop: Texts = ()
    """A string that ends a response; may be given several times."""
    batch_size: int = 0
    """The most rows in one forward pass; 0 lets the engine choose."""
    shard_responses: int = 8192
    """About how many responses one shard holds; a kill loses at most one shard."""
    device: Name = None
    """cpu, cuda, cuda:1 ...; by default the best there is."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Precision in which a model is run here."""
    url: Texts = ()
    """Where a server of the model answers, as http://localhost:8000/v1; several share the load."""
    launch: Text = None
    """A command that serves the model, as "vllm serve {model} --port {port}"."""
    endpoint: Literal["chat", "completions"] | None = None
    """The server's endpoint; by default what the template makes: a conversation or a text."""
    requests: int = 32
    """Requests in flight for each server."""
    key_variable: str = "OPENAI_API_KEY"
    """The environment variable that holds the server's key."""
    unsafe_code: bool = False
    """Run the code verifier without a sandbox; read docs/verifiers.md first."""

    def sampling(self, model: str, seed: int) -> SampleSection:
        """The settings of the sampling stage for a model."""
        from liftmap.tasks import preset

        ready = preset(self.task) if self.task else None
        engine = self.engine
        if engine is None:
            served = self.url or self.launch
            engine = "server" if served else "transformers"
            if model.startswith("scripted:"):
                engine = "scripted"
        section: SampleSection = _checked(
            SampleSection,
            engine=engine,
            template=self.template or (ready.template if ready else "plain"),
            n=self.n,
            plan=self.plan,
            stop_after=self.stop_after,
            round_size=self.round_size,
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_tokens=self.max_tokens,
            seed=seed,
            stop=self.stop,
            batch_size=self.batch_size,
            shard_responses=self.shard_responses,
            device=self.device,
            dtype=self.dtype,
            server=_checked(
                ServerSection,
                urls=self.url,
                launch=self.launch,
                endpoint=self.endpoint,
                requests=self.requests,
                key_variable=self.key_variable,
            ),
        )
        return section


def _checked(section: Any, **values: Any) -> Any:
    """A section of settings made from the command line.

    Raises:
        ConfigError: A value is out of range.
    """
    from pydantic import ValidationError

    try:
        return section(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + str(first["loc"][-1]).replace("_", "-")
        raise ConfigError(
            f"{name}: {first['msg']}.", seen=first["input"], remedy="Correct it."
        ) from None


def key_values(texts: tuple[str, ...]) -> dict[str, Any]:
    """Options given as KEY=VALUE; a value that is JSON (a number, a list, true) is read as such.

    Raises:
        ConfigError: There is no equals sign.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError("An option is written KEY=VALUE.", seen=text, remedy="Write it so.")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found


def verifying(
    verifier: str | None, options: tuple[str, ...], think_end: str | None = None
) -> VerifySection | None:
    """The verifier that the command line names, or None.

    Raises:
        ConfigError: Options were given without a verifier.
    """
    found = key_values(options)
    if verifier is not None:
        section: VerifySection = _checked(
            VerifySection, verifier=verifier, options=found, think_end=think_end
        )
        return section
    if found:
        raise ConfigError(
            "--verifier-option needs --verifier.", seen=list(options), remedy="Name it."
        )
    return None


def without_sandbox(section: VerifySection) -> VerifySection:
    """The code verifier, allowed to run where no sandbox works; says so.

    Raises:
        ConfigError: It is another verifier.
    """
    if section.verifier != "code":
        raise ConfigError(
            "--unsafe-code is for the code verifier.",
            seen=section.verifier,
            remedy="Leave it out, or name --verifier code.",
        )
    console.print(
        "[bold yellow]warning:[/] --unsafe-code: where no sandbox works, the models' programs run "
        "with your rights.",
        highlight=False,
    )
    return section.model_copy(update={"options": {**section.options, "unsafe": True}})


def asked(
    drawing: Drawing,
    model: str,
    seed: int,
    verifier: str | None,
    options: tuple[str, ...] = (),
    think_end: str | None = None,
) -> Asking:
    """What the command line asks of a model.

    Raises:
        ConfigError: A value can't be used.
        UnknownNameError: There is no such task.
    """
    from liftmap.ask import Asking

    assert drawing.task is not None
    asking = Asking(
        drawing.task,
        drawing.split,
        key_values(drawing.option),
        drawing.sampling(model, seed),
        verifying(verifier, options),
    )
    if think_end is not None:
        settings = {**dict(asking.verifier()), "think_end": think_end}
        asking = replace(asking, verifying=_checked(VerifySection, **settings))
    if drawing.unsafe_code:
        asking = replace(asking, verifying=without_sandbox(asking.verifier()))
    return asking


def sample(
    folder: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[FOLDER]")] = None,
    model: Name = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    seed: int = 0,
    drawing: Annotated[Drawing, tyro.conf.OmitArgPrefixes] = Drawing(),
) -> None:
    """Let a model answer questions, and verify its responses.

    With --task and --out: any model on any task. With FOLDER: whatever is missing for the base, the
    teacher and every trained arm of that study. The same command goes on after an interruption.

    For instance:
        liftmap sample --model Qwen/Qwen2.5-0.5B --task math-500 --n 64 --out runs/math
        liftmap sample --model my-model.gguf --task gym --option name=countdown --out runs/countdown
        liftmap sample --model m --url http://localhost:8000/v1 --task gsm8k --out runs/gsm8k
        liftmap sample studies/demo --model rlvr@1

    Args:
        folder: A study folder.
        model: A hub id, a folder, a .gguf file or a served model; with FOLDER: one of the study's.
        out: The folder for questions, responses and verdicts.
        verifier: What judges the responses; by default what fits the task.
        verifier_option: An option of the verifier; may be given several times.
        think_end: The text that ends the model's thoughts, where they have no tags that are known.
        seed: Fixes every response's randomness.
        drawing: How the task is asked and responses are drawn.
    """
    if (folder is None) == (drawing.task is None):
        raise ConfigError(
            "Name either a study folder, or a task with --task.",
            remedy="For instance: liftmap sample --model M --task math-500 --out runs/math",
        )
    if folder is not None:
        if drawing != Drawing() or out or verifier or think_end:
            raise ConfigError(
                f"{folder} is a study: its study.toml says how it is sampled and judged.",
                remedy="Leave all options but --model out.",
            )
        with open_study(StudyFolder(folder)) as run:
            run.prepare()
            names = [run.known_model(model)] if model else run.trained_models()
            for name in names:
                run.answer(name)
        _say(f"{', '.join(names)}: all responses are in {folder / 'responses'}.")
        return
    if model is None or out is None or drawing.task is None:
        missing = "--model" if model is None else "--out"
        raise ConfigError(f"{missing} is missing.", remedy="Name it beside --task.")
    from liftmap.ask import sample_model

    asking = asked(drawing, model, seed, verifier, verifier_option, think_end)
    target = sample_model(model, asking, out)
    tally = target.tally(asking.verifier().verifier, StudyFolder(out).read_questions(asking.split))
    scored = tally.n > 0
    usable = tally.n > tally.unscored
    shown = "no question with enough scored responses"
    if usable.any():
        each = accuracy(tally.n[usable], tally.c[usable], tally.plan)
        shown = f"accuracy (pass@1) {100 * float(each.mean()):.1f} %"
    _say(
        f"{model}: {int(tally.n.sum()):,} scored responses to {int(scored.sum()):,} questions, "
        f"{int(tally.unscored.sum()):,} unscored, {shown}."
    )
    print(target.root / "responses" / target.model / target.split)


def verify(
    folder: Folder,
    verifier: Name = None,
    verifier_option: Options = (),
    think_end: Text = None,
    unsafe_code: bool = False,
) -> None:
    """Judge all responses of a folder; never samples.

    With another verifier its verdicts go beside those of the first.

    For instance:
        liftmap verify studies/demo
        liftmap verify runs/math --verifier math

    Args:
        folder: A study folder, or one that `liftmap sample` made.
        verifier: The verifier; by default the study's own.
        verifier_option: An option of the verifier; may be given several times.
        think_end: With --verifier: the text that ends the models' thoughts, where they have no tags
            that are known.
        unsafe_code: Run the code verifier without a sandbox; read docs/verifiers.md first.
    """
    name = "code" if unsafe_code and not verifier else verifier
    section = verifying(name, verifier_option, think_end)
    if section is not None and unsafe_code:
        section = without_sandbox(section)
    if think_end is not None and section is None:
        raise ConfigError("--think-end needs --verifier.", seen=think_end, remedy="Name it.")
    own = not (verifier_option or unsafe_code or think_end is not None)
    if StudyFolder(folder).config_file.exists() and own:
        with open_study(StudyFolder(folder)) as run:
            judged = run.verify(verifier)
    else:
        from liftmap.ask import verify_folder

        if section is None:
            raise ConfigError(
                f"{folder} is no study, so it has no verifier of its own.",
                remedy="Name one: --verifier math.",
            )
        judged = verify_folder(folder, section)
    _say(f"{judged:,} responses judged; the verdicts are in {folder / 'verdicts'}.")


def audit(
    folder: Folder,
    first: Annotated[str, tyro.conf.arg(metavar="NAME")],
    second: Annotated[str, tyro.conf.arg(metavar="NAME")],
    examples: int = 10,
    json: bool = False,
) -> None:
    """Show where two verifiers disagree about the same responses.

    Both must have judged them: liftmap verify FOLDER --verifier NAME.

    For instance:
        liftmap audit runs/math --first exact --second math

    Args:
        folder: A study folder, or one that `liftmap sample` made.
        first: A verifier.
        second: Another.
        examples: The most disagreements that are shown.
        json: Print JSON instead of tables.
    """
    from liftmap.ask import audit_folder

    found = audit_folder(folder, first, second, examples)
    if json:
        _print_json(
            {
                "responses": found.responses,
                "disagreements": found.disagreements,
                "counts": found.counts.to_dicts(),
                "questions": found.questions.to_dicts(),
                "examples": found.examples.to_dicts(),
            }
        )
        return
    page = Console()
    share = 100 * found.disagreements / max(1, found.responses)
    page.print(
        f"{first} and {second} disagree about {found.disagreements:,} of {found.responses:,} "
        f"responses ({share:.2f} %).",
        highlight=False,
    )
    counts = Table(title=f"{first} (rows) and {second} (columns)")
    for column in ("", "right", "wrong", "unscored"):
        counts.add_column(column, justify="right")
    for row in found.counts.to_dicts():
        counts.add_row(str(row["first"]), *(f"{row[k]:,}" for k in ("right", "wrong", "unscored")))
    page.print(counts)
    if len(found.examples):
        shown = Table(title="Disagreements")
        for column in ("question", "gold", "answer", first, second, "reason"):
            shown.add_column(column, overflow="fold")
        for row in found.examples.head(examples).to_dicts():
            cells = (
                f"{row['question_id']}#{row['response_index']}",
                row["gold"],
                row["second_answer"] or row["first_answer"],
                row["first"],
                row["second"],
                row["second_reason"] or row["first_reason"],
            )
            shown.add_row(*(escape(str(cell)[:200]) for cell in cells))
        page.print(shown)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _say(message: str) -> None:
    console.print(escape(message), highlight=False)
