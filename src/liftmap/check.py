"""Checks that what is on disk is what was made, and makes again what is not.

Above `study` and `ask`. `check` reads every file of a study, of a folder that `sample` made, or of
one response set. `repair` restores settings from the shards that name them, and draws, judges,
scores or analyses again what is damaged, and nothing else; damaged files are set aside until what
takes their place is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftmap.config import model_name
from liftmap.errors import LiftmapError, StoreError
from liftmap.files import (
    names_in,
    parquet_facts,
    read_json,
    read_parquet,
    read_toml,
    write_html,
    write_json,
    write_toml,
)
from liftmap.records import SPLITS, Question, plan_from
from liftmap.sample.account import account_of
from liftmap.sample.identity import identity_of_folder
from liftmap.sections import SampleSection, ServerSection, VerifySection
from liftmap.store import ResponseSet, StudyFolder, golds_digest, questions_digest, response_set_at
from liftmap.store.damage import (
    Damage,
    damage_of_set,
    find_damage,
    response_sets_in,
    sound_facts,
)
from liftmap.store.folder_damage import damage_of_scores, damage_of_steps, score_folders
from liftmap.store.schema import SCHEMA, schema_of, write_schema
from liftmap.store.steps_folder import StepsFolder
from liftmap.study import StudyRun, open_study
from liftmap.tasks.sets import load_questions, make_questions, make_test_set
from liftmap.verify.answer import answer
from liftmap.verify.run import verify

# The ending of a damaged file until another takes its place.
ASIDE = ".damaged"
# Kinds of files that are set aside, since a run writes only those that are missing.
MADE_AGAIN = ("responses", "verdicts", "scores", "extra", "environment")


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        folder: What was checked.
        schema: The schema number of the folder; `liftmap.store.schema` says what each means.
        damages: What is damaged or missing.
        repaired: What was damaged and has been made again; empty without a repair.
    """

    folder: Path
    schema: int
    damages: list[Damage]
    repaired: list[Damage]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "folder": str(self.folder),
            "schema": self.schema,
            "damages": [_row(damage) for damage in self.damages],
            "repaired": [_row(damage) for damage in self.repaired],
        }


def _row(damage: Damage) -> dict[str, str]:
    return {"path": str(damage.path), "kind": damage.kind, "reason": damage.reason}


def check(path: str | Path, repair: bool = False) -> Check:
    """Looks at every file of a folder, and makes again what can be made again.

    Args:
        path: A study; a folder that `liftmap sample`, `liftmap probe` or `liftmap score --out`
            made; the steps of a `TrackCallback`; or the folder of one response set.
        repair: Whether to make again what is damaged, and to bring a folder of an earlier schema to
            the present one. Only whole folders can be repaired.

    Returns:
        What is damaged; after a repair: what still is.

    Raises:
        StoreError: There is no such folder, a later version made it, or it can't be written.
        LiftmapError: What is damaged can't be drawn or judged again.
    """
    place = Path(path)
    target = response_set_at(place)
    if target is not None and target.path.is_dir():
        if repair:
            raise StoreError(
                f"{place} is a part of {target.root}.",
                remedy=f"Repair the whole: liftmap check {target.root} --repair",
            )
        return Check(place, schema_of(target.root), damage_of_set(target), [])
    steps = StepsFolder(place)
    if steps.settings_file.exists():
        return _of_kept(place, damage_of_steps(steps), repair, "train again in the same folder")
    folder = StudyFolder(place)
    if score_folders(place) and not (folder.config_file.exists() or names_in(folder.responses_dir)):
        return _of_kept(place, damage_of_scores(place), repair, "run `liftmap score` again")
    made = (folder.config_file, folder.environment_file, folder.responses_dir, folder.tables_dir)
    if not any(file.exists() for file in made):
        raise StoreError(
            f"{place} holds nothing that liftmap made.",
            remedy="Name a folder that `liftmap study`, `sample`, `probe` or `score --out` made, "
            "or a TrackCallback.",
        )
    damages = _find(folder)
    if not repair:
        schema = SCHEMA if damages and damages[0].kind == "schema" else schema_of(place)
        return Check(place, schema, damages, [])
    _repair(folder, damages)
    left = _find(folder)
    if not left and schema_of(place) < SCHEMA:
        with folder.held():
            _migrate(folder)
        left = _find(folder)
    still = {damage.path for damage in left}
    mended = [damage for damage in damages if damage.path not in still]
    return Check(place, schema_of(place), left, mended)


