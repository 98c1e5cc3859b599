"""A published matrix: what it says, what it leaves open, and what is no matrix."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from liftmap.comparison.compare import compare
from liftmap.comparison.published import reanalyse
from liftmap.comparison.result import Comparison
from liftmap.comparison.words import advice
from liftmap.errors import InputError, LiftmapError

from .conftest import FEW, make_world


@pytest.fixture(scope="module")
def published(figure_9a: Path) -> Comparison:
    return reanalyse(figure_9a, 256)


def test_figure_9a_as_counted(published: Comparison) -> None:
    raw = np.array(published.transitions.raw)
    assert published.questions == raw.sum() == 7500
    assert (raw[0].sum(), raw[:, 0].sum()) == (213, 220)
    assert published.lost.at_n is not None
    assert published.gained.at_n is not None
    assert (published.lost.at_n.observed, published.gained.at_n.observed) == (62, 55)
    assert published.mcnemar_p == pytest.approx(0.58, abs=0.005)
    last = published.capability[-1]
    assert last.k == 256
    assert last.before.estimate == pytest.approx(1 - 213 / 7500)
    assert last.after.estimate == pytest.approx(1 - 220 / 7500)
    assert last.before.range is None


def test_figure_9a_noise_and_excess_with_interval_and_range(published: Comparison) -> None:
    for moves in (published.lost, published.gained):
        assert moves.at_n is not None
        for figure in (moves.at_n.noise, moves.at_n.excess, moves.at_n.gross, moves.excess):
            assert figure is not None
            assert figure.low < figure.estimate < figure.high
            assert figure.range is not None
            assert figure.range[0] < figure.estimate < figure.range[1]
    assert published.lost.at_n is not None
    noise = published.lost.at_n.noise
    # Point estimates of the noise depend on the grid; the matrix hardly fixes it.
    assert 30 <= noise.estimate <= 49
    assert noise.range is not None
    assert noise.range[0] < 10
    assert noise.range[1] > 60


def test_figure_9a_leads_with_what_it_fixes(published: Comparison) -> None:
    lead = published.guidance[0]
    assert lead.kind == "lost"
    assert lead.evidence["right_before"] == [5, 64]
    assert lead.evidence["observed"] == 15
    noise = lead.evidence["noise"]
    assert noise.estimate == pytest.approx(1, abs=0.5)
    assert noise.range[1] < 3
    assert "5-64 right of 256" in advice(lead)


def test_figure_9a_holds_the_accuracies_of_the_paper(published: Comparison) -> None:
    # Table 3: 64.0 before, 80.9 after.
    assert published.accuracy.before.range is not None
    assert published.accuracy.after.range is not None
    assert published.accuracy.before.range[0] < 0.640 < published.accuracy.before.range[1]
    assert published.accuracy.after.range[0] < 0.809 < published.accuracy.after.range[1]
    assert published.verdict.label == "sharpened"
    middle = {one.label: one.change for one in published.bins}
    assert middle["33-64"].low > middle["0"].high


def test_what_a_matrix_can_not_say_is_none(published: Comparison) -> None:
    assert published.first_loss_k is None
    assert all(point.band is None for point in published.capability)
    assert all(not one.questions for one in published.guidance)


def test_a_matrix_agrees_with_the_counts_behind_it(tmp_path: Path) -> None:
    sides = make_world(3000, 256, 11)
    exact = compare(*sides, law_resamples=10)
    path = tmp_path / "matrix.csv"
    labels = exact.transitions.bins.labels
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["before", *labels])
        rows.writerows(
            [label, *row] for label, row in zip(labels, exact.transitions.raw, strict=True)
        )
    binned = reanalyse(path, 256, law_resamples=10)
    assert binned.mcnemar_p == exact.mcnemar_p
    assert binned.transitions.raw == exact.transitions.raw
    by_k = {point.k: point for point in exact.capability}
    for point in binned.capability:
        truth = by_k[point.k].change.estimate
        least, greatest = point.change.range or (point.change.low, point.change.high)
        assert min(least, point.change.low) <= truth <= max(greatest, point.change.high)
    for name in ("half", "noise"):
        one, other = (np.array(getattr(x.transitions, name)) for x in (binned, exact))
        np.testing.assert_allclose(one, other, atol=15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no matrix"),
        ("x,0,1-4\n0,3,1\n", "same bins"),
        ("x,0,1-4\n0,3,1\n1-4,1\n", "must have 2 counts"),
        ("x,0,1-4\n0,3,1\n1-4,1,0.5\n", "row 1-4, column 1-4"),
        ("x,0,1-4\n0,3,-1\n1-4,1,5\n", "row 0, column 1-4"),
        ("x,0,1-5\n0,3,1\n1-5,1,5\n", "must end at n"),
        ("x,0,2-4\n0,3,1\n2-4,1,5\n", "leave a gap"),
        ("x,0,1-4\n0,0,0\n1-4,0,0\n", "two questions or more"),
        ("x,easy\neasy,3\n", "not a bin"),
    ],
)
def test_what_is_no_matrix_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        reanalyse(path, 4, **FEW)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    path.write_bytes(b"\xff\xfe\x00x,0")
    with pytest.raises(LiftmapError, match="not a CSV"):
        reanalyse(path, 4)
    with pytest.raises(LiftmapError, match="does not exist"):
        reanalyse(tmp_path / "none.csv", 4)


def test_dashes_of_print_and_a_matrix_without_an_unsolved_bin(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    path.write_text("x,0\u20132,3\u20138\n0\u20132,20,6\n3\u20138,4,30\n")
    found = reanalyse(path, 8, **FEW)
    assert found.transitions.bins.labels == ("0-2", "3-8")
    assert found.lost.at_n is None
    assert found.mcnemar_p is None
    assert found.capability[-1].k == 8
    assert found.capability[-1].before.range is not None
