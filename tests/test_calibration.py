"""The attacks of docs/calibration.md: fast ones hold what is promised; how they are counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.calibrate.attacks import ATTACKS, Attack
from bench.calibrate.judge import PROMISES, Promise, is_false
from bench.calibrate.run import Count, chosen, run
from bench.calibrate.table import END, START, insert, markdown
from bench.calibrate.worlds import World, curtailed, fixed, right_ones_unscored

from liftmap.errors import InputError
from liftmap.records import CurtailedPlan
from liftmap.stats.bins import custom_bins

# Attacks that take a second or two for so many rounds.
FAST = (
    "nothing changed: 30 questions, n = 4",
    "nothing changed: 100 questions, n = 16",
    "nothing changed, curtailed: 200 questions",
    "sharpened at a cost: 100 questions, n = 16",
    "sharpened at a cost: 100 questions, n = 1",
    "2 of 100 sure questions fall: 30 questions, n = 1",
    "these 30 questions, nothing changed, n = 64",
    "clusters: 10 of 50 questions, n = 16",
    "2 % unscored, right ones: 500 questions, n = 64",
    "5 % unscored, curtailed, the tally alone: 500 questions",
    "each response twice: 60 questions, n = 16",
    "temperature 0 asked 16 times: 200 questions",
    "the same file twice: 200 questions, n = 16",
    "a training without effect, 4 steps: 100 questions, n = 16",
    "a suite's gate, ten answers, nothing changed: 3 benchmarks",
    "a recipe without effect, one seed: 500 questions",
    "a recipe without effect, three seeds: 500 questions",
)
ROUNDS = 16


def _named(name: str) -> Attack:
    return next(attack for attack in ATTACKS if attack.name == name)


def _broken(attacks: list[Attack], rounds: int, processes: int = 1) -> list[str]:
    """The promises that are broken beyond three standard errors."""
    counts = run(attacks, rounds, processes=processes)
    return [
        f"{attack.name}: {name} {count.true} of {count.rounds}"
        for attack in attacks
        for claim in attack.claims
        for name, count in counts[attack.name].items()
        if name.startswith(claim) and not count.keeps(PROMISES[claim], errors=3)
    ]


@pytest.mark.parametrize("name", FAST)
def test_what_is_promised_holds(name: str) -> None:
    assert _broken([_named(name)], ROUNDS) == []


@pytest.mark.long
@pytest.mark.parametrize("word", ["plan, pilot"])
def test_plans_hold_what_they_promise(word: str) -> None:
    assert _broken([*chosen([word])], 200, processes=2) == []


def test_counts_do_not_depend_on_the_number_of_processes() -> None:
    attacks = [_named("nothing changed: 100 questions, n = 1")]
    one, two = (run(attacks, 11, processes=processes) for processes in (1, 2))
    assert one == two
    assert any(one != run(attacks, 11, seed=seed) for seed in range(1, 5))


def test_every_claim_has_a_promise_and_every_attack_its_own_name() -> None:
    assert all(claim in PROMISES for attack in ATTACKS for claim in attack.claims)
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


def test_a_word_is_false_where_it_says_what_is_not_so() -> None:
    assert is_false("up", 0.0, 0.01)
    assert not is_false("up", 0.001, 0.01)
    assert is_false("down", 0.001, 0.01)
    assert is_false("within", -0.02, 0.01)
    assert not is_false("within", 0.005, 0.01)
    assert not is_false("unsettled", 0.5, 0.01)


def test_a_promise_is_broken_beyond_simulation_error_alone() -> None:
    holds, rare = Promise(0.95, at_least=True), Promise(0.05, at_least=False)
    assert Count(92, 100).keeps(holds)
    assert not Count(85, 100).keeps(holds)
    assert Count(100, 100).keeps(holds)
    assert Count(8, 100).keeps(rare)
    assert not Count(15, 100).keeps(rare)
    assert not Count(1, 1000).keeps(Promise(0.0, at_least=False))


def test_the_truth_of_a_world_is_a_mean_over_its_questions() -> None:
    before, after = np.array([[0.5], [1.0]]), np.array([[0.0], [1.0]])
    world = World("", before, after, 10, (fixed(4), fixed(4)))
    assert world.change(1) == pytest.approx(-0.25)
    assert world.change(2) == pytest.approx(-0.375)
    # Noise alone would lose (1 - 1/4) 1/4 of every second question; the loss is 3/4 of it.
    assert world.excess(2) == pytest.approx(10 * 0.5 * (0.75 - 0.75 * 0.25))
    some = world.change_by_bin(custom_bins("0,1-4", 4))[1]
    assert some == pytest.approx((0.75 * -0.5 + 1.0 * 0) / 1.75)
    assert world.change_on(np.array([0, 0, 1]), 1) == pytest.approx(-1 / 3)


def test_responses_are_drawn_as_they_say() -> None:
    rng = np.random.default_rng(0)
    p = np.full(4000, 0.4)
    doubled = fixed(16, copies=2)(p, rng)
    assert np.all(doubled.c % 2 == 0)
    assert doubled.c.mean() == pytest.approx(6.4, abs=0.2)
    lost = right_ones_unscored(64, 0.05)(p, rng)
    assert lost.unscored.sum() / (lost.n + lost.unscored).sum() == pytest.approx(0.05, abs=0.003)
    assert (lost.c + lost.unscored).mean() == pytest.approx(25.6, abs=0.3)
    plan = CurtailedPlan(stop_after=2, cap=8, round_size=2)
    early = curtailed(plan, share=0.05)(p, rng)
    assert set(early.n.tolist()) == {2, 4, 6, 8}
    assert np.all((early.c >= 2) | (early.n == 8))
    assert early.unscored.sum() / (early.n + early.unscored).sum() == pytest.approx(0.05, abs=0.01)


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    attack = _named(FAST[0])
    counts = {attack.name: {claim: Count(50, 100) for claim in attack.claims}}
    table = markdown([attack], counts)
    assert f"| {attack.name} |" in table
    assert "**50.0 ± 5.0**" in table
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n", "utf-8")
    insert(page, "the command", table)
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert table in text
    page.write_text("nothing\n", "utf-8")
    with pytest.raises(InputError, match="no place"):
        insert(page, "the command", table)