def _of_kept(place: Path, damages: list[Damage], repair: bool, remedy: str) -> Check:
    """The check of scores or steps, which nothing in their folder can make again.

    Raises:
        StoreError: They are damaged and a repair was asked for.
    """
    if repair and damages:
        raise StoreError(
            f"{place} can't be repaired: what it was made of lies elsewhere.",
            seen=str(damages[0].path),
            remedy=f"Remove what is damaged, and {remedy}: what is whole is taken over.",
        )
    return Check(place, schema_of(place) if score_folders(place) else SCHEMA, damages, [])


def _find(folder: StudyFolder) -> list[Damage]:
    """All damage: of files, and of weights that are not those that trained or answered."""
    damages = find_damage(folder)
    if any(damage.kind == "schema" for damage in damages):
        return damages
    damaged_paths = {damage.path for damage in damages}
    trained: dict[str, Any] = {}
    for arm in names_in(folder.checkpoints_dir):
        for seed in names_in(folder.checkpoints_dir / arm):
            home = folder.checkpoint(arm, int(seed))
            if not home.record_file.exists() or home.record_file in damaged_paths:
                continue
            weights = folder.read_record(home.record_file).get("weights")
            trained[model_name(arm, int(seed))] = weights
            if weights is not None and identity_of_folder(home.model_dir) != weights:
                reason = f"{home.model_dir}: its files are not those that training left"
                damages.append(Damage(home.model_dir, "checkpoint", reason))
    return [*damages, *_other_weights(folder, trained)]


def _other_weights(folder: StudyFolder, trained: Mapping[str, Any]) -> Iterator[Damage]:
    """Responses of a model that other weights gave than its checkpoint or its other responses."""
    first = {name: weights for name, weights in trained.items() if weights is not None}
    for target in response_sets_in(folder):
        with suppress(LiftmapError):
            weights = target.settings().get("weights")
            if weights and first.setdefault(target.model, weights) != weights:
                reason = f"{target.path}: other weights of {target.model} answered than elsewhere"
                yield Damage(target.path, "checkpoint", reason, target)


def _repair(folder: StudyFolder, damages: list[Damage]) -> None:
    """Makes again what can be made again."""
    if any(damage.kind == "schema" for damage in damages):
        write_schema(folder.path)
        damages = find_damage(folder)
    # What others are made from comes first; each look shows what the last repair laid open.
    for kinds, mend in _RESTORE.items():
        with folder.held():
            for damage in find_damage(folder):
                if damage.kind in kinds:
                    mend(folder, damage)
    damages = find_damage(folder)
    with folder.held():
        for damage in damages:
            if damage.kind in MADE_AGAIN and damage.path.is_file():
                _set_aside(damage.path)
    if folder.config_file.exists():
        _make_again_in_study(folder, damages)
    else:
        with folder.held():
            for target in _sets(damages, "responses"):
                _draw_again(folder, target)
            _judge_again(folder, damages)
    for damage in damages:
        # What takes no place of another stays, set aside.
        if damage.kind != "extra" and damage.path.exists():
            (damage.path.with_name(damage.path.name + ASIDE)).unlink(missing_ok=True)
    with folder.held():
        for damage in damages:
            if damage.kind == "account" and damage.place is not None:
                damage.place.keep_account(account_of(damage.place))


def _set_aside(path: Path) -> Path:
    return path.replace(path.with_name(path.name + ASIDE))


def _sets(damages: list[Damage], *kinds: str) -> list[ResponseSet]:
    """The response sets with damage of these kinds, each once."""
    places = [d.place for d in damages if d.kind in kinds and d.place is not None]
    return list(dict.fromkeys(places))


