"""What is on disk is what was made: every change is seen, and what can be is made again.

Every attack changes one file of a finished study. It is seen if `liftmap check` names it and if no
reading of the study gives another result than before.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from liftmap.analyse.responses import load_responses
from liftmap.check import check
from liftmap.cli import main
from liftmap.errors import LiftmapError, SettingsDifferError, StoreError
from liftmap.files import write_json
from liftmap.read.study import outcomes_of
from liftmap.store import StudyFolder
from liftmap.store.steps_folder import StepsFolder
from liftmap.study import run_study
from liftmap.studyfile import parse_config

from .conftest import SCRIPTED, as_earlier

LONG = [pytest.mark.long, pytest.mark.timeout(1800)]
FEW = {"test": {"limit": 12}, "train": {"limit": 4}, "dev": {"limit": 2}}
SMALL: dict[str, Any] = SCRIPTED | {
    "task": {"name": "kin", **FEW},
    "sample": SCRIPTED["sample"] | {"n": 8, "shard_responses": 32},
    "analyse": {"resamples": 50, "law_resamples": 0},
}
# With a trained arm, scores and a trainer's log.
TRAINED: dict[str, Any] = {
    "name": "trained",
    "base": {"model": "testbed:base"},
    "task": {"name": "kin", "train": {"limit": 8}, "dev": {"limit": 4}, "test": {"limit": 8}},
    "sample": {"n": 8, "n_train": 8, "n_dev": 4, "max_tokens": 24, "shard_responses": 32},
    "verify": SCRIPTED["verify"],
    "trl": {
        "sft": {
            "max_steps": 2,
            "save_steps": 1,
            "per_device_train_batch_size": 4,
            "gradient_checkpointing": False,
        }
    },
    "arms": {"self": {"method": "sft", "responses": {"of": "base"}}},
    "analyse": {"resamples": 50, "law_resamples": 0},
}


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "scripted"
    run_study(parse_config(SMALL, "the test"), folder)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "trained"
    run_study(parse_config(TRAINED, "the test"), folder)
    return folder


@pytest.fixture
def study(scripted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scripted, tmp_path / "study"))


def files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".lock"]


def results(folder: Path) -> dict[str, Any]:
    """All that a study tells, by name: what its tables are made of, and the tables."""
    study = StudyFolder(folder)
    config = study.read_config()
    found: dict[str, Any] = {"config": config.model_dump_json()}
    names = [p.name for p in (folder / "responses").iterdir()]
    for model in sorted(name for name in names if "-step" not in name):
        target = study.responses(model, "test")
        outcomes = outcomes_of(target, config.verify.verifier)
        questions = study.read_questions("test")
        ids = [question.question_id for question in questions]
        rows = load_responses(target, ids, config.verify.verifier)
        assert outcomes.responses is not None
        texts = repr(outcomes.responses.collect().to_dicts())
        told = repr(replace(outcomes, responses=None))
        found[model] = (told, texts, repr(questions), repr(rows.to_dicts()))
    for name in study.tables():
        found[f"table {name}"] = repr(study.read_table(name).to_dicts())
    if study.missing_tables():
        raise StoreError("tables are missing")
    for arm in config.arms:
        found[f"log {arm}"] = repr(study.read_log(arm))
        for seed in config.arms[arm].seeds:
            record = study.checkpoint(arm, seed).record_file
            if record.exists():
                found[f"{arm}@{seed}"] = repr(study.read_record(record))
    return found


def assert_seen(folder: Path, whole: dict[str, Any], what: str) -> None:
    """A change is named by the check, and read nowhere as something else."""
    checked = check(folder)
    assert checked.damages, f"the check does not see: {what}"
    try:
        found = results(folder)
    except (LiftmapError, FileNotFoundError):
        return
    assert found == whole, f"another result without a word: {what}"


def attacked(folder: Path, path: Path, content: bytes | None) -> Iterator[None]:
    """The folder with other bytes in a file (None: without it), and back as it was."""
    before = path.read_bytes()
    try:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(before)


def flip(folder: Path, chance: random.Random, flips: int) -> None:
    """Flips single bits, of every file alike and of every bit of a file alike."""
    whole = results(folder)
    assert not check(folder).damages
    paths = files(folder)
    for number in range(flips):
        path = paths[number % len(paths)]
        content = bytearray(path.read_bytes())
        bit = chance.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        for _ in attacked(folder, path, bytes(content)):
            assert_seen(folder, whole, f"bit {bit} of {path.relative_to(folder)}")
    assert results(folder) == whole


@pytest.mark.slow
def test_single_bits(study: Path) -> None:
    flip(study, random.Random(1), 2 * len(files(study)))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["scripted", "trained"])
def test_a_thousand_single_bits(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(request.getfixturevalue(kind), tmp_path / kind))
    flip(copy, random.Random(2), 1000)


def rows(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> bytes:
    """A Parquet file with other rows, as another program writes it."""
    change(pl.read_parquet(path)).write_parquet(path.with_suffix(".other"))
    other = path.with_suffix(".other")
    content = other.read_bytes()
    other.unlink()
    return content


def structural(folder: Path) -> Iterator[tuple[str, Path, bytes | None]]:
    """Damages of whole files: what, the file, and what is in it then."""
    shard = "test/shard-00001.parquet"
    answers = folder / "responses/base" / shard
    verdicts = folder / "verdicts/base/test/exact/shard-00001.parquet"
    for path in files(folder):
        name = path.relative_to(folder)
        yield f"{name} is gone", path, None
        yield f"half of {name}", path, path.read_bytes()[: path.stat().st_size // 2]
        yield f"nothing in {name}", path, b""
    for path in (answers, verdicts, folder / "questions/test.parquet"):
        name = path.relative_to(folder)
        yield f"half the rows of {name}", path, rows(path, lambda f: f.head(len(f) // 2))
        yield f"doubled rows of {name}", path, rows(path, lambda f: pl.concat([f, f]))
        yield f"the same rows of {name}", path, rows(path, lambda f: f)
        yield f"{name} in another order", path, rows(path, lambda f: f.reverse())
    yield (
        "golds",
        folder / "questions/test.parquet",
        rows(folder / "questions/test.parquet", lambda f: f.with_columns(answer=pl.lit("Zack"))),
    )
    yield (
        "all right",
        verdicts,
        rows(verdicts, lambda f: f.with_columns(verdict=pl.lit("right").cast(pl.Categorical))),
    )
    others = {
        answers: ("responses/base/test/shard-00002.parquet", "responses/sharper@1/" + shard),
        verdicts: (
            "verdicts/base/test/exact/shard-00002.parquet",
            "verdicts/sharper@1/test/exact/shard-00001.parquet",
            "responses/base/" + shard,
        ),
        folder / "responses/base/test/settings.json": (
            "responses/sharper@1/test/settings.json",
            "verdicts/base/test/exact/settings.json",
        ),
        folder / "questions/test.parquet": ("questions/train.parquet",),
        folder / "tables/capability.parquet": ("tables/verdict.parquet",),
        folder / "study.toml": ("template.json",),
    }
    for path, sources in others.items():
        for source in sources:
            yield f"{source} in place of {path.name}", path, (folder / source).read_bytes()
    settings = folder / "responses/base/test/settings.json"
    for old, new in (('"temperature": 1.0', '"temperature": 0.5'), ('"shards": 3', '"shards": 2')):
        text = settings.read_text()
        assert old in text
        yield f"{new} by hand", settings, text.replace(old, new).encode()
    yield (
        "resamples by hand",
        folder / "study.toml",
        (folder / "study.toml").read_text().replace("resamples = 50", "resamples = 60").encode(),
    )
    plain = (folder / "study.toml").read_text().splitlines(keepends=True)
    yield "study.toml without its digest", folder / "study.toml", "".join(plain[:-1]).encode()


@pytest.mark.slow
def test_structural_damages(study: Path) -> None:
    whole = results(study)
    damages = list(structural(study))
    assert len(damages) >= 50
    for what, path, content in damages:
        for _ in attacked(study, path, content):
            assert_seen(study, whole, what)
    extra = study / "responses/base/test/shard-00003.parquet"
    shutil.copy(study / "responses/base/test/shard-00001.parquet", extra)
    assert_seen(study, whole, "an extra shard")
    extra.unlink()
    assert results(study) == whole


def test_damage_is_named_and_the_status_is_1(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(study)]) == 0
    assert "everything is as it was written" in capsys.readouterr().out
    shard = study / "verdicts/base/test/exact/shard-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[100] ^= 4
    shard.write_bytes(content)
    assert main(["check", str(study)]) == 1
    assert str(shard) in capsys.readouterr().out
    assert main(["check", str(study), "--json"]) == 1
    [damage] = json.loads(capsys.readouterr().out)["damages"]
    assert (damage["path"], damage["kind"]) == (str(shard), "verdicts")
    one = study / "responses/base/test"
    assert main(["check", str(one)]) == 1
    assert main(["check", str(study / "responses/sharper@1/test")]) == 0
    assert main(["check", str(one), "--repair"]) == 2
    assert main(["check", str(study / "nowhere")]) == 2
    capsys.readouterr()
    for command in (["analyse", str(study)], ["compare", f"{study}:base", f"{study}:sharper@1"]):
        assert main(command) == 2
        assert str(shard).replace("/", "") in "".join(capsys.readouterr().err.split()).replace(
            "/", ""
        )


def frames(folder: Path) -> dict[str, Any]:
    return {
        str(p.relative_to(folder)): pl.read_parquet(p).to_dicts() for p in folder.rglob("*.parquet")
    }


@pytest.mark.parametrize(
    "part", [pytest.param("some", marks=pytest.mark.slow), pytest.param("all", marks=LONG)]
)
def test_a_repair_makes_again_what_is_damaged_and_nothing_else(study: Path, part: str) -> None:
    whole, before = results(study), repr(frames(study))
    for path in files(study):
        if part == "some" and path.parent.name not in ("study", "questions", "test", "exact"):
            continue
        if part == "some" and path.name in ("shard-00001.parquet", "shard-00002.parquet"):
            continue
        name = path.relative_to(study)
        times = {p: p.stat().st_mtime_ns for p in study.rglob("shard-*") if p != path}
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        checked = check(study, repair=True)
        assert not checked.damages, name
        assert path in [damage.path for damage in checked.repaired], name
        assert results(study) == whole, name
        assert repr(frames(study)) == before, name
        assert not list(study.rglob("*.damaged")), name
        beside = Path("verdicts", *name.parts[1:3], "exact", name.name)
        same = {p for p in times if p != study / beside}
        assert all(p.stat().st_mtime_ns == times[p] for p in same), name


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_is_deleted_is_made_again_too(study: Path) -> None:
    whole, before = results(study), repr(frames(study))
    for path in files(study):
        path.unlink()
        checked = check(study, repair=True)
        assert not checked.damages, path
        assert results(study) == whole, path
        assert repr(frames(study)) == before, path


def test_settings_are_never_mended_by_leaving_them_out(study: Path) -> None:
    settings = study / "responses/base/test/settings.json"
    content = settings.read_bytes()
    settings.unlink()
    with pytest.raises(StoreError, match=r"settings.json is missing.*--repair"):
        run_study(parse_config(SMALL, "the test"), study)
    settings.write_bytes(content.replace(b'"temperature": 1.0', b'"temperature": 1.5'))
    with pytest.raises(StoreError, match=r"settings.json is damaged.*--repair"):
        run_study(parse_config(SMALL, "the test"), study)
    check(study, repair=True)
    assert settings.read_bytes() == content
    run_study(parse_config(SMALL, "the test"), study)


def test_a_folder_of_a_later_version_is_refused(study: Path) -> None:
    write_json(study / "liftmap.json", {"schema": 3})
    for attempt in (
        lambda: check(study),
        lambda: run_study(parse_config(SMALL, "the test"), study),
        lambda: results(study),
    ):
        with pytest.raises(StoreError, match=r"later version.*schema 3.*Update"):
            attempt()


@pytest.mark.slow
def test_an_earlier_folder_is_read_resumed_and_migrated(study: Path) -> None:
    whole, before = results(study), repr(frames(study))
    as_earlier(study)
    assert repr(results(study)) == repr(whole)
    for kind in ("responses", "verdicts"):
        next((study / kind / "base" / "test").rglob("shard-00002.parquet")).unlink()
    run_study(parse_config(SMALL, "the test"), study)
    assert results(study) == whole
    checked = check(study)
    assert (checked.schema, checked.damages) == (1, [])
    # What can be seen without digests is seen: keys.
    shard = study / "verdicts/base/test/exact/shard-00001.parquet"
    content = shard.read_bytes()
    pl.read_parquet(shard).head(5).write_parquet(shard)
    assert [damage.path for damage in check(study).damages] == [shard]
    with pytest.raises(LiftmapError, match="have no verdict of the verifier exact"):
        results(study)
    shard.write_bytes(content)
    checked = check(study, repair=True)
    assert (checked.schema, checked.damages) == (2, [])
    assert results(study) == whole
    assert repr(frames(study)) == before
    flip(study, random.Random(3), 40)


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    ask = ["--task", "kin", "--option", "limit=12", "--n", "8", "--shard-responses", "32"]
    folder = tmp_path / "run"
    assert main(["sample", "--model", "scripted:0,0.5,1", *ask, "--out", str(folder)]) == 0
    before = repr(frames(folder))
    for path in files(folder):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        assert check(folder).damages, path
        assert not check(folder, repair=True).damages, path
        assert repr(frames(folder)) == before, path


def test_questions_with_other_golds_are_noticed(study: Path) -> None:
    """Even where the file is whole: the verdicts name the gold answers that they took."""
    folder = StudyFolder(study)
    questions = folder.read_questions("test")
    folder.write_questions("test", [*questions[:-1], replace_answer(questions[-1])])
    assert [damage.kind for damage in check(study).damages].count("questions") >= 1
    with pytest.raises(StoreError, match="gold answers"):
        outcomes_of(folder.responses("base", "test"))
    with pytest.raises(SettingsDifferError, match=r"golds was"):
        run_study(parse_config(SMALL, "the test"), study)
    assert not check(study, repair=True).damages
    assert folder.read_questions("test") == questions


def replace_answer(question: Any) -> Any:
    from dataclasses import replace

    return replace(question, answer="nobody")


def test_a_shard_may_hold_the_words_of_a_seal(tmp_path: Path) -> None:
    from liftmap.files import parquet_facts, write_parquet
    from liftmap.seals import UNSEALED

    path = tmp_path / "x.parquet"
    frame = pl.DataFrame({"text": [UNSEALED, f'"seal": "{UNSEALED}"'] * 3})
    write_parquet(path, frame, {"about": UNSEALED})
    seal, facts = parquet_facts(path, sealed=True)
    assert seal is not None
    assert facts["about"] == UNSEALED
    assert pl.read_parquet(path).equals(frame)
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StoreError, match="is damaged"):
            parquet_facts(path, sealed=True)


@pytest.mark.slow
def test_what_a_training_left_is_checked(trained: Path, tmp_path: Path) -> None:
    study = Path(shutil.copytree(trained, tmp_path / "trained"))
    whole = results(study)
    scores = study / "scores/self@1/test/base/shard-00001.parquet"
    content = bytearray(scores.read_bytes())
    content[len(content) // 3] ^= 16
    scores.write_bytes(content)
    with pytest.raises(StoreError, match=r"shard-00001.parquet is damaged"):
        results(study)
    checked = check(study, repair=True)
    assert [damage.path for damage in checked.repaired] == [scores]
    assert not checked.damages
    assert results(study) == whole
    # Weights of another model in place of those that were trained: seen, and never trained again.
    [weights] = (study / "checkpoints/self/1/model").glob("*.safetensors")
    before = weights.read_bytes()
    weights.write_bytes(before[:-4] + b"\x00\x00\x80?")
    checked = check(study, repair=True)
    assert [damage.kind for damage in checked.damages] == ["checkpoint"]
    (study / "responses/self@1/test/shard-00001.parquet").unlink()
    with pytest.raises(LiftmapError, match=r"its files are not those of checkpoint.json"):
        run_study(parse_config(TRAINED, "the test"), study)
    weights.write_bytes(before)
    run_study(parse_config(TRAINED, "the test"), study)
    assert not check(study).damages
    log = study / "metrics/self.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-1]))
    assert [damage.path for damage in check(study).damages] == [log]
    with pytest.raises(StoreError, match="not those of its trainer"):
        results(study)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a sampled task, of its scores and of a training's steps."""
    root = tmp_path_factory.mktemp("kept")
    sample = ["sample", "--task", "kin", "--n", "4", "--out"]
    limit = ["--model", "testbed:base", "--option", "limit=6"]
    assert main([*sample, str(root / "sample"), *limit]) == 0
    source = root / "sample" / "responses" / "testbed-base" / "test"
    scores = ["--under", "testbed:base", "--out", str(root / "scores"), "--shard-responses", "8"]
    assert main(["score", str(source), *scores]) == 0
    steps = StepsFolder(root / "steps")
    steps.keep_settings({"n": 4})
    for step in (0, 10):
        shutil.copytree(root / "sample", steps.folder(step).path)
        steps.write_record(step, {"tokens": 1})
    steps.folder(20).path.mkdir()
    return root


def changed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-30] + bytes([content[-30] ^ 1]) + content[-29:])


@pytest.mark.parametrize(
    ("folder", "file", "change"),
    [
        ("scores", "scores/source/testbed-base/shard-00000.parquet", changed),
        ("scores", "scores/source/testbed-base/shard-00001.parquet", Path.unlink),
        ("scores", "scores/source/testbed-base/settings.json", Path.unlink),
        ("steps", ".track.json", changed),
        ("steps", "step_0/step.json", Path.unlink),
        ("steps", "step_10/step.json", changed),
        ("steps", "step_10/responses/testbed-base/test/shard-00000.parquet", changed),
    ],
)
def test_damage_of_scores_and_of_steps_is_seen(
    scored: Path, tmp_path: Path, folder: str, file: str, change: Callable[[Path], None]
) -> None:
    assert check(scored / folder).damages == []
    place = tmp_path / folder
    shutil.copytree(scored / folder, place)
    change(place / file)
    assert place / file in [damage.path for damage in check(place).damages]
    with pytest.raises(StoreError, match="what it was made of lies elsewhere"):
        check(place, repair=True)
