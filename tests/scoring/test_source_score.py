"""Scoring a source: as a study's stage does, as the logits say; and when it may be called KL."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from liftmap.ask import Asking, sample_model
from liftmap.cli import main
from liftmap.errors import ConfigError, InputError, SettingsDifferError, StoreError
from liftmap.records import Tally
from liftmap.sample.hf import load_model
from liftmap.sample.score import Scorer, Thoughts
from liftmap.sample.score import score as score_stage
from liftmap.scoring.by_question import bins_for, questions_of, within_range
from liftmap.scoring.divergence import side_by_side
from liftmap.scoring.scored_record import SourceScoring
from liftmap.scoring.source_score import score
from liftmap.sections import SampleSection, ServerSection
from liftmap.store import ResponseSet, SourceScores, StudyFolder

from ..sample.echo_server import EchoServer

DATA = Path(__file__).parent.parent / "read" / "data"
QUESTIONS = 12
RESPONSES = 20
CPU = SampleSection(device="cpu")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ResponseSet]:
    """Responses of the base and of the teacher to the same questions."""
    folder = tmp_path_factory.mktemp("drawn")
    sampling = SampleSection(n=RESPONSES, max_tokens=24, seed=1, device="cpu")
    asking = Asking("kin", options={"limit": QUESTIONS}, sampling=sampling)
    return {kind: sample_model(f"testbed:{kind}", asking, folder) for kind in ("base", "teacher")}


@pytest.fixture(scope="module")
def scored(
    drawn: dict[str, ResponseSet], tmp_path_factory: pytest.TempPathFactory
) -> SourceScoring:
    """The teacher's responses under the base and under itself, and the base's own."""
    return score(
        str(drawn["teacher"].path),
        "testbed:base",
        own="testbed:teacher",
        other=str(drawn["base"].path),
        out=tmp_path_factory.mktemp("scores"),
        sampling=CPU,
    )


def log_of(target: ResponseSet, path: Path, *without: str, **more: Any) -> Path:
    """The same responses as a log that anybody could write: JSON lines."""
    frame = target.read_responses()
    right = target.read_verdicts("exact")["verdict"].cast(pl.String) == "right"
    asked = {q.question_id: q.text for q in StudyFolder(target.root).read_questions("test")}
    with path.open("w") as file:
        for row, correct in zip(frame.iter_rows(named=True), right, strict=True):
            line = {
                "question_id": row["question_id"],
                "correct": correct,
                "prompt": asked[row["question_id"]],
                "text": row["text"],
                "truncated": row["finish_reason"] == "length",
                "tokens": row["token_count"],
            }
            kept = {name: value for name, value in line.items() if name not in without}
            file.write(json.dumps(kept | more) + "\n")
    return path


def rows_of(folder: Path, side: str = "source", model: str = "testbed:base") -> pl.DataFrame:
    scores = SourceScores(folder, side, model)  # type: ignore[arg-type]
    return pl.concat(scores.read(shard) for shard in scores.shards())


def test_scores_are_those_of_a_studys_stage(drawn: dict[str, ResponseSet], tmp_path: Path) -> None:
    target = drawn["base"]
    questions = StudyFolder(target.root).read_questions("test")
    thoughts = Thoughts({}, lambda text, reasoning: 0)
    score_stage(
        target, questions, "staged", "plain", lambda: Scorer("testbed:base", device="cpu"), thoughts
    )
    staged = target.read_scores("staged")
    log = log_of(target, tmp_path / "log.jsonl")
    for source, name in ((str(target.path), "set"), (str(log), "log")):
        score(source, "testbed:base", out=tmp_path / name, sampling=CPU)
        rows = rows_of(tmp_path / name)
        assert rows["token_count"].to_list() == staged["token_count"].to_list()
        np.testing.assert_allclose(
            rows["log_probability"], staged["log_probability"], rtol=1e-12, atol=1e-12
        )
        assert rows["response_index"].to_list() == staged["response_index"].to_list()


def test_entropy_is_that_of_the_logits(drawn: dict[str, ResponseSet], tmp_path: Path) -> None:
    score(str(drawn["base"].path), "testbed:base", out=tmp_path, sampling=CPU)
    model, tokenizer = load_model("testbed:base", "cpu")
    questions = StudyFolder(drawn["base"].root).read_questions("test")
    asked = {q.question_id: q.text for q in questions}
    responses = drawn["base"].read_responses()
    both = zip(
        responses.head(30).iter_rows(named=True),
        rows_of(tmp_path).head(30).iter_rows(named=True),
        strict=True,
    )
    for row, kept in both:
        first = tokenizer(asked[row["question_id"]])["input_ids"]
        whole = torch.tensor([first + row["token_ids"] + [tokenizer.eos_token_id]])
        with torch.inference_mode():
            natural = torch.log_softmax(model(whole).logits[0].double(), dim=-1)
        each = -(natural.exp() * natural).sum(dim=-1)
        size = len(row["token_ids"]) + (row["finish_reason"] == "stop")
        expected = float(each[len(first) - 1 : len(first) - 1 + size].sum())
        assert kept["entropy"] == pytest.approx(expected, abs=1e-4)


def test_the_summary_is_what_the_rows_say(
    drawn: dict[str, ResponseSet], scored: SourceScoring
) -> None:
    assert scored.folder is not None
    rows = rows_of(Path(scored.folder))
    per_token = rows.with_columns(value=pl.col("log_probability") / pl.col("token_count"))
    mean = per_token.group_by("question_id").agg(pl.col("value").mean())["value"].mean()
    row = scored.likelihoods[0].rows[0]
    assert (row.verdict, row.bin, row.responses) == ("all", None, QUESTIONS * RESPONSES)
    assert row.log_likelihood is not None
    assert row.log_likelihood.estimate == pytest.approx(mean)
    assert row.log_likelihood.low < row.log_likelihood.estimate < row.log_likelihood.high
    assert row.perplexity is not None
    assert row.perplexity.estimate == pytest.approx(math.exp(-row.log_likelihood.estimate))
    groups = {r.verdict: r.responses for r in scored.likelihoods[0].rows if r.bin is None}
    assert groups["right"] + groups["wrong"] == groups["all"]
    in_bins = sum(r.responses for r in scored.likelihoods[0].rows if r.bin and r.verdict == "all")
    assert in_bins == groups["all"]
    # All that is said is plain JSON, without a nan.
    json.loads(scored.to_json())


def test_both_directions_are_kl_and_the_estimates_agree(scored: SourceScoring) -> None:
    forward, reverse = scored.divergences
    assert (forward.drawn_from, forward.under) == ("testbed:teacher", "testbed:base")
    assert (reverse.drawn_from, reverse.under) == ("testbed:base", "testbed:teacher")
    for divergence in (forward, reverse):
        assert divergence.is_kl
        row = divergence.rows[0]
        assert row.k1_response is not None
        assert row.k3_response is not None
        assert row.k1_response.low > 0
        assert row.k3_response.estimate > 0
        assert row.k1_response.low < row.k3_response.high
        assert row.k3_response.low < row.k1_response.high
    # Exact and sampled entropy of the base on its own responses are estimates of one number.
    exact = next(t for t in scored.likelihoods if t.side == "other" and t.under == "testbed:base")
    sampled = next(e for e in scored.sampled_entropies if e.model == "testbed:base")
    first = exact.rows[0].entropy
    assert first is not None
    assert sampled.entropy is not None
    assert first.low < sampled.entropy.high
    assert sampled.entropy.low < first.high


def test_k1_and_k3_are_of_the_tokens(scored: SourceScoring) -> None:
    folder = Path(str(scored.folder))
    first, second = (SourceScores(folder, "source", f"testbed:{m}") for m in ("teacher", "base"))
    figures = side_by_side(first, second, first.shards()[0]).row(7, named=True)
    mine, other = (
        np.array(s.read(s.shards()[0])["token_log_probabilities"][7], dtype=np.float64)
        for s in (first, second)
    )
    ratio = np.exp(other - mine)
    assert figures["k1"] == pytest.approx(float((mine - other).sum()))
    assert figures["k3"] == pytest.approx(float((ratio - 1 - np.log(ratio)).sum()))
    assert figures["compared_tokens"] == len(mine)


def test_a_model_does_not_diverge_from_itself(drawn: dict[str, ResponseSet]) -> None:
    scoring = score(str(drawn["base"].path), "testbed:base", own="testbed:base", sampling=CPU)
    row = scoring.divergences[0].rows[0]
    for estimate in (row.k1_response, row.k1_token, row.k3_response, row.k3_token):
        assert estimate is not None
        assert estimate.low <= 0 <= estimate.high
    # What the engine recorded while it drew says the same.
    recorded = score(str(drawn["base"].path), "testbed:base", sampling=CPU).divergences[0]
    assert recorded.recorded
    assert recorded.is_kl
    k1 = recorded.rows[0].k1_response
    assert k1 is not None
    assert k1.estimate == pytest.approx(0, abs=1e-3)
    assert recorded.rows[0].k3_response is None


def test_another_temperature_is_not_kl(tmp_path: Path) -> None:
    sampling = SampleSection(n=4, max_tokens=24, temperature=0.7, device="cpu")
    asking = Asking("kin", options={"limit": 6}, sampling=sampling)
    target = sample_model("testbed:base", asking, tmp_path)
    for assured in (False, True):
        scoring = score(
            str(target.path),
            "testbed:base",
            own="testbed:base",
            plain_sampling=assured,
            sampling=CPU,
        )
        [doubt] = scoring.divergences[0].doubts
        assert (doubt.kind, doubt.name, doubt.value) == ("setting", "temperature", 0.7)
        assert scoring.to_dict()["divergences"][0]["estimates"] == "likelihood difference"
        assert not scoring.sampled_entropies


def test_a_log_that_does_not_say_how_it_was_drawn_is_kl_only_if_the_user_says_so(
    drawn: dict[str, ResponseSet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl")
    words = ["score", str(log), "--under", "testbed:base", "--own", "testbed:teacher"]
    words += ["--device", "cpu", "--out", str(tmp_path / "scores"), "--resamples", "100"]
    assert main(words) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "the source does not say at which temperature, top_p, top_k" in page
    assert "KL(" not in page
    assert main([*words, "--plain-sampling"]) == 0
    assert "KL(testbed:teacher || testbed:base)" in " ".join(capsys.readouterr().out.split())


def test_a_model_lies_within_its_own_range(drawn: dict[str, ResponseSet]) -> None:
    """By construction at least 1 - tail of a model's own responses do, another's need not."""
    base, teacher = (str(drawn[kind].path) for kind in ("base", "teacher"))
    shares = {}
    for source in (base, teacher):
        ranged = score(source, "testbed:base", other=base, tail=0.1, sampling=CPU).within_range
        assert ranged is not None
        assert ranged.least == 9
        assert ranged.rows[0].share is not None
        shares[source] = ranged.rows[0].share.estimate
    assert shares[base] >= 0.9
    few = score(base, "testbed:base", other=base, tail=0.01, sampling=CPU).within_range
    assert few is not None
    assert few.questions_left_out == QUESTIONS


def test_ranks_within_the_range() -> None:
    own = pl.DataFrame(
        {
            "question_id": ["a"] * 19 + ["b"] * 19,
            "right": [True] * 38,
            "log_probability": [-float(i) for i in range(1, 20)] * 2,
            "token_count": [1] * 38,
        }
    )
    rows = pl.DataFrame(
        {
            "question_id": ["a", "a", "b", "b"],
            "right": [True, True, True, False],
            "log_probability": [-18.5, -19.5, -0.5, -30.0],
            "token_count": [1] * 4,
        }
    )
    tally = Tally(
        question_ids=np.array(["a", "b"]),
        n=np.array([2, 2]),
        c=np.array([2, 1]),
        unscored=np.zeros(2, np.int64),
        truncated=np.zeros(2, np.int64),
    )
    questions = questions_of(
        rows, tally, tally, bins_for("study", tally), resamples=50, level=0.95, seed=0
    )
    ranged = within_range(rows, own, questions, 0.05)
    everything, right, wrong = (row.share for row in ranged.rows[:3])
    assert everything is not None
    assert right is not None
    assert wrong is not None
    assert (everything.estimate, right.estimate, wrong.estimate) == (0.5, 0.75, 0.0)


def test_a_server_gives_the_same_but_for_the_ends(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    source = str(drawn["teacher"].path)
    with EchoServer() as server:
        section = SampleSection(
            engine="server", server=ServerSection(urls=(server.url,), backoff=0.01)
        )
        served = score(
            source,
            "testbed:base",
            own="testbed:teacher",
            own_sampling=CPU,
            sampling=section,
            out=tmp_path / "served",
        )
    score(source, "testbed:base", out=tmp_path / "here", sampling=CPU)
    here, there = rows_of(tmp_path / "here"), rows_of(tmp_path / "served")
    ends = here["ended"].cast(pl.Int32)
    assert there["token_count"].to_list() == (here["token_count"] - ends).to_list()
    for mine, theirs in zip(
        here["token_log_probabilities"], there["token_log_probabilities"], strict=True
    ):
        np.testing.assert_allclose(theirs, list(mine)[: len(theirs)], atol=1e-4)
    # The tokens are the same, so that both estimates can be had, without the ends.
    assert served.divergences[0].is_kl
    assert served.divergences[0].rows[0].k3_response is not None
    assert served.likelihoods[0].rows[0].entropy is None
    assert any("the end of a response is not counted" in warning for warning in served.warnings)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_one_that_was_not(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl")
    words = ["score", str(log), "--under", "testbed:base", "--device", "cpu", "--json"]
    words += [str(tmp_path / "result.json"), "--shard-responses", "8", "--out"]
    assert main([*words, str(tmp_path / "straight")]) == 0
    straight = json.loads((tmp_path / "result.json").read_text())
    folder = SourceScores(tmp_path / "killed", "source", "testbed:base").folder
    running = subprocess.Popen(
        [sys.executable, "-m", "liftmap", *words, str(tmp_path / "killed")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with suppress(subprocess.TimeoutExpired):
        for _ in range(6000):
            if len(folder.shards()) > 1 or running.poll() is not None:
                break
            time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait(30)
    begun = {shard: (folder.path / shard).stat().st_mtime_ns for shard in folder.shards()}
    assert 1 < len(begun) < QUESTIONS * RESPONSES / 8, "killed in the middle"
    assert main([*words, str(tmp_path / "killed")]) == 0
    assert all((folder.path / s).stat().st_mtime_ns == time for s, time in begun.items())
    again = json.loads((tmp_path / "result.json").read_text())
    assert again | {"folder": ""} == straight | {"folder": ""}
    assert rows_of(tmp_path / "killed").equals(rows_of(tmp_path / "straight"))


def test_a_folder_goes_on_with_the_same_responses_alone(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl")
    score(str(log), "testbed:base", out=tmp_path / "scores", sampling=CPU)
    with pytest.raises(SettingsDifferError, match="template"):
        score(
            str(log),
            "testbed:base",
            out=tmp_path / "scores",
            template=str(_shots(tmp_path)),
            sampling=CPU,
        )
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join([*lines[1:], lines[0]]))
    with pytest.raises(StoreError, match="made of other responses"):
        score(str(log), "testbed:base", out=tmp_path / "scores", sampling=CPU)


def _shots(folder: Path) -> Path:
    file = folder / "shots.txt"
    file.write_text("{{ question }}")
    return file


def test_the_task_gives_the_prompts_that_a_source_lacks(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl", "prompt")
    with pytest.raises(InputError, match=r"holds no prompts.*--task"):
        score(str(log), "testbed:base", sampling=CPU)
    scoring = score(
        str(log),
        "testbed:base",
        task="kin",
        task_options={"limit": QUESTIONS - 2},
        out=tmp_path / "scores",
        sampling=CPU,
    )
    source = scoring.sources[0]
    assert (source.prompts_from, source.left_out) == ("task", {"no prompt": 2 * RESPONSES})
    of_set = score(str(drawn["base"].path), "testbed:base", out=tmp_path / "set", sampling=CPU)
    assert of_set.sources[0].prompts_from == "response set"
    both = rows_of(tmp_path / "scores").join(
        rows_of(tmp_path / "set"), on=["question_id", "response_index"]
    )
    known = both.filter(pl.col("log_probability").is_not_null())
    assert len(known) == (QUESTIONS - 2) * RESPONSES
    np.testing.assert_allclose(known["log_probability"], known["log_probability_right"], atol=1e-4)
    with pytest.raises(InputError, match="None of the questions"):
        score(str(log), "testbed:base", task="kin", split="train", sampling=CPU)


def test_difficulty_may_be_that_of_other_results(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    teacher, base = (str(drawn[kind].path) for kind in ("teacher", "base"))
    scoring = score(teacher, "testbed:base", before=base, bins="0-10,11-20", sampling=CPU)
    assert scoring.bins_of == base
    tally = drawn["base"].tally("exact", StudyFolder(drawn["base"].root).read_questions("test"))
    rows = {r.bin: r.questions for r in scoring.likelihoods[0].rows if r.verdict == "all"}
    assert rows.get("0-10", 0) == int((tally.c <= 10).sum())
    assert rows.get("11-20", 0) == int((tally.c > 10).sum())


def test_other_tokens_and_unknown_ends_are_said(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl", "truncated", tokens=3)
    scoring = score(
        str(log), "testbed:base", own="testbed:teacher", plain_sampling=True, sampling=CPU
    )
    said = " ".join(scoring.warnings)
    assert "their end is not counted" in said
    assert "another number of tokens than the source says" in said
    assert [doubt.kind for doubt in scoring.divergences[0].doubts] == ["retokenised"]


def test_thoughts_apart_are_not_kl(drawn: dict[str, ResponseSet], tmp_path: Path) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl", reasoning_content="hm")
    scoring = score(
        str(log),
        "testbed:base",
        own="testbed:teacher",
        plain_sampling=True,
        columns={"question_id": "question_id", "correct": "correct", "text": "text"}
        | {"prompt": "prompt", "reasoning": "reasoning_content"},
        sampling=CPU,
    )
    assert "thoughts apart" in {doubt.kind for doubt in scoring.divergences[0].doubts}


def test_what_the_tokenizer_can_not_read_is_left_out_and_said(
    drawn: dict[str, ResponseSet], tmp_path: Path
) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl")
    with log.open("a") as file:
        question = json.loads(log.read_text().splitlines()[0])
        file.write(json.dumps(question | {"text": "\N{SNOWMAN} unheard-of"}) + "\n")
    scoring = score(str(log), "testbed:base", sampling=CPU)
    [(reason, number)] = scoring.sources[0].left_out.items()
    assert (number, reason[:13]) == (1, "the tokenizer")
    assert any(reason in warning for warning in scoring.warnings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["LOG", "--under", "scripted:0.5"], "no likelihoods"),
        (["COUNTS", "--under", "testbed:base"], "holds no texts"),
        (["LOG", "--under", "testbed:base", "--tail", "0"], "tail is a share"),
        (["SET", "--under", "testbed:base", "--template", "chat"], "records its questions"),
        (["SET", "--under", "testbed:base", "--task", "kin"], "records its questions"),
        (["LOG", "--under", "testbed:base", "--template", "chat"], "no chat template"),
        (["LOG", "--under", "testbed:base", "--url", "http://127.0.0.1:9/v1"], "No server answers"),
        (["LOG", "--own", "testbed:base"], "need --under"),
        (["LM_EVAL", "--under", "testbed:base"], "the tokenizer can't read it"),
        (["VERL", "--under", "testbed:base"], "of 2 steps"),
        (["SET"], "not a study folder"),
    ],
)
def test_mistakes_end_with_status_2(
    drawn: dict[str, ResponseSet],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("question_id,n,c\na,4,1\nb,4,2\n")
    places = {
        "LOG": str(log_of(drawn["base"], tmp_path / "log.jsonl")),
        "COUNTS": str(counts),
        "SET": str(drawn["base"].path),
        # Words that the testbed does not know.
        "LM_EVAL": str(next(DATA.glob("lm_eval/samples_kin_each*"))),
        "VERL": str(DATA / "rollouts" / "verl"),
    }
    assert main(["score", *(places.get(word, word) for word in words)]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_conversation_goes_to_no_server(drawn: dict[str, ResponseSet], tmp_path: Path) -> None:
    log = log_of(drawn["base"], tmp_path / "log.jsonl")
    with EchoServer() as server:
        section = SampleSection(engine="server", server=ServerSection(urls=(server.url,)))
        with pytest.raises(ConfigError, match="conversation"):
            score(str(log), "testbed:base", template="chat", sampling=section)
