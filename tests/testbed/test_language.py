"""Text of the kin world: rendering, styles, tokens, and the pre-training corpus."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import islice, permutations
from pathlib import Path

import numpy as np
import pytest

from liftmap.records import SPLITS
from liftmap.tasks.kin import kin
from liftmap.testbed.corpus import BATCH_SIZE, FACT_SHARE, IGNORED_LABEL, batches, examples
from liftmap.testbed.language import (
    REFLECTION_SHARE,
    STYLE_SHARES,
    STYLES,
    VOCABULARY,
    WORDINGS,
    classify_style,
    hops_of_style,
    reflects,
    render_question,
    render_response,
)
from liftmap.testbed.questions import used_paths
from liftmap.testbed.tokenizer import EOS, MAX_TOKENS, PAD, TOKENS, build_tokenizer
from liftmap.testbed.world import PEOPLE, RELATIONS, make_world

TEXTS = 40_000


@pytest.fixture(scope="module")
def base_texts() -> list[tuple[str, str]]:
    stream = examples(make_world(), "base", np.random.default_rng(0))
    return [_words(*example) for example in islice(stream, TEXTS)]


def _words(ids: list[int], start: int) -> tuple[str, str]:
    words = [TOKENS[index] for index in ids]
    assert words[-1] == EOS
    return " ".join(words[:start]), " ".join(words[start:-1])


def test_rendering_is_as_the_world_speaks() -> None:
    relations = ("neighbor", "friend")
    question = render_question("please", "Uma", relations)
    assert question == "please work out Uma 's neighbor 's friend ?"
    assert render_response("careful", relations, ("Zack", "Olga"), 0) == (
        "neighbor is Zack , wait let me check , friend is Olga , so Olga"
    )
    assert render_response("sloppy", ("friend",), ("Olga",)) == "friend Olga so Olga"
    assert render_response("direct", ("friend",), ("Olga",)) == "so Olga"


def test_classifier_reads_back_what_the_renderer_wrote() -> None:
    rng = np.random.default_rng(1)
    for hops in (1, 2, 3):
        for relations in permutations(RELATIONS, hops):
            for style in STYLES:
                followed = hops_of_style(style, relations)
                values = [str(name) for name in rng.choice(PEOPLE, len(followed))]
                assert classify_style(render_response(style, followed, values)) == style
                for after in range(len(followed)) if style == "careful" else ():
                    text = render_response(style, followed, values, after)
                    assert classify_style(text) == "careful"
                    assert reflects(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Olga",
        "so",
        "so Olga Olga",
        "so mother",
        "mother is Eve ,",
        "mother is Eve , so",
        "mother is Eve so Eve",
        "mother is Eve , boss Zack so Zack",
        "mother Eve , so Eve",
        "wait let me check , mother is Eve , so Eve",
        "mother is Ulf , so Ulf",
    ],
)
def test_other_texts_have_no_style(text: str) -> None:
    assert classify_style(text) == "other"


def test_tokenizer_round_trip(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    build_tokenizer().save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer) == len(VOCABULARY) + 2 == 82
    for word in VOCABULARY:
        ids = tokenizer(word)["input_ids"]
        assert len(ids) == 1
        assert tokenizer.decode(ids) == word
    everything = " ".join(VOCABULARY)
    assert tokenizer.decode(tokenizer(everything)["input_ids"]) == everything
    assert tokenizer.decode([*tokenizer("so Eve")["input_ids"], 1, 0]) == f"so Eve {EOS} {PAD}"
    assert tokenizer.decode([6, 1, 0], skip_special_tokens=True) == "is"
    assert (tokenizer.pad_token, tokenizer.eos_token) == (PAD, EOS)
    assert (tokenizer.padding_side, tokenizer.model_max_length) == ("left", MAX_TOKENS)
    with pytest.raises(Exception, match="Missing"):
        tokenizer("Ulf")


def test_prompt_and_response_meet_at_a_token(base_texts: list[tuple[str, str]]) -> None:
    tokenizer = build_tokenizer()
    for prompt, response in base_texts[:200]:
        both = tokenizer(f"{prompt} {response}")["input_ids"]
        assert both == tokenizer(prompt)["input_ids"] + tokenizer(f" {response}")["input_ids"]


def test_corpus_leaves_out_the_question_sets(base_texts: list[tuple[str, str]]) -> None:
    asked = {
        render_question(wording, person, relations)
        for wording in WORDINGS
        for person, relations in used_paths()
    }
    longer = {q.text for split in SPLITS for q in kin(split) if q.metadata["hops"] != 1}
    assert longer < asked
    assert not asked & {prompt for prompt, _ in base_texts}


def test_corpus_states_facts_and_styles_as_often_as_the_world_says(
    base_texts: list[tuple[str, str]],
) -> None:
    world = make_world()
    facts = Counter[tuple[float, bool]]()
    styles = {wording: Counter[str]() for wording in WORDINGS}
    single_facts = reflected = 0
    for prompt, response in base_texts:
        words = prompt.split()
        if not prompt.endswith("?"):
            single_facts += 1
            fact = world.facts[words[0], words[2]]
            facts[fact.level, fact.value == response] += 1
        else:
            wording = words[0]
            styles[wording][classify_style(response)] += 1  # type: ignore[index]
            reflected += reflects(response)
    assert single_facts / TEXTS == pytest.approx(FACT_SHARE, abs=0.01)
    for level in (1.0, 0.6, 0.3, 0.1, 0.0):
        right, wrong = facts[level, True], facts[level, False]
        assert right / (right + wrong) == pytest.approx(level, abs=0.06)
    assert facts[1.0, False] == facts[0.0, True] == 0
    for wording, counts in styles.items():
        for style, share in zip(STYLES, STYLE_SHARES[wording], strict=True):
            assert counts[style] / counts.total() == pytest.approx(share, abs=0.02)
    careful = sum(counts["careful"] for counts in styles.values())
    assert reflected / careful == pytest.approx(REFLECTION_SHARE, abs=0.02)


def test_teacher_text_is_careful_and_true() -> None:
    world = make_world()
    for example in islice(examples(world, "teacher", np.random.default_rng(0)), 2000):
        prompt, response = _words(*example)
        words = prompt.split()
        at = words[words.index("'s") - 1]
        for relation in (word for word in words if word in RELATIONS):
            at = world.facts[at, relation].value
        assert response.split()[-1] == at
        assert not prompt.endswith("?") or classify_style(response) == "careful"


def test_batches_hide_prompts_and_padding_from_the_loss() -> None:
    stream = batches(make_world(), "base", np.random.default_rng(0))
    texts = examples(make_world(), "base", np.random.default_rng(0))
    for chunks in islice(stream, 2):
        seen = Counter(tuple(ids) for ids, _ in islice(texts, BATCH_SIZE))
        for tokens, labels in chunks:
            assert tokens.shape == labels.shape
            assert tokens.shape[1] <= MAX_TOKENS
            inside = labels != IGNORED_LABEL
            assert (labels[inside] == tokens[inside]).all()
            for row, row_inside in zip(tokens, inside, strict=True):
                text = " ".join(TOKENS[index] for index in row[~row_inside] if index)
                assert text.endswith(("?", "is"))
                assert TOKENS[row[row_inside][-1]] == EOS
                seen[tuple(row[row != 0].tolist())] -= 1
        assert set(seen.values()) == {0}


def test_questions_and_language_need_no_torch() -> None:
    program = (
        "import sys, liftmap.tasks, liftmap.testbed.pretrain, liftmap.testbed.measure\n"
        "liftmap.tasks.get_task('kin')('test')\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
