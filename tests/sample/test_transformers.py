"""The transformers engine: what is drawn is what the model itself would draw, for less work."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy import stats

from liftmap.errors import InputError, ModelError, SettingsDifferError, UnknownNameError
from liftmap.records import FixedPlan, Prompt, Response, SamplingSettings
from liftmap.sample import check_model, make_engine
from liftmap.sample.hf import prompt_facts
from liftmap.sample.sampling import sample
from liftmap.sample.score import Scorer, Thoughts, score
from liftmap.sample.transformers_engine import TransformersEngine
from liftmap.sections import SampleSection
from liftmap.store import ResponseSet
from liftmap.store.response_set import UNSPLIT
from liftmap.tasks.kin import kin
from liftmap.verify.thinking import USUAL, ThinkingRule, answer_start

from ..conftest import as_earlier

SETTINGS = SamplingSettings(max_tokens=24, seed=3)
QUESTIONS = kin("test", limit=12)
PROMPTS = {q.question_id: q.text for q in QUESTIONS}
# The testbed knows no roles: its words, one after the other.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}so{% endif %}"
)


@pytest.fixture(scope="module")
def transformers_engine() -> TransformersEngine:
    return TransformersEngine("testbed:base")


def by_key(responses: Any) -> dict[tuple[str, int], Response]:
    return {(r.question_id, r.response_index): r for r in responses}


def test_frequencies_are_the_models_own_probabilities(
    transformers_engine: TransformersEngine,
) -> None:
    count = 3000
    prompts = dict(list(PROMPTS.items())[:4])
    drawn = defaultdict(Counter)  # type: ignore[var-annotated]
    likely: dict[tuple[str, str], float] = {}
    for response in transformers_engine.generate(prompts, count, SETTINGS):
        drawn[response.question_id][response.text] += 1
        likely[response.question_id, response.text] = math.exp(response.log_probability)
    for question_id, texts in drawn.items():
        common = [t for t in texts if likely[question_id, t] * count >= 10]
        expected = [likely[question_id, t] * count for t in common]
        observed = [texts[t] for t in common]
        rest = count - sum(expected)
        if rest > 5:
            expected.append(rest)
            observed.append(count - sum(observed))
        total = sum(expected)
        scaled = [e * sum(observed) / total for e in expected]
        assert stats.chisquare(observed, scaled).pvalue > 1e-4


def test_log_probability_is_the_scorers(transformers_engine: TransformersEngine) -> None:
    drawn = list(transformers_engine.generate(PROMPTS, 4, SETTINGS))
    scorer = Scorer("testbed:base", batch_size=7)
    items = [(PROMPTS[r.question_id], r.text, r.finish_reason == "stop") for r in drawn]
    for response, scored in zip(drawn, scorer.score(items), strict=True):
        assert scored.log_probability == pytest.approx(response.log_probability, abs=1e-3)
        assert scored.token_count == len(response.token_ids) + (response.finish_reason == "stop")


def test_thought_and_answer_are_scored_apart(transformers_engine: TransformersEngine) -> None:
    """The parts are what the model says of each token, summed up to the one that ends a thought."""
    rule = ThinkingRule(end="so")
    drawn = list(transformers_engine.generate(PROMPTS, 4, SETTINGS))
    scorer = Scorer("testbed:base", batch_size=7)
    tokenizer, model = scorer.tokenizer, scorer.model
    items = [(PROMPTS[r.question_id], r.text, r.finish_reason == "stop") for r in drawn]
    places = [answer_start(rule, text) for _, text, _ in items]
    [so] = tokenizer("so")["input_ids"]
    finished = 0
    for response, parts in zip(drawn, scorer.score(items, places), strict=True):
        ids, stopped = list(response.token_ids), response.finish_reason == "stop"
        size = len(ids) + stopped
        thought = ids.index(so) + 1 if so in ids else size
        finished += so in ids
        first = tokenizer(PROMPTS[response.question_id])["input_ids"]
        whole = torch.tensor([first + ids + [tokenizer.eos_token_id] * stopped])
        with torch.inference_mode():
            natural = torch.log_softmax(model(whole).logits[0, :-1].double(), dim=-1)
        each = natural.gather(1, whole[0, 1:, None])[len(first) - 1 :, 0]
        assert (parts.thought_token_count, parts.answer_token_count) == (thought, size - thought)
        assert parts.thought_log_probability == pytest.approx(float(each[:thought].sum()), abs=1e-3)
        assert parts.answer_log_probability == pytest.approx(float(each[thought:].sum()), abs=1e-3)
    assert finished > len(drawn) / 2
    # No thought; and one of which it is not known where it ends.
    plain = scorer.score(items[:1])[0]
    assert (plain.thought_log_probability, plain.thought_token_count) == (0, 0)
    assert plain.answer_log_probability == plain.log_probability
    unknown = scorer.score(items[:1], [None])[0]
    assert (unknown.thought_log_probability, unknown.answer_token_count) == (None, None)
    assert unknown.log_probability == plain.log_probability


def test_scores_of_a_response_set_tell_thought_and_answer_apart(tmp_path: Path) -> None:
    target = ResponseSet(tmp_path, "base", "test")
    section = SampleSection(n=4, max_tokens=24)
    list(sample(target, "testbed:base", QUESTIONS, FixedPlan(4), section))
    rule = ThinkingRule(end="so")
    thoughts = Thoughts(rule.to_plain(), partial(answer_start, rule))

    def scorer() -> Scorer:
        return Scorer("testbed:base")

    asked = (target, QUESTIONS, "base", "plain", scorer)
    assert score(*asked, thoughts) == 4 * len(QUESTIONS)
    scores = target.read_scores("base")
    settings = target.score_settings("base")
    assert settings is not None
    assert settings["thinking"] == rule.to_plain()
    sums = scores.select(
        pl.col("thought_log_probability") + pl.col("answer_log_probability"),
        pl.col("thought_token_count") + pl.col("answer_token_count"),
    )
    np.testing.assert_allclose(sums.to_series(0), scores["log_probability"])
    assert sums.to_series(1).to_list() == scores["token_count"].to_list()
    assert (scores["answer_token_count"] > 0).any()
    # Scores of earlier versions have neither settings nor parts: read as of both together.
    as_earlier(tmp_path)
    folder = tmp_path / "scores" / "base" / "test" / "base"
    (folder / "settings.json").unlink()
    for file in folder.glob("*.parquet"):
        pl.read_parquet(file).select(UNSPLIT).write_parquet(file)
    earlier = target.read_scores("base")
    assert earlier.select(UNSPLIT).equals(scores.select(UNSPLIT))
    assert earlier["thought_log_probability"].null_count() == len(earlier)
    assert score(*asked, thoughts) == 0, "nothing is scored again"
    # Some are missing, and thoughts are told by another rule than those that are there.
    next(folder.glob("*.parquet")).unlink()
    other = {**settings, "thinking": ThinkingRule(end="wait").to_plain()}
    target.keep_score_settings("base", other)
    with pytest.raises(SettingsDifferError, match=r"thinking.end was 'wait', now 'so'"):
        score(*asked, thoughts)


def test_several_end_tokens_count_as_one_end() -> None:
    engine = TransformersEngine("testbed:base")
    scorer = Scorer("testbed:base")
    ends = [engine.tokenizer("so")["input_ids"][0], engine.tokenizer.eos_token_id]
    engine._ends = torch.tensor(ends)
    scorer._ends = ends
    drawn = [r for r in engine.generate(PROMPTS, 4, SETTINGS) if r.finish_reason == "stop"]
    found = scorer.score([(PROMPTS[r.question_id], r.text, True) for r in drawn])
    for response, scored in zip(drawn, found, strict=True):
        assert scored.log_probability == pytest.approx(response.log_probability, abs=1e-3)


def test_top_k_1_is_greedy_generate(transformers_engine: TransformersEngine) -> None:
    tokenizer, model = transformers_engine.tokenizer, transformers_engine.model
    batch = tokenizer(list(PROMPTS.values()), padding=True, return_tensors="pt")
    out = model.generate(**batch, do_sample=False, max_new_tokens=24)
    greedy = [
        " " + text
        for text in tokenizer.batch_decode(
            out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True
        )
    ]
    drawn = by_key(transformers_engine.generate(PROMPTS, 1, replace(SETTINGS, top_k=1)))
    assert [drawn[question_id, 0].text for question_id in PROMPTS] == greedy


@pytest.mark.parametrize("limit", [1, 5])
def test_less_memory_gives_the_same_responses(
    transformers_engine: TransformersEngine, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = by_key(transformers_engine.generate(PROMPTS, 8, SETTINGS))
    small = TransformersEngine("testbed:base")
    forward: Callable[..., Any] = small.model.forward

    def tight(*args: Any, **kwargs: Any) -> Any:
        out = forward(*args, **kwargs)  # The cache has grown by the time memory runs out.
        if len(kwargs["input_ids"]) > limit:
            raise torch.OutOfMemoryError("no room")
        return out

    monkeypatch.setattr(small.model, "forward", tight)
    found = by_key(small.generate(PROMPTS, 8, SETTINGS))
    assert {k: r.text for k, r in found.items()} == {k: r.text for k, r in wanted.items()}
    assert small.batch_size <= 2 * limit


def test_out_of_memory_with_one_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine("testbed:base")

    def never(*args: Any, **kwargs: Any) -> Any:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(engine.model, "forward", never)
    with pytest.raises(ModelError, match="Not even one response"):
        list(engine.generate(PROMPTS, 2, SETTINGS))


@pytest.mark.parametrize(
    ("model", "engine", "message"),
    [
        ("testbed:bases", "transformers", "no such checkpoint"),
        ("/nowhere/at/all", "transformers", "no config.json"),
        ("nobody/has-this-model", "transformers", "can't be loaded"),
        ("scripted:1.5", "scripted", "out of range"),
        ("scripted:often", "scripted", "not a number"),
        ("testbed:base", "scripted", "no such model"),
        ("testbed:base", "transformer", "mean 'transformers'"),
    ],
)
def test_models_that_cannot_be_had(model: str, engine: str, message: str) -> None:
    with pytest.raises((ModelError, UnknownNameError), match=message):
        make_engine(model, SampleSection(engine=engine), QUESTIONS)


def test_a_folder_without_weights_is_refused_before_loading(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no \*\.safetensors"):
        check_model(str(tmp_path), SampleSection())
    with pytest.raises(ModelError, match="can't be loaded"):
        check_model("nobody/has-this-model", SampleSection())
    check_model("testbed:base", SampleSection())


def test_prompts_that_leave_no_room(transformers_engine: TransformersEngine) -> None:
    with pytest.raises(InputError, match=r"exceeds the model's 64 positions.*Lower max_tokens"):
        list(transformers_engine.generate(PROMPTS, 1, replace(SETTINGS, max_tokens=63)))
    with pytest.raises(InputError, match="is empty"):
        list(transformers_engine.generate({"q": ""}, 1, SETTINGS))


def test_words_that_the_tokenizer_does_not_have(transformers_engine: TransformersEngine) -> None:
    with pytest.raises(InputError, match=r"tokenizer can't read the prompt of q7.*unheard.*kin"):
        list(transformers_engine.generate({"q7": "an unheard word"}, 1, SamplingSettings()))


@pytest.mark.parametrize("stop", ["wait", "wai"])
def test_a_stop_string_ends_a_response(transformers_engine: TransformersEngine, stop: str) -> None:
    settings = replace(SETTINGS, stop=(stop,))
    whole = by_key(transformers_engine.generate(PROMPTS, 16, SETTINGS))
    cut = by_key(transformers_engine.generate(PROMPTS, 16, settings))
    assert sum("wait" in r.text for r in whole.values()) > 10
    for key, response in cut.items():
        assert response.text == whole[key].text.split(" wait")[0]
        assert response.finish_reason == "stop"
    scorer = Scorer("testbed:base", stop=(stop,))
    found = scorer.score([(PROMPTS[q], r.text, True) for (q, _), r in cut.items()])
    for response, scored in zip(cut.values(), found, strict=True):
        assert scored.log_probability == pytest.approx(response.log_probability, abs=1e-3)
        assert scored.token_count == len(response.token_ids) + 1


def test_a_stop_string_that_no_token_begins_with(transformers_engine: TransformersEngine) -> None:
    settings = replace(SETTINGS, stop=("so Dan",))
    with pytest.raises(ModelError, match=r"begins with this stop string.*'so Dan'.*shorter"):
        list(transformers_engine.generate(PROMPTS, 1, settings))


def test_a_part_of_the_responses_is_drawn_as_in_the_whole(
    transformers_engine: TransformersEngine,
) -> None:
    whole = by_key(transformers_engine.generate(PROMPTS, 12, SETTINGS))
    part = by_key(transformers_engine.generate(PROMPTS, 4, SETTINGS, first=8))
    assert len(part) == 4 * len(PROMPTS)
    for key, response in part.items():
        assert key[1] >= 8
        assert response.token_ids == whole[key].token_ids
        assert response.log_probability == pytest.approx(whole[key].log_probability, abs=1e-4)
    assert list(transformers_engine.generate(PROMPTS, 0, SETTINGS)) == []


def test_conversations_need_a_chat_template_and_go_through_it() -> None:
    engine, scorer = TransformersEngine("testbed:base"), Scorer("testbed:base")
    chats: dict[str, Prompt] = {
        question_id: [
            {"role": "system", "content": "please work out"},
            {"role": "user", "content": text},
        ]
        for question_id, text in PROMPTS.items()
    }
    with pytest.raises(ModelError, match=r"no chat template.*such as plain"):
        list(engine.generate(chats, 1, SETTINGS))
    engine.tokenizer.chat_template = scorer.tokenizer.chat_template = CHAT_TEMPLATE
    written = {q: f"please work out {text} so" for q, text in PROMPTS.items()}
    expected = list(engine.generate(written, 4, SETTINGS))
    assert list(engine.generate(chats, 4, SETTINGS)) == expected
    found = scorer.score(
        [(chats[r.question_id], r.text, r.finish_reason == "stop") for r in expected]
    )
    for response, scored in zip(expected, found, strict=True):
        assert scored.log_probability == pytest.approx(response.log_probability, abs=1e-3)
    # Where a thought ends is found in the response alone as in prompt and response together.
    places = [len(r.text) // 2 for r in expected]
    stopped = [r.finish_reason == "stop" for r in expected]
    of_chats, of_texts = (
        scorer.score(
            [(asked[r.question_id], r.text, s) for r, s in zip(expected, stopped, strict=True)],
            places,
        )
        for asked in (chats, written)
    )
    counts = [each.thought_token_count for each in of_chats]
    assert counts == [each.thought_token_count for each in of_texts]
    assert any(0 < n < each.token_count for n, each in zip(counts, of_chats, strict=True) if n)


def test_a_device_without_float64_is_refused() -> None:
    with pytest.raises(ModelError, match=r"float64.*Take device cpu"):
        TransformersEngine("testbed:base", device="mps")


def test_what_marks_thoughts_is_told_from_the_template_and_the_prompts_end() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {letter: i for i, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    made = Tokenizer(models.BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made)
    tokenizer.add_tokens(["<mind:think>", "</mind:think>", "<tool>"])
    tokenizer.chat_template = (
        "{% for m in messages %}<user>{{ m['content'].split('</reason>')[-1] }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant><mind:think>\n{% endif %}"
    )
    facts = prompt_facts(tokenizer, [{"role": "user", "content": "2 + 3 ?"}])
    assert str(facts["end"]).endswith("2 + 3 ?<assistant><mind:think>\n")
    assert facts["marks"] == {
        "<mind:think>": len(letters),
        "</mind:think>": len(letters) + 1,
        "</reason>": None,
    }
    rule = USUAL.under(facts)
    assert rule.opened
    assert ("<reason>", "</reason>") in rule.tags
    assert not USUAL.under(prompt_facts(tokenizer, "2 + 3 ?")).opened


def test_how_prompts_end_is_kept_with_the_responses(tmp_path: Path) -> None:
    section = SampleSection(n=1, max_tokens=2)
    target = ResponseSet(tmp_path, "base", "test")
    list(sample(target, "testbed:base", QUESTIONS[:2], FixedPlan(1), section))
    kept = target.prompt()
    assert kept is not None
    assert QUESTIONS[0].text.endswith(kept["end"][-10:])
    assert kept["marks"] == {}