def _restore_study(folder: StudyFolder, damage: Damage) -> None:
    """The study's settings, from their copy in environment.json."""
    file = folder.environment_file
    settings = folder.read_record(file).get("study") if file.exists() else None
    if settings is not None:
        write_toml(folder.config_file, settings)


def _restore_settings(folder: StudyFolder, damage: Damage) -> None:
    """Settings, from the shards that name them; without shards nothing depends on them."""
    place = damage.folder
    assert place is not None
    facts = list(sound_facts(place))
    if facts and all(each.get("settings") == facts[0].get("settings") for each in facts):
        if facts[0].get("settings") is not None:
            write_json(place.settings_file, facts[0]["settings"])
    elif not place.shards() and place.settings_file.exists():
        _set_aside(place.settings_file)


def _restore_prompt(folder: StudyFolder, damage: Damage) -> None:
    """How prompts end, from the responses that were drawn with it."""
    assert damage.place is not None
    for facts in sound_facts(damage.place.responses):
        if facts.get("prompt"):
            write_json(damage.path, facts["prompt"])
            return


def _restore_template(folder: StudyFolder, damage: Damage) -> None:
    """The prompt template, from the settings of responses."""
    for target in response_sets_in(folder):
        with suppress(LiftmapError):
            template = target.settings().get("template")
            if template is not None:
                write_json(folder.template_file, template)
                return


def _restore_task(folder: StudyFolder, damage: Damage) -> None:
    """What the task of a folder is, from its questions."""
    for split in SPLITS:
        if damage.path == folder.task_file(split):
            task = parquet_facts(folder.questions_file(split), sealed=True)[1].get("task")
            if task is not None:
                write_json(damage.path, task)


def _restore_questions(folder: StudyFolder, damage: Damage) -> None:
    """The questions, from their task, if it still gives those that were asked."""
    config = folder.read_config() if folder.config_file.exists() else None
    for name, section in (config.tests if config else {}).items():
        if damage.path == folder.questions_file(name):
            questions = make_test_set(name, section)
            if _are_those(folder, name, questions):
                folder.write_questions(name, questions)
    for split in SPLITS:
        if damage.path != folder.questions_file(split):
            continue
        task: dict[str, Any] | None = None
        if config is not None:
            questions = make_questions(config.task)[split]
        else:
            task = folder.read_record(folder.task_file(split))
            questions = load_questions(task["task"], split, task["options"], "the task")
        if _are_those(folder, split, questions):
            folder.write_questions(split, questions, task)


def _are_those(folder: StudyFolder, split: str, questions: list[Question]) -> bool:
    """Whether these are the questions that were asked, with the gold answers of the verdicts."""
    asked = {"questions": questions_digest(questions), "golds": golds_digest(questions)}
    for target in response_sets_in(folder):
        if target.split == split:
            for place in (target.responses, *target.beside()):
                with suppress(LiftmapError):
                    settings = place.settings()
                    if any(settings.get(k) not in (None, v) for k, v in asked.items()):
                        return False
    return True


_RESTORE: dict[tuple[str, ...], Callable[[StudyFolder, Damage], None]] = {
    ("study",): _restore_study,
    ("settings",): _restore_settings,
    ("prompt",): _restore_prompt,
    ("template",): _restore_template,
    ("task",): _restore_task,
    ("questions",): _restore_questions,
}


def _make_again_in_study(folder: StudyFolder, damages: list[Damage]) -> None:
    response_sets = _sets(damages, "responses")
    unjudged = [d.place for d in damages if d.kind == "verdicts" and d.folder is None]
    kinds = {damage.kind for damage in damages}
    if not kinds & {"responses", "verdicts", "scores", "table", "report", "environment"}:
        return
    with open_study(folder) as run:
        if response_sets:
            run.prepare()
        for model in dict.fromkeys(t.model for t in (*response_sets, *unjudged) if t is not None):
            if model in run.model_names():
                run.answer(model)
        _judge_again(folder, damages)
        if kinds & {"responses", "scores"} and folder.scores_dir.exists():
            run.score()
        _report_again(run, bool(response_sets), kinds)


