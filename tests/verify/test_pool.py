"""The pool of workers: one answer that hangs, dies or raises costs one response, and no more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from liftmap.errors import InputError
from liftmap.records import Question, Verdict
from liftmap.verify import TwoSteps, Verifier, pool
from liftmap.verify.pool import compare_all
from liftmap.verify.steps import Exhausted, exhausted

from .misbehaving import compare, compare_gold, work

QUESTION = Question("q", "", "ok")
BAD = {
    "hang": Exhausted("1.5 s of CPU"),
    "hang in C": Exhausted("1.5 s of CPU"),
    "memory": Exhausted("2 GiB of memory"),
    "exit": Verdict("unscored", reason="worker died"),
    "crash": Verdict("unscored", reason="worker died"),
    "raise": Verdict("unscored", reason="ValueError: broken"),
    "leave": Verdict("unscored", reason="SystemExit: 1"),
}


def test_each_bad_answer_costs_one_response() -> None:
    answers = ["ok"] * 60
    for place, bad in enumerate(BAD):
        answers[5 + 7 * place] = bad
    answers[3] = "slow"
    outcomes = compare_all(compare, [(QUESTION, answer) for answer in answers], seconds=1.5)
    for answer, outcome in zip(answers, outcomes, strict=True):
        verdict = Verdict("right" if answer == "ok" else "wrong", answer)
        assert outcome == BAD.get(answer, verdict)


def labels(outcomes: list[Verdict | Exhausted]) -> list[str]:
    return [outcome.label if isinstance(outcome, Verdict) else "none" for outcome in outcomes]


def test_time_asleep_and_time_for_loading_do_not_count() -> None:
    pairs = [(QUESTION, answer) for answer in ("sleep", "ok")]
    assert labels(compare_all(compare, pairs, 0.3, load=work)) == ["wrong", "right"]


def test_a_worker_that_does_nothing_is_ended_and_its_response_is_unscored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "WALL_REST", 1.0)
    monkeypatch.setattr(pool, "WALL_SHARE", 1.0)
    [outcome] = compare_all(compare, [(QUESTION, "sleep for ever")], 0.5)
    reason = "its worker gave no result in 1.75 s of wall time"
    assert outcome == Verdict("unscored", reason=reason)


def test_who_exhausts_the_verifier_is_wrong_if_the_gold_answer_does_not() -> None:
    steps = TwoSteps(lambda _, text: text, compare, 0.5, compare_gold=compare_gold)
    verifier = Verifier(steps)
    texts = ["hang", "ok", "memory", "hang", "exit"]
    verdicts = verifier.judge([(QUESTION, text) for text in texts])
    assert [v.label for v in verdicts] == ["wrong", "right", "wrong", "wrong", "unscored"]
    assert verdicts[0] == Verdict("wrong", "hang", "no comparison in 0.5 s of CPU")
    assert verdicts[2].reason == "no comparison in 2 GiB of memory"
    assert [exhausted(v) for v in verdicts] == [True, False, True, True, False]
    costly = Question("costly", "", "hang")
    assert [v.label for v in verifier.judge([(costly, "hang"), (costly, "ok")])] == [
        "unscored",
        "wrong",
    ]


def test_an_error_of_liftmap_ends_the_run_and_the_pool_works_again() -> None:
    with pytest.raises(InputError, match="can't be done"):
        compare_all(compare, [(QUESTION, "ok"), (QUESTION, "impossible")], seconds=5)
    assert labels(compare_all(compare, [(QUESTION, "ok")], seconds=5)) == ["right"]
    assert compare_all(compare, [], seconds=5) == []


def test_a_distinct_answer_is_compared_once_and_a_time_out_does_not_stick(tmp_path: Path) -> None:
    compared = tmp_path / "compared"
    one, other = Question("q", str(compared), "ok"), Question("q2", str(compared), "no")
    steps = TwoSteps(lambda question, text: text.strip() or None, compare, seconds=1)
    verifier = Verifier(steps)
    texts = ["ok", " ok ", "no", "", "hang", "hang  "] * 3
    verdicts = verifier.judge([(one, text) for text in texts])
    assert [v.label for v in verdicts[:6]] == [
        "right", "right", "wrong", "wrong", "unscored", "unscored",
    ]  # fmt: skip
    assert verdicts[6:] == verdicts[:6] * 2
    assert (verdicts[3].reason, verdicts[4].answer) == ("no answer", "hang")
    assert verifier(one, "hang").label == "unscored"
    assert verifier(other, "no").label == "right"
    assert sorted(compared.read_text().split()) == ["hang", "hang", "no", "no", "ok"]


# A script without `if __name__ == "__main__"`, which no worker may run again.
SCRIPT = """
import sys
print("started", flush=True)
from liftmap.records import Question
from liftmap.verify.pool import compare_all
from tests.verify.misbehaving import compare
question = Question("q", "", "ok")
assert compare_all(compare, [(question, "ok")], 5)[0].label == "right"
print("hangs", flush=True)
compare_all(compare, [(question, "hang"), (question, "hang in C")], float(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("how", "seconds"), [(signal.SIGINT, 60.0), (signal.SIGKILL, 1.0)])
def test_no_worker_outlives_the_process(
    how: signal.Signals, seconds: float, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(seconds)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["started", "hangs"]
    time.sleep(0.5)
    # Ctrl-C reaches all processes of the terminal; a kill reaches one.
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
    output, errors = process.communicate(timeout=20)
    assert output == ""
    if how == signal.SIGINT:
        assert errors.strip().endswith("KeyboardInterrupt")
    deadline = time.monotonic() + 20
    while _alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(process.pid)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
