"""What texts say of two models' responses: by hand, between sources, and what can't be used."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from liftmap.cli import main
from liftmap.comparison.compare import compare, question_intervals
from liftmap.comparison.figures import difficulty_bins
from liftmap.comparison.load import load
from liftmap.comparison.match import match
from liftmap.comparison.options import Options
from liftmap.comparison.phrases import phrase_lists
from liftmap.comparison.response_analyses import analyses_of_sources, text_options
from liftmap.comparison.response_parts import ResponseAnalyses
from liftmap.comparison.response_words import note_text
from liftmap.comparison.result import Comparison
from liftmap.errors import InputError, ModelError
from liftmap.read.outcomes import TEXTS
from liftmap.report.comparison import render_comparison
from liftmap.report.comparison_terminal import comparison_page
from liftmap.stats.answers import count_answers, distinct_at_k
from liftmap.stats.small_groups import Sums, changes_or_none, ratios_or_none

from .conftest import FEW, make_tally

# Question, whether right, answer, text.
Row = tuple[str, int, str | None, str]


def _write(path: Path, rows: Sequence[Row], **columns: Sequence[Any]) -> Path:
    names = ("question_id", "correct", "answer", "text")
    table = pl.DataFrame(rows, schema=list(names), orient="row", infer_schema_length=None)
    table.with_columns(
        **{name: pl.Series(values) for name, values in columns.items()}
    ).write_ndjson(path)
    return path


def _before(questions: int = 6) -> list[Row]:
    """Four responses each: one right with a phrase, the same wrong one twice, one that thinks."""
    return [
        row
        for q in range(questions)
        for row in (
            (f"q{q}", 1, "7", "Wait, it is 7"),
            (f"q{q}", 0, "8", "it is 8"),
            (f"q{q}", 0, "8", "it is 8"),
            (f"q{q}", 0, "9", "<think>12345</think>is 9."),
        )
    ]


def _after(questions: int = 6) -> list[Row]:
    """Two right ones, of 7 characters, and two wrong ones of one answer, of 5 and 9."""
    return [
        row
        for q in range(questions)
        for row in (
            (f"q{q}", 1, "7", "it is 7"),
            (f"q{q}", 1, "7", "so it 7"),
            (f"q{q}", 0, "8", "is  8"),
            (f"q{q}", 0, "8", "hmm, is 8"),
        )
    ]


def _analyses(comparison: Comparison) -> ResponseAnalyses:
    assert comparison.response_analyses is not None
    return comparison.response_analyses


def _values(analyses: ResponseAnalyses, verdict: Any, measure: str) -> tuple[float | None, ...]:
    figure = analyses.group(verdict).figures[measure]
    parts = (figure.before, figure.after, figure.change)
    return tuple(None if part is None else part.estimate for part in parts)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    place = tmp_path_factory.mktemp("by_hand")
    own = place / "sums.txt"
    own.write_text("IT IS\n\nso it\n")
    sides = (_write(place / "b.jsonl", _before()), _write(place / "a.jsonl", _after()))
    return compare(*map(str, sides), phrases=[own], **FEW)


def test_every_figure_by_hand(by_hand: Comparison) -> None:
    analyses = _analyses(by_hand)
    assert analyses.unit == "characters"
    assert analyses.group("right").responses == (6, 12)
    assert analyses.group("wrong").responses == (18, 12)
    expected: dict[tuple[str, str], tuple[float, float]] = {
        ("right", "length"): (13, 7),
        # Thought and answer without the tags: 5 and 5.
        ("wrong", "length"): ((7 + 7 + 10) / 3, 7),
        ("right", "reflection"): (1, 0),
        ("wrong", "reflection"): (0, 1 / 2),
        ("right", "phrases:sums"): (1, 1),
        ("wrong", "phrases:sums"): (2 / 3, 0),
        ("wrong", "thinking"): (5 / 24, 0),
        ("wrong", "copies"): (2 / 3, 0),
        ("right", "copies"): (0, 0),
        ("all", "distinct"): (3, 2),
    }
    for (verdict, measure), (before, after) in expected.items():
        result = _values(analyses, verdict, measure)
        assert result == pytest.approx((before, after, after - before)), (verdict, measure)
    assert analyses.distinct_of == 4
    areas = {i.name: i.auc for i in analyses.indicators}
    before, after = areas["length"].before, areas["length"].after
    # The right one is longer than all three; the right ones of 7 lie between 5 and 9.
    assert before is not None
    assert after is not None
    assert (before.estimate, after.estimate) == (1, 1 / 2)
    agreed = areas["majority"].before
    assert agreed is not None
    assert agreed.estimate == pytest.approx(1 / 2 * 1 / 3)
    kinds = {(note.kind, note.side) for note in analyses.notes}
    assert kinds == {
        ("tokens unknown", "before"),
        ("tokens unknown", "after"),
        ("truncation unknown", "before"),
        ("truncation unknown", "after"),
    }


def test_bins_hold_the_questions_and_all_adds_them_up(tmp_path: Path) -> None:
    before = _before(8)
    # Two questions that are solved four times: another bin.
    before += [(f"r{q}", 1, "7", "it is 7") for q in range(2) for _ in range(4)]
    after = _after(8) + [(f"r{q}", 1, "7", "Hmm, it is 7") for q in range(2) for _ in range(4)]
    paths = [str(_write(tmp_path / f"{i}.jsonl", rows)) for i, rows in enumerate((before, after))]
    analyses = _analyses(compare(*paths, bins="0,1,2-4", **FEW))
    assert [group.label for group in analyses.groups][:4] == ["all", "0", "1", "2-4"]
    assert [analyses.group("right", x).responses for x in ("0", "1", "2-4")] == [
        (0, 0),
        (8, 16),
        (8, 8),
    ]
    assert analyses.group("right").responses == (16, 24)
    empty = analyses.group("right", "0").figures["length"]
    assert (empty.before, empty.after, empty.change) == (None, None, None)
    # Two questions are too few for an interval; eight are not.
    few, many = (analyses.group("right", x).figures["length"].change for x in ("2-4", "1"))
    assert few is not None
    assert many is not None
    assert few.estimate == 5
    assert math.isnan(few.low)
    assert many.low <= many.estimate <= many.high
    assert many.estimate == -6


def test_a_change_pairs_the_questions() -> None:
    """Long questions are long on both sides: the change varies less than the sides do."""
    rng = np.random.default_rng(0)
    size = rng.normal(100, 40, (200, 1))
    ones = np.ones_like(size)
    before, after = Sums(size, ones), Sums(size + rng.normal(5, 1, size.shape), ones)
    [change] = changes_or_none(before, after, {"level": 0.95}, share=False)
    [side] = ratios_or_none(*before, {"level": 0.95})
    assert change is not None
    assert side is not None
    assert change.estimate == pytest.approx(5, abs=0.3)
    assert change.high - change.low < 0.1 * (side.high - side.low)
    assert change.low < 5 < change.high


def test_the_interval_of_a_change_holds_the_truth() -> None:
    """Unequal numbers of responses a question, other ones on each side: covered as promised."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        hard = rng.random((40, 1))
        sums = []
        for lift in (0.0, 0.1):
            n = rng.integers(1, 30, (40, 1)).astype(float)
            rate = 0.2 + 0.5 * hard + lift
            sums.append(Sums(rng.binomial(n.astype(int), rate).astype(float), n))
        [change] = changes_or_none(sums[0], sums[1], {"level": 0.9}, share=False)
        assert change is not None
        held += change.low <= 0.1 <= change.high
    assert 0.84 <= held / 300 <= 0.96


