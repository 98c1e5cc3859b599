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
from liftmap.records import Question
from liftmap.verify import TwoSteps, Verifier
from liftmap.verify.pool import compare_all

from .misbehaving import compare

QUESTION = Question("q", "", "ok")
BAD = {
    "hang": "took longer than 1.5 s",
    "hang in C": "took longer than 1.5 s",
    "exit": "worker died",
    "crash": "worker died",
    "raise": "ValueError: broken",
    "leave": "SystemExit: 1",
    "memory": "needed more than 2 GiB of memory",
}


def test_each_bad_answer_costs_one_response() -> None:
    answers = ["ok"] * 60
    for place, bad in enumerate(BAD):
        answers[5 + 7 * place] = bad
    answers[3] = "slow"
    verdicts = compare_all(compare, [(QUESTION, answer) for answer in answers], seconds=1.5)
    for answer, verdict in zip(answers, verdicts, strict=True):
        if answer in BAD:
            assert (verdict.label, verdict.reason) == ("unscored", BAD[answer])
        else:
            assert verdict.label == ("right" if answer == "ok" else "wrong")


def test_an_error_of_liftmap_ends_the_run_and_the_pool_works_again() -> None:
    with pytest.raises(InputError, match="can't be done"):
        compare_all(compare, [(QUESTION, "ok"), (QUESTION, "impossible")], seconds=5)
    assert compare_all(compare, [(QUESTION, "ok")], seconds=5)[0].label == "right"
    assert compare_all(compare, [], seconds=5) == []


def test_a_distinct_answer_is_compared_once_even_one_that_hangs(tmp_path: Path) -> None:
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
    assert sorted(compared.read_text().split()) == ["hang", "no", "no", "ok"]


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
