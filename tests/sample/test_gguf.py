"""GGUF files: turned into a plain folder once, with the very weights of the file."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from liftmap.errors import ModelError
from liftmap.records import SamplingSettings
from liftmap.sample import check_model
from liftmap.sample.gguf import plain_folder
from liftmap.sample.hf import load_model
from liftmap.sample.transformers_engine import TransformersEngine
from liftmap.sections import SampleSection

WORDS = ["<unk>", "<eos>", "a", "b", "Ġ", "c", "ab", "Ġa"]
MERGES = ["a b", "Ġ a"]
LAYERS, HEADS, KEY_HEADS = 2, 2, 1
# llama.cpp's names for Transformers' weights.
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "model.layers": "blk",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "liftmap" / "gguf"


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KEY_HEADS,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=1,
    )
    torch.manual_seed(0)
    made = LlamaForCausalLM(config).eval()
    for weights in made.parameters():
        # Far from 0, so that a weight in the wrong place shows; and kept whole by bfloat16.
        weights.data = (weights.data * 10).bfloat16().float()
    return made


@pytest.fixture
def file(tmp_path: Path, model: LlamaForCausalLM) -> Path:
    path = tmp_path / "tiny.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    config = model.config
    writer.add_block_count(LAYERS)
    writer.add_context_length(64)
    writer.add_vocab_size(len(WORDS))
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_dimension_count(config.hidden_size // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(WORDS)
    writer.add_token_merges(MERGES)
    writer.add_token_types([3, 3] + [1] * (len(WORDS) - 2))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(1)
    for name, weights in model.state_dict().items():
        array = weights.numpy()
        for heads, kind in ((HEADS, "q_proj"), (KEY_HEADS, "k_proj")):
            if kind in name:
                array = _interleaved(array, heads)
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _interleaved(weights: np.ndarray, heads: int) -> np.ndarray:
    """The order in which llama.cpp keeps the rows that rotary positions turn: pairs together."""
    split = weights.reshape(heads, 2, len(weights) // heads // 2, -1)
    return split.swapaxes(1, 2).reshape(weights.shape)


def test_a_file_becomes_a_plain_folder_once(
    file: Path, model: LlamaForCausalLM, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plain_folder(file)
    assert folder.parent == cache
    assert "once" in capsys.readouterr().err
    assert (folder / "model.safetensors").exists()
    assert [p.name for p in cache.iterdir()] == [folder.name]
    written = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert plain_folder(file) == folder
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == written
    assert capsys.readouterr().err == ""

    loaded, tokenizer = load_model(str(file), dtype="float32")
    assert tokenizer("ab ac")["input_ids"] == [6, 7, 5]
    ids = torch.tensor([[2, 6, 7, 5, 3]])
    with torch.inference_mode():
        assert torch.equal(loaded(ids).logits, model(ids).logits)


def test_it_is_sampled_from_like_any_model(file: Path) -> None:
    check_model(str(file), SampleSection())
    engine = TransformersEngine(str(file))
    drawn = list(engine.generate({"q": "ab"}, 6, SamplingSettings(max_tokens=8)))
    assert [r.response_index for r in drawn] == list(range(6))
    assert any(r.text for r in drawn)


def test_another_file_of_the_same_name_is_another_model(file: Path) -> None:
    before = plain_folder(file)
    file.write_bytes(file.read_bytes() + bytes(32))
    assert plain_folder(file) != before


def test_half_a_folder_is_made_anew(file: Path, cache: Path) -> None:
    folder = plain_folder(file)
    whole = sorted(p.name for p in folder.iterdir())
    (folder / "config.json").unlink()
    # What a process that was killed left behind.
    left = cache / f".{folder.name}.1.tmp"
    left.mkdir()
    (left / "config.json").write_text("{}")
    assert plain_folder(file) == folder
    assert sorted(p.name for p in folder.iterdir()) == whole


def test_what_is_no_model(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ModelError, match="no such GGUF file"):
        plain_folder(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("no model")
    with pytest.raises(ModelError, match="does not begin as GGUF files do"):
        check_model(str(tmp_path / "text.gguf"), SampleSection())
    whole = file.read_bytes()
    for size in (100, 2000, len(whole) // 2):
        (tmp_path / "half.gguf").write_bytes(whole[:size])
        with pytest.raises(ModelError, match=r"half\.gguf can't be loaded"):
            plain_folder(tmp_path / "half.gguf")