def test_distinct_answers_are_counted_as_all_subsets_have_them() -> None:
    given = [0, 0, 1, 2, 2, -1]
    counted = count_answers([0] * 6, given, [0] * 6, 2)
    for k in (1, 2, 3, 6):
        subsets = [len({given[i] for i in some} - {-1}) for some in combinations(range(6), k)]
        assert distinct_at_k(counted, k)[0] == pytest.approx(np.mean(subsets))
    assert math.isnan(distinct_at_k(counted, 7)[0])
    assert math.isnan(distinct_at_k(counted, 1)[1]), "nobody answered the second"


def test_tokens_are_those_of_the_source_or_of_a_tokenizer(tmp_path: Path) -> None:
    before = _write(tmp_path / "b.jsonl", _before(), tokens=[5, 3, 3, 9] * 6)
    after = _write(tmp_path / "a.jsonl", _after(), tokens=[2, 4, 1, 1] * 6)
    analyses = _analyses(compare(str(before), str(after), **FEW))
    assert (analyses.unit, analyses.tokenizer) == ("tokens", None)
    assert _values(analyses, "all", "length") == (5, 2, -3)
    words = Tokenizer(WordLevel({"it": 0, "?": 1}, unk_token="?"))
    words.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(tmp_path / "t")
    tokenizer = str(tmp_path / "t")
    counted = _analyses(compare(str(before), str(after), tokenizer=tokenizer, **FEW))
    assert (counted.unit, counted.tokenizer) == ("tokens", tokenizer)
    assert _values(counted, "all", "length") == ((4 + 3 + 3 + 2) / 4, (3 + 3 + 2 + 3) / 4, -1 / 4)
    # One that knows other words alone.
    with pytest.raises(ModelError, match="can't count the tokens"):
        compare(str(before), str(after), tokenizer="testbed:base", **FEW)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    before = _write(tmp_path / "b.jsonl", _before())
    tally = make_tally([1] * 6, 4, ids=[f"q{i}" for i in range(6)])
    comparison = compare(str(before), tally, **FEW)
    analyses = _analyses(comparison)
    assert (analyses.missing, analyses.groups) == (("after",), ())
    text = "There are no texts of the responses after: nothing is said of them."
    assert [note_text(note) for note in analyses.notes] == [text]
    console = Console(width=80)
    with console.capture() as printed:
        console.print(comparison_page(comparison))
    assert text in " ".join(printed.get().split())
    assert text in render_comparison(comparison)
    with pytest.raises(InputError, match="no texts of responses"):
        compare(str(before), tally, tokenizer="testbed:base", **FEW)
    assert compare(str(before), str(before), texts=False, **FEW).response_analyses is None


