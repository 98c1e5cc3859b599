"""Which weights answered is known: others are refused when a run goes on."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from liftmap import Asking, sample_model
from liftmap.errors import SettingsDifferError
from liftmap.files import write_json
from liftmap.sample import identity
from liftmap.sample.hf import resolve_model
from liftmap.sample.identity import digest_of_file, identity_of_folder, identity_of_model
from liftmap.sample.server.check import Access
from liftmap.sections import SampleSection, ServerSection
from liftmap.store import StudyFolder
from liftmap.studyfile import parse_config
from liftmap.train.arm import train_arm

from ..conftest import SCRIPTED, as_earlier
from .faulty_server import MODEL, FaultyServer

ASKING = Asking(
    "kin",
    options={"limit": 4},
    sampling=SampleSection(n=4, max_tokens=8, shard_responses=8, device="cpu"),
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped base."""
    return Path(shutil.copytree(resolve_model("testbed:base"), tmp_path / "model"))


def swap(model: Path, ending: str) -> bytes:
    """Puts the teacher's files in place of the base's; gives what was there."""
    [file] = model.glob(f"*{ending}")
    before = file.read_bytes()
    shutil.copy(Path(resolve_model("testbed:teacher")) / file.name, file)
    return before


@pytest.mark.slow
def test_weights_swapped_in_the_middle_are_refused(model: Path, tmp_path: Path) -> None:
    target = sample_model(str(model), ASKING, tmp_path / "run")
    assert set(target.settings()["weights"]) >= {"weights", "config", "tokenizer"}
    whole = target.read_responses()
    # As a run that was stopped half-way.
    missing = target.path / target.shards()[1]
    missing.unlink()
    weights = swap(model, ".safetensors")
    with pytest.raises(SettingsDifferError, match=r"is not the model that began.*weights had the"):
        sample_model(str(model), ASKING, tmp_path / "run")
    assert not missing.exists()
    [file] = model.glob("*.safetensors")
    file.write_bytes(weights)
    settings = (model / "tokenizer_config.json").read_bytes()
    (model / "tokenizer_config.json").write_bytes(settings + b" ")
    with pytest.raises(SettingsDifferError, match="tokenizer had the digest"):
        sample_model(str(model), ASKING, tmp_path / "run")
    (model / "tokenizer_config.json").write_bytes(settings)
    assert sample_model(str(model), ASKING, tmp_path / "run").read_responses().equals(whole)
    # Nothing is left to draw: the weights are not asked for.
    shutil.rmtree(model)
    sample_model(str(model), ASKING, tmp_path / "run")


@pytest.mark.slow
def test_an_earlier_folder_does_not_tell_its_weights(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = sample_model(str(model), ASKING, tmp_path / "run")
    as_earlier(tmp_path / "run")
    (target.path / target.shards()[1]).unlink()
    sample_model(str(model), ASKING, tmp_path / "run")
    assert "can't be checked" in " ".join(capsys.readouterr().err.split())


def test_a_digest_is_of_all_files_of_a_kind(model: Path) -> None:
    before = identity_of_folder(model)
    assert before == identity_of_model(str(model)) == identity_of_model("testbed:base")
    (model / "README.md").write_text("hello")
    assert identity_of_folder(model) == before
    (model / "model-2.safetensors").write_bytes(b"more")
    assert identity_of_folder(model)["weights"] != before["weights"]
    (model / "chat_template.jinja").write_text("{{ messages }}")
    assert set(identity_of_folder(model)) == {*before, "template"}
    gguf = model / "x.gguf"
    gguf.write_bytes(b"GGUF0")
    first = identity_of_model(str(gguf))
    gguf.write_bytes(b"GGUF1")
    assert identity_of_model(str(gguf)) != first


def test_large_files_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(identity, "CACHED_FROM", 10)
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"a" * 100)
    young = digest_of_file(file)
    cache = tmp_path / "cache" / "liftmap" / "digests.json"
    assert not cache.exists(), "a file that has just changed may change again unseen"
    long_ago = time.time() - 60
    os.utime(file, (long_ago, long_ago))
    assert digest_of_file(file) == young
    # What the cache says is believed: the file is not read.
    cache.write_text(cache.read_text().replace(young, "cached"))
    assert digest_of_file(file) == "cached"
    # Size, time or inode: whichever changes, it is read again.
    other = tmp_path / "other"
    other.write_bytes(b"b" * 100)
    os.utime(other, (long_ago, long_ago))
    other.replace(file)
    after = digest_of_file(file)
    assert after not in ("cached", young)
    cache.write_text("{")
    assert digest_of_file(file) == after


def test_of_a_servers_model_only_what_lasts_is_kept(tmp_path: Path) -> None:
    with FaultyServer() as server:
        access = Access(ServerSection(urls=(server.url,)))
        [entry] = [e for e in access.entries(server.url) if e["id"] == MODEL]
        lasting = {"root": "org/model", "max_model_len": 4096}

        def entries(created: int, **more: Any) -> Any:
            return lambda self, url: [{**entry, **lasting, "created": created, **more}]

        asking = Asking(
            "kin",
            options={"limit": 4},
            sampling=SampleSection(
                engine="server",
                n=2,
                shard_responses=4,
                server=ServerSection(urls=(server.url,), backoff=0.01),
            ),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Access, "entries", entries(1))
            target = sample_model(MODEL, asking, tmp_path)
            assert target.settings()["weights"] == {"id": MODEL, **lasting}
            (target.path / target.shards()[1]).unlink()
            patch.setattr(Access, "entries", entries(2, permission=[{"id": "modelperm-2"}]))
            sample_model(MODEL, asking, tmp_path)
            (target.path / target.shards()[1]).unlink()
            patch.setattr(Access, "entries", entries(3, root="org/other"))
            with pytest.raises(SettingsDifferError, match=r"root had the digest org/model"):
                sample_model(MODEL, asking, tmp_path)


def test_a_recipe_whose_source_changed_is_noticed(tmp_path: Path) -> None:
    arms = {
        "first": {"method": "sft", "responses": {"of": "base"}, "seeds": [1]},
        "second": {"method": "sft", "responses": {"of": "first"}, "seeds": [1, 2]},
    }
    folder = StudyFolder(tmp_path)
    config = parse_config(SCRIPTED | {"arms": arms}, "the test")
    sources = {name: {"model": name, "digest": None} for name in config.sources("second")}
    sources["first"]["model"] = "first@1"
    record = {"arm": "second", "seed": 2, "path": "x", "step": 1, "inputs": {"sources": sources}}
    write_json(folder.checkpoint("second", 2).record_file, record)
    assert train_arm(folder, config, "second", 2).step == 1
    # The source arm gains the seed that the arm is trained with: another model answers then.
    arms["first"]["seeds"] = [1, 2]
    more = parse_config(SCRIPTED | {"arms": arms}, "the test")
    message = r"second@2 was trained from something else.*first.model was 'first@1', now 'first@2'"
    with pytest.raises(SettingsDifferError, match=message):
        train_arm(folder, more, "second", 2)
    # The source's responses are others.
    sources["first"]["digest"] = "0" * 32
    write_json(folder.checkpoint("second", 2).record_file, record)
    with pytest.raises(SettingsDifferError, match=r"first.digest was '0+', now None"):
        train_arm(folder, config, "second", 2)
