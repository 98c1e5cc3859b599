"""Pre-training writes loadable folders, and the shipped checkpoints know what they should."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from liftmap.errors import InputError, UnknownNameError
from liftmap.testbed import pretrain as pretraining
from liftmap.testbed.language import STYLE_SHARES, STYLES, VOCABULARY
from liftmap.testbed.measure import measure
from liftmap.testbed.pretrain import learning_rate_share, pretrain
from liftmap.testbed.world import CHECKPOINTS, checkpoint_path


def test_a_short_training_writes_a_folder_that_loads(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    out = pretrain("base", tmp_path / "one", steps=3, threads=1, show_progress=False)
    assert torch.get_num_threads() == threads
    again = pretrain("base", tmp_path / "two", steps=3, threads=1, show_progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    model = AutoModelForCausalLM.from_pretrained(out)
    assert model.generation_config.eos_token_id == 1
    assert model.generation_config.pad_token_id == 0
    tokenizer = AutoTokenizer.from_pretrained(out)
    ids = tokenizer("quick : Uma 's boss ?", return_tensors="pt")
    assert model(**ids).logits.shape[-1] == len(tokenizer) == len(VOCABULARY) + 2
    twin = AutoModelForCausalLM.from_pretrained(again)
    for one, two in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, two)
    record = json.loads((out / "pretraining.json").read_text())
    assert record["steps"] == 3
    assert record["loss"] < np.log(82) + 0.5


def test_a_training_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pretraining, "build_tokenizer", stop)
    with pytest.raises(KeyboardInterrupt):
        pretrain("teacher", tmp_path / "out", steps=1, threads=1, show_progress=False)
    assert list(tmp_path.iterdir()) == []


def test_bad_input_is_refused_before_any_training(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        pretrain("base", tmp_path)
    with pytest.raises(InputError, match="base or teacher"):
        pretrain("bass", tmp_path / "out")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="steps must be at least 1"):
        pretrain("base", tmp_path / "out", steps=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be made"):
        pretrain("base", tmp_path / "file" / "out")
    with pytest.raises(UnknownNameError, match="base, teacher"):
        checkpoint_path("student")


def test_learning_rate_warms_up_stays_and_falls() -> None:
    shares = np.array([learning_rate_share(step, 1000) for step in range(1000)])
    assert shares[0] == pytest.approx(1 / 50)
    assert (shares[49:400] == 1).all()
    assert (np.diff(shares[400:]) <= 0).all()
    assert shares[-1] == pytest.approx(0.02)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_shipped_checkpoints_are_small_and_whole(name: str) -> None:
    folder = checkpoint_path(name)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5_000_000
    assert not list(folder.glob("*.bin"))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.get_vocab() == pretraining.build_tokenizer().get_vocab()
    record = json.loads((folder / "pretraining.json").read_text())
    assert (record["kind"], record["world_seed"]) == (name, 0)


def test_shipped_base_knows_each_fact_as_surely_as_its_level() -> None:
    table = measure("testbed:base", responses=32)
    careful = (
        table.filter(style="careful")
        .group_by("level")
        .agg(share=pl.col("right").sum() / pl.col("responses").sum())
    )
    share = dict(careful.iter_rows())
    assert share[1.0] > 0.98
    for level in (0.6, 0.3, 0.1):
        assert share[level] == pytest.approx(level, abs=0.1)
    assert share[0.0] < 0.01
    # A flawed style is right on shortcut-friendly and one-hop questions, and hardly elsewhere.
    flawed = table.filter(pl.col("style").is_in(["sloppy", "direct"]))
    friendly = flawed.filter("shortcut")
    assert friendly["right"].sum() / friendly["responses"].sum() > 0.95
    clean = flawed.filter(pl.col("hops") > 1, ~pl.col("shortcut"))
    assert clean["right"].sum() / clean["responses"].sum() < 0.02
    for wording, shares in STYLE_SHARES.items():
        drawn = table.filter(wording=wording)
        for style, wanted in zip(STYLES, shares, strict=True):
            responses = drawn.filter(style=style)["responses"].sum()
            assert responses / drawn["responses"].sum() == pytest.approx(wanted, abs=0.04)
    assert table["right"].sum() / table["responses"].sum() == pytest.approx(
        table.unique("question_id")["expected"].mean(), abs=0.02
    )


def test_shipped_teacher_knows_the_truth() -> None:
    table = measure("testbed:teacher", responses=4)
    right = table.group_by("level").agg(share=pl.col("right").sum() / pl.col("responses").sum())
    assert right["share"].min() > 0.98  # type: ignore[operator]
    careful = table.filter(style="careful")["responses"].sum()
    assert careful / table["responses"].sum() > 0.99