def test_responses_without_a_text_are_counted_out(tmp_path: Path) -> None:
    rows = _before()
    rows[0] = (*rows[0][:3], None)  # type: ignore[assignment]
    sides = _write(tmp_path / "b.jsonl", rows), _write(tmp_path / "a.jsonl", _after())
    analyses = _analyses(compare(*map(str, sides), **FEW))
    [note] = [note for note in analyses.notes if note.kind == "some texts"]
    assert (note.side, note.evidence) == ("before", {"missing": 1, "responses": 24})
    assert analyses.group("right").responses == (5, 12)


def test_it_is_shown_everywhere(by_hand: Comparison) -> None:
    console = Console(width=80)
    with console.capture() as printed:
        console.print(comparison_page(by_hand))
    [row] = [x for x in printed.get().splitlines() if x.startswith("right: length, characters")]
    assert row.split()[3:6] == ["13.0", "7.0", "\u22126.0"]
    page = render_comparison(by_hand)
    assert "Length of responses by difficulty" in page
    assert "with a phrase of sums" in page
    told = json.loads(by_hand.to_json())["responses"]
    [group] = [g for g in told["groups"] if (g["label"], g["verdict"]) == ("all", "right")]
    assert group["figures"]["length"]["before"] == {"estimate": 13, "low": 13, "high": 13}
    table = by_hand.tables["responses"]
    assert len(table) == sum(len(g.figures) for g in _analyses(by_hand).groups)
    assert by_hand.tables["indicators"]["indicator"].to_list() == [
        *("length", "reflection", "phrases:sums", "thinking", "majority")
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no phrase"),
        (b"\n \n", "holds no phrase"),
        (b"\xff\xfe\x00w", "is not text"),
        (b"wait\x00", "is not text"),
        (b"a\n" + "\n".join(f"word {i}" for i in range(5001)).encode(), "too many phrases"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        phrase_lists([path])


def test_names_of_lists_and_options_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "reflection.txt"
    path.write_text("wait")
    with pytest.raises(InputError, match="same name"):
        phrase_lists([path])
    with pytest.raises(InputError, match="There is no file"):
        phrase_lists([tmp_path / "none.txt"])
    tally = make_tally([1, 0, 1, 0])
    with pytest.raises(InputError, match="without looking at texts"):
        compare(tally, tally, texts=False, tokenizer="x")
    with pytest.raises(ModelError, match=r"The tokenizer .* can't be loaded"):
        compare(tally, tally, tokenizer=str(tmp_path))


def test_texts_that_are_chats_are_read(tmp_path: Path) -> None:
    path = tmp_path / "chats.parquet"
    table = pl.DataFrame(
        _before(), schema=["question_id", "correct", "answer", "text"], orient="row"
    )
    chat = pl.concat_list(pl.struct(role=pl.lit("assistant"), content="text"))
    table.with_columns(text=chat).write_parquet(path)
    plain = _write(tmp_path / "b.jsonl", _before())
    assert _values(_analyses(compare(str(path), str(plain), **FEW)), "all", "length")[2] == 0


def test_texts_that_go_bad_are_left_out_unless_they_were_asked_for(
    tmp_path: Path,
) -> None:
    path = _write(tmp_path / "b.jsonl", _before())
    own = tmp_path / "own.txt"
    own.write_text("wait")
    good = load(str(path))

    def broken(batch: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("a row of it makes no sense")

    assert good.responses is not None
    bad = replace(good, responses=good.responses.map_batches(broken, schema=dict(TEXTS)))
    pair = match(good.tally, good.tally)
    bins = difficulty_bins("study", pair)
    given = ((good, bad), pair, bins, lambda: question_intervals(pair, Options(resamples=50)))
    analyses = analyses_of_sources(*given, text_options())
    [note] = analyses.notes
    assert (analyses.missing, note.kind) == (("after",), "unreadable")
    assert "makes no sense" in note_text(note)
    with pytest.raises(InputError, match="makes no sense"):
        analyses_of_sources(*given, text_options([own]))


def test_a_side_whose_texts_are_all_null(tmp_path: Path) -> None:
    good = _write(tmp_path / "b.jsonl", _before())
    bad = tmp_path / "a.parquet"
    pl.read_ndjson(good).with_columns(text=pl.lit(None, pl.String)).write_parquet(bad)
    analyses = _analyses(compare(str(good), str(bad), **FEW))
    assert analyses.group("right").responses == (6, 0)
    figure = analyses.group("right").figures["length"]
    assert figure.before is not None
    assert (figure.after, figure.change) == (None, None)
    assert "some texts" in {note.kind for note in analyses.notes}


def test_the_command_has_the_same_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        str(_write(tmp_path / "b.jsonl", _before())),
        str(_write(tmp_path / "a.jsonl", _after())),
    ]
    own, empty = tmp_path / "own.txt", tmp_path / "empty.txt"
    own.write_text("it is")
    empty.write_text("")
    few = ["--resamples", "50", "--law-resamples", "0", "--json", "-"]
    assert main(["compare", *paths, *few, "--phrases", str(own)]) == 0
    assert json.loads(capsys.readouterr().out)["responses"]["phrases"] == {
        "reflection": 27,
        "own": 1,
    }
    assert main(["compare", *paths, *few, "--no-texts"]) == 0
    assert json.loads(capsys.readouterr().out)["responses"] is None
    for mistake in (["--phrases", str(empty)], ["--no-texts", "--phrases", str(own)]):
        assert main(["compare", *paths, *few, *mistake]) == 2
        assert "Traceback" not in capsys.readouterr().err
