"""The command line: results on standard output, mistakes with status 2 and no traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomli_w
import tyro

from liftmap.cli import COMMANDS, main
from liftmap.cli.flags import NOT_FLAGS, SampleFlags, sample_section
from liftmap.errors import ConfigError
from liftmap.sections import SampleSection, ServerSection

from .conftest import SCRIPTED

VERL = str(Path(__file__).parent / "read" / "data" / "rollouts" / "verl")


def loaded(program: str) -> set[str]:
    """The modules that a fresh process has loaded once it ran a program."""
    program += "; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_command_line_starts_with_little() -> None:
    modules = loaded("import liftmap.cli")
    heavy = {"numpy", "polars", "scipy", "altair", "rich.progress", "asyncio", "torch", "datasets"}
    assert not heavy & modules
    assert {name for name in modules if name.startswith("liftmap.")} == {
        *(f"liftmap.{name}" for name in ("cli", "errors", "records", "sections", "stopping")),
        *(f"liftmap.cli.{name}" for name in ("dispatch", "flags", "printing")),
        *(
            f"liftmap.cli.{name}_command"
            for name in ("check", "probe", "score", "select", "suite", "track", "view")
        ),
        *(f"liftmap.cli.{name}_commands" for name in ("study", "sample", "audit", "compare")),
    }


def test_no_command_that_trains_nothing_loads_torch() -> None:
    modules = loaded("import liftmap.study, liftmap.ask, liftmap.report.comparison")
    assert not {"torch", "transformers", "trl", "datasets"} & modules


def test_compare_loads_what_it_computes_with(tmp_path: Path) -> None:
    for name in ("before", "after"):
        rows = [f"q{i},8,{i % 9}\n" for i in range(20)]
        (tmp_path / f"{name}.csv").write_text("question_id,n,c\n" + "".join(rows))
    words = ["compare", str(tmp_path / "before.csv"), str(tmp_path / "after.csv"), "--json"]
    words += [str(tmp_path / "result.json"), "--resamples", "100", "--law-resamples", "5"]
    program = (
        f"import os, sys; sys.stdout = open(os.devnull, 'w'); import liftmap.cli; "
        f"liftmap.cli.main({words}); sys.stdout = sys.__stdout__"
    )
    modules = loaded(program)
    assert (tmp_path / "result.json").exists()
    unneeded = {"scipy.stats", "altair", "jinja2", "torch", "datasets", "reasoning_gym"}
    assert not unneeded & modules


# The names that scripts rely on, with a value of each and where it arrives.
FLAGS: dict[str, tuple[list[str], str, object]] = {
    "--n": (["3"], "n", 3),
    "--plan": (["curtailed"], "plan", "curtailed"),
    "--stop-after": (["2"], "stop_after", 2),
    "--round-size": (["2"], "round_size", 2),
    "--engine": (["server"], "engine", "server"),
    "--template": (["chat"], "template", "chat"),
    "--temperature": (["0.5"], "temperature", 0.5),
    "--top-p": (["0.5"], "top_p", 0.5),
    "--top-k": (["7"], "top_k", 7),
    "--max-tokens": (["9"], "max_tokens", 9),
    "--stop": (["a", "--stop", "b"], "stop", ("a", "b")),
    "--batch-size": (["5"], "batch_size", 5),
    "--shard-responses": (["6"], "shard_responses", 6),
    "--device": (["cpu"], "device", "cpu"),
    "--dtype": (["bfloat16"], "dtype", "bfloat16"),
    "--url": (["http://a/v1", "--url", "http://b/v1"], "urls", ("http://a/v1", "http://b/v1")),
    "--launch": (["serve {port}"], "launch", "serve {port}"),
    "--endpoint": (["chat"], "endpoint", "chat"),
    "--requests": (["4"], "requests", 4),
    "--key-variable": (["KEY"], "key_variable", "KEY"),
    "--per-request": (["8"], "per_request", 8),
    "--no-log-probabilities": ([], "log_probabilities", False),
    "--timeout": (["1.5"], "timeout", 1.5),
    "--start-timeout": (["2.5"], "start_timeout", 2.5),
    "--retries": (["0"], "retries", 0),
    "--backoff": (["0.5"], "backoff", 0.5),
    "--extra": (["min_p=0.1", "--extra", "a={}"], "extra", {"min_p": 0.1, "a": {}}),
}


def section_of(words: list[str], model: str = "m") -> SampleSection:
    flags = tyro.cli(tyro.conf.OmitArgPrefixes[SampleFlags], args=words)
    return sample_section(flags, model, seed=4)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_of_sampling_sets_its_setting(flag: str) -> None:
    words, name, value = FLAGS[flag]
    section = section_of([flag, *words])
    holder = section.server if name in ServerSection.model_fields else section
    assert getattr(holder, name) == value


def test_every_setting_of_sampling_has_a_flag_with_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = [*SampleSection.model_fields, *ServerSection.model_fields]
    assert {name for _, name, _ in FLAGS.values()} == {*settings} - {*NOT_FLAGS}
    for command in ("sample", "compare"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        page = " ".join(capsys.readouterr().out.replace("│", " ").split())
        for section in (SampleSection, ServerSection):
            for name, field in section.model_fields.items():
                if name not in NOT_FLAGS:
                    about = " ".join((field.description or "").split()).removesuffix(".")
                    assert about
                    assert about in page, name


def test_what_no_flag_says_follows_from_the_rest() -> None:
    assert section_of([]) == SampleSection(seed=4)
    assert section_of([], "scripted:0.5").engine == "scripted"
    assert section_of(["--url", "http://a/v1"]).engine == "server"
    assert section_of(["--launch", "x"]).engine == "server"
    assert section_of(["--task", "math-500"]).template == "step-by-step"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n", "0"], "--n: "),
        (["--requests", "2000"], "--requests: "),
        (["--extra", "x"], "KEY=VALUE"),
        (["--start-timeout", "0"], "--start-timeout: "),
    ],
)
def test_a_flag_out_of_range_is_named(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        section_of(words)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"liftmap {command}" in capsys.readouterr().out.split("For instance:")[1]


def test_single_stages_skip_what_is_done(
    scripted_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(scripted_study)
    for command in ("sample", "verify", "train", "score", "analyse", "report"):
        assert main([command, folder]) == 0
    captured = capsys.readouterr()
    assert "0 responses judged" in captured.err
    assert str(scripted_study / "report.html") in captured.out.replace("\n", "")


def test_a_finished_study_can_be_printed_as_json(
    scripted_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = scripted_study / "study.toml"
    assert main(["study", str(study), "--out", str(scripted_study), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [row["arm"] for row in printed["verdict"]] == ["sharper", "unchanged"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "none.toml"], "does not exist"),
        (["sample", "/nowhere"], "is not a study folder"),
        (["study", "[/red]"], "[/red] does not exist"),
        (["study", "scripted", "--out", __file__], "is a file where a folder is needed"),
        (["train", "STUDY", "--arm", "sharpr"], "Did you mean 'sharper'?"),
        (["sample", "STUDY", "--model", "bsae"], "Did you mean 'base'?"),
        (["verify", "STUDY", "--verifier", "exakt"], "Did you mean 'exact'?"),
        (["compare", VERL, VERL], "responses of 2 steps: of as many models"),
        (["compare", f"{VERL}:7", VERL], "holds no responses of step 7"),
        (["compare", f"{VERL}:0", f"{VERL}:10", "--columns", "correct"], "--columns is written as"),
        (["compare", f"{VERL}:0", f"{VERL}:10", "--metric", "score"], "--right-at 1.0"),
    ],
)
def test_mistakes_end_with_status_2(
    scripted_study: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [str(scripted_study) if a == "STUDY" else a for a in arguments]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in " ".join(captured.err.split())
    assert "Traceback" not in captured.err


@pytest.mark.slow
def test_control_c_says_how_to_go_on(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    sample = SCRIPTED["sample"] | {"n": 2048, "shard_responses": 2048}
    study.write_text(tomli_w.dumps(SCRIPTED | {"sample": sample}))
    command = [sys.executable, "-m", "liftmap", "study", str(study), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        shards = tmp_path / "out" / "responses" / "base" / "test"
        deadline = time.monotonic() + 60
        while not list(shards.glob("shard-*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    assert "Traceback" not in errors


def test_graded_rewards_and_named_columns_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fast = ["--law-resamples", "0", "--resamples", "50", "--json", "-"]
    words = ["compare", f"{VERL}:0", f"{VERL}:10", "--metric", "score", "--right-at", "1.0"]
    assert main([*words, *fast]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["before"]["format"] == "verl"
    assert "A response is right where score is 1 or more." in " ".join(printed.err.split())
    table = tmp_path / "t.csv"
    table.write_text("problem,solved\na,1\na,0\nb,1\nb,1\n")
    words = ["compare", str(table), str(table), "--columns", "question_id=problem,correct=solved"]
    assert main([*words, *fast]) == 0
    assert json.loads(capsys.readouterr().out)["questions"] == 2
