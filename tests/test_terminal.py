"""What a person sees in a terminal of 80 columns: help, names, bars, summaries, what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import liftmap
from liftmap.cli import COMMANDS, main
from liftmap.comparison.compare import compare
from liftmap.progress import progress
from liftmap.report.comparison_terminal import comparison_page, comparison_summary

SUMMARY_LINES = 12
HELP_LINES = 40


def test_the_help_fits_a_screen_with_a_line_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= HELP_LINES
    assert max(map(len, lines)) <= 80
    for command in COMMANDS:
        [line] = [line for line in lines if line.startswith(f"  {command} ")]
        assert not line.endswith("..."), f"{command} needs a shorter first sentence"
    assert main([]) == 2
    assert capsys.readouterr().out.splitlines() == lines


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"liftmap {liftmap.__version__}\n"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_no_help_names_a_default_that_is_nothing(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    page = capsys.readouterr().out
    assert "None" not in page
    # Switches are named once.
    assert not re.search(r"--(\S+), --no-\1", page)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compre", "a", "b"], "Did you mean 'compare'?"),
        (["--tyro-print-completion", "tcsh"], "Say bash, zsh, fish."),
        (["--jsn"], "A command comes before its options. Seen: '--jsn'."),
        (["compare", "a", "b", "--jsn", "x"], "Did you mean '--json'?"),
        (["sample", "--max-token=3"], "Did you mean '--max-tokens'?"),
        (["study", "scriptd"], "Did you mean 'scripted'?"),
        (["sample", "--model", "testbed:bse", "--task", "kin", "--out", "OUT"], "'base'?"),
        (["sample", "--model", "tesbed:base", "--task", "kin", "--out", "OUT"], "'testbed:base'?"),
        (["compare", "org/a", "org/b"], "liftmap compare org/a org/b --task math-500 --out"),
        (["compare", "STUDY:bse", "STUDY:base"], "Did you mean 'base'?"),
        (["compare", "OUT/befre.csv", "x.csv"], "before.csv'?"),
    ],
)
def test_a_mistyped_name_gets_the_nearest(
    words: list[str],
    message: str,
    scripted_study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "before.csv").touch()
    places = {"STUDY": str(scripted_study), "OUT": str(tmp_path)}
    for name, place in places.items():
        words = [word.replace(name, place) for word in words]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    # Long paths break over lines anywhere.
    assert "".join(message.split()) in "".join(captured.err.split())


def test_a_value_may_look_like_an_option_after_an_equals_sign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sample", "--model", "scripted:1", "--task", "kin", "--option", "limit=1"]
    assert main([*words, "--n", "1", "--stop=--end", "--out", str(tmp_path / "out")]) == 0
    assert "1 scored responses" in capsys.readouterr().err


def test_a_shell_completes_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--tyro-print-completion", "bash"])
    assert ended.value.code in (None, 0)
    script = capsys.readouterr().out
    assert all(name in script for name in (*COMMANDS, "--min-responses"))
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("colours", [True, False])
def test_no_color_is_respected(colours: bool) -> None:
    pty = pytest.importorskip("pty")
    environment = {**os.environ, "TERM": "xterm-256color", "NO_COLOR": "" if colours else "1"}
    reader, terminal = pty.openpty()
    command = [sys.executable, "-m", "liftmap", "compare", "--help"]
    done = subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    printed = b""
    try:
        while part := os.read(reader, 65536):
            printed += part
    except OSError:
        pass  # Linux says so where the other end was closed.
    assert done.wait() == 0
    assert b"Compare two models" in printed
    assert (b"\x1b[" in printed) == colours


def _shown(done: float, total: float, what: str) -> list[str]:
    """The lines of a bar at 80 columns, part of the way."""
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("liftmap.progress.console", console)
        with progress(what, total, "responses") as advance:
            advance(done / 2)
            time.sleep(0.05)
            advance(done / 2)
            advance.note("accuracy 47.1 %")
            printed = Console(file=StringIO(), width=80)
            printed.print(advance._bar.get_renderable())
    assert isinstance(printed.file, StringIO)
    return [line for line in printed.file.getvalue().splitlines() if line.strip()]


@pytest.mark.parametrize("total", [100, 102_400, 10_240_000])
def test_a_bar_keeps_its_figures_at_80_columns(total: int) -> None:
    label, figures = _shown(total / 2, total, "a model answers 400 test questions")
    assert label == "a model answers 400 test questions, accuracy 47.1 %"
    assert f"{total // 2:,}/{total:,} responses" in figures
    assert re.search(r"[\d,.]+/s \d+:\d\d:\d\d \d+:\d\d:\d\d left", figures)
    assert len(figures) <= 80


def test_a_long_label_does_not_push_the_figures_away() -> None:
    label, figures = _shown(5, 10, "a-model-with-a-very-long-name/" * 4)
    assert len(label) == 80
    assert label.endswith("…")
    assert "5/10 responses" in figures


def _tally(path: Path, counts: list[int], n: int) -> str:
    rows = [f"q{i},{n},{c}\n" for i, c in enumerate(counts)]
    path.write_text("question_id,n,c\n" + "".join(rows))
    return str(path)


@pytest.mark.parametrize("n", [1, 2, 16, 256])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_the_summary_is_twelve_lines_with_the_sentence_first(
    n: int, shift: int, tmp_path: Path
) -> None:
    counts = [i * n // 60 for i in range(61)]
    moved = [min(n, max(0, c + shift * n // 4)) for c in counts]
    before = _tally(tmp_path / f"{'before-' * 15}.csv", counts, n)
    after = _tally(tmp_path / "after.csv", moved, n)
    comparison = compare(before, after, law_resamples=2, resamples=100)
    console = Console(file=StringIO(), width=80)
    console.print(comparison_summary(comparison))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= SUMMARY_LINES
    sentence = " ".join(" ".join(lines).split()).split(" % ", 1)[0]
    assert sentence.startswith(("after answers ", "Whether after answers "))
    assert "--full adds" in lines[-1]
    # The page has all that the summary counts.
    console.print(comparison_page(comparison))
    assert "Accuracy (k = 1)" in console.file.getvalue()


def test_full_prints_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = _tally(tmp_path / "before.csv", [0, 1, 3, 8, 8], 8)
    after = _tally(tmp_path / "after.csv", [1, 3, 5, 8, 8], 8)
    words = ["compare", before, after, "--law-resamples", "0", "--resamples", "50"]
    assert main(words) == 0
    summary = capsys.readouterr().out
    assert main([*words, "--full"]) == 0
    page = capsys.readouterr().out
    assert "Accuracy (k = 1)" in page
    assert "Accuracy (k = 1)" not in summary
    assert "--full" in summary


def test_the_testbed_answers_without_a_number_of_tokens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    words = ["sample", "--model", "testbed:base", "--task", "kin", "--option", "limit=5"]
    assert main([*words, "--n", "2", "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert "10 scored responses to 5 questions" in " ".join(captured.err.split())
    # Said before the seconds that it takes; nothing of the libraries' own beside it.
    assert "loading testbed:base ..." in captured.err
    assert "Loading weights" not in captured.err


def test_a_verifier_that_rejects_the_scripted_engine_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sample", "--model", "scripted:0.5", "--task", "kin", "--verifier", "numeric"]
    assert main([*words, "--n", "2", "--out", str(tmp_path / "out")]) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert "The verifier numeric takes none of the scripted engine's right responses" in message
    assert "so (.+?)" in message


HUB_SECONDS = 20.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--model", "org/liftmap-has-no-such-model", "--task", "kin"],
        ["--model", "scripted:0.5", "--task", "gsm8k"],
    ],
    ids=["model", "task"],
)
def test_a_hub_that_does_not_answer_ends_soon_with_a_remedy(
    words: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    # A port that nothing listens to, in place of a proxy.
    proxy = {name: "http://127.0.0.1:9" for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy")}
    environment = {**os.environ, **proxy, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    environment.pop("NO_PROXY", None)
    # To import torch takes seconds of its own on a busy machine: they are not the hub's.
    program = (
        "import time, liftmap.sample.hf, datasets; from liftmap.cli import main; "
        f"started = time.monotonic(); status = main({['sample', *words, '--out', str(tmp_path)]}); "
        "print(status, time.monotonic() - started)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    status, seconds = done.stdout.split()
    assert float(seconds) < HUB_SECONDS
    assert status == "2", done.stderr
    message = " ".join(done.stderr.split())
    assert "HTTPS_PROXY" in message
    assert "HF_HUB_OFFLINE=1" in message
    assert "Retry" not in done.stderr
    assert "Traceback" not in done.stderr