def _report_again(run: StudyRun, drawn: bool, kinds: set[Any]) -> None:
    had_tables = bool(run.folder.tables())
    if "table" in kinds or (drawn and had_tables):
        run.analyse()
    if kinds & {"report", "table"} or (drawn and run.folder.report_file.exists()):
        run.report()


def _draw_again(folder: StudyFolder, target: ResponseSet) -> None:
    """Draws the missing shards of a folder without a study, as its settings say."""
    settings = target.settings()
    if settings["engine"] == "server" or "seed" not in settings:
        raise StoreError(
            f"The folder does not say where {target.model} answers.",
            remedy="Run the `liftmap sample` command that made it again: damaged shards are set "
            "aside, and it draws what is missing.",
        )
    verifiers = target.verifiers() or [path.name for path in _verdict_folders(target)]
    if not verifiers:
        raise StoreError(
            f"The folder does not say how {target.model} is judged.",
            remedy="Run the `liftmap sample` command that made it again.",
        )
    sampling = settings["sampling"]
    plan = plan_from(settings["plan"])
    section = SampleSection(
        engine=settings["engine"],
        template=settings["template"]["name"].rpartition("/")[0],
        n=plan.most,
        dtype=settings["dtype"],
        shard_responses=settings["shard_responses"],
        server=ServerSection(**settings["request"]),
        **{**sampling, "seed": settings["seed"]},
    )
    questions = folder.read_questions(target.split)
    answer(target, settings["model"], questions, plan, section, _section(target, verifiers[0]))


def _verdict_folders(target: ResponseSet) -> list[Path]:
    return [folder.path for folder in target.beside() if folder.kind == "verdicts"]


def _section(target: ResponseSet, verifier: str) -> VerifySection:
    settings = target.verifier_settings(verifier) or {}
    verifier_settings = {
        name: settings[name] for name in VerifySection.model_fields if name in settings
    }
    return VerifySection(**{"verifier": verifier, **verifier_settings})


def _judge_again(folder: StudyFolder, damages: list[Damage]) -> None:
    """Judges what has no verdict, of each verifier that judged before."""
    for target in _sets(damages, "responses", "verdicts"):
        for path in _verdict_folders(target):
            if target.verifier_settings(path.name) is not None:
                questions = folder.read_questions(target.split)
                verify(target, questions, _section(target, path.name))


def _migrate(folder: StudyFolder) -> None:
    """Seals a folder of an earlier schema, all of whose files are as they should be.

    No row changes. The schema number comes last: a kill before it leaves a folder of the earlier
    schema, which can be read and migrated again.
    """
    for target in response_sets_in(folder):
        questions = folder.read_questions(target.split)
        for place in (target.responses, *target.beside()):
            settings = place.settings() if place.has_settings() else {}
            if place.kind == "verdicts":
                settings["golds"] = golds_digest(questions)
            write_json(place.settings_file, settings)
            for shard in place.shards():
                facts = (
                    {"prompt": target.prompt()}
                    if place.kind == "responses"
                    else {"responses": target.responses.facts(shard)["seal"]}
                )
                place.write(shard, read_parquet(place.path / shard), **facts)
    for split in SPLITS:
        if folder.questions_file(split).exists():
            file = folder.task_file(split)
            task = read_json(file) if file.exists() else None
            folder.write_questions(split, folder.read_questions(split), task)
    for file in folder.records():
        write_json(file, read_json(file))
    if folder.config_file.exists():
        write_toml(folder.config_file, read_toml(folder.config_file))
    for name in folder.tables():
        folder.write_table(name, read_parquet(folder.table_file(name)), folder.tables())
    if folder.report_file.exists():
        write_html(folder.report_file, folder.report_file.read_text("utf-8").rstrip("\n"))
    write_schema(folder.path)
