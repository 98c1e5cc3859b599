"""Files, names and file systems made of malice: one message each, status 2 and no traceback."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from liftmap import files
from liftmap.cli import main
from liftmap.console import Terminal, shown
from liftmap.errors import InputError, StoreError
from liftmap.read import inspect_ai
from liftmap.store import StudyFolder

TALLY = "question_id,n,c\n" + "".join(f"q{i},8,{i % 9}\n" for i in range(20))
SAMPLING = ["sample", "--model", "scripted:0.5", "--task", "kin", "--option", "limit=4", "--n", "4"]


def refuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that can't be done."""
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said) < 30_000
    return " ".join(said.split())


def tally(folder: Path, name: str = "after.csv", text: str = TALLY) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(file: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    words = [*SAMPLING, "--out", str(tmp_path)]
    assert "LIFTMAP_WITHOUT_LOCKS=1" in refuses(words, capsys)
    monkeypatch.setenv("LIFTMAP_WITHOUT_LOCKS", "1")
    assert main(words) == 0


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_a_lock_that_is_no_file(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / ".lock"
    if kind == "folder":
        lock.mkdir()
    elif kind == "link":
        lock.symlink_to(tmp_path / "nowhere")
    else:
        os.mkfifo(lock)
    said = refuses([*SAMPLING, "--out", str(tmp_path)], capsys)
    assert str(lock) in said.replace(" ", "")


def test_a_lock_that_is_deleted_lets_nobody_in(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    with folder.held():
        (tmp_path / ".lock").unlink()
        with pytest.raises(StoreError, match="Another liftmap process"), folder.held():
            pass
    with folder.held():
        pass


def test_only_names_of_our_own_are_cleaned_away(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    ours = tmp_path / "responses" / f".shard-00000.parquet.12.{files.UNFINISHED}"
    others = [".notes.1.tmp", ".x.2.swp", f"a.12.{files.UNFINISHED}", f".a.b.{files.UNFINISHED}"]
    ours.parent.mkdir()
    for path in (ours, *(tmp_path / name for name in others)):
        path.write_text("x")
    as_folder = tmp_path / f".f.12.{files.UNFINISHED}"
    (as_folder / "kept").mkdir(parents=True)
    as_link = tmp_path / f".l.12.{files.UNFINISHED}"
    as_link.symlink_to(tmp_path / ".notes.1.tmp")
    with folder.held():
        pass
    assert not ours.exists()
    assert all((tmp_path / name).exists() for name in others)
    assert (as_folder / "kept").exists()
    assert as_link.is_symlink()


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "3", "{}", '{"stages": 3}', '{"stages": [3]}', '{"stages": [{"stage": "a"}]}', "{"),
        *('{"stages": [{"stage": "a", "seconds": "x", "items": 1}]}', "[" * 100_000, "\udc00", ""),
    ],
)
def test_an_odd_environment(
    scripted_study: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scripted_study / "environment.json"
    whole = file.read_bytes()
    try:
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert "environment.json" in refuses(["report", str(scripted_study)], capsys)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize(
    "command",
    [
        ["compare", "THIS", "TALLY"],
        ["compare", "TALLY", "THIS"],
        ["plan", "THIS"],
        ["reanalyse", "THIS", "--n", "8"],
        ["study", "THIS"],
        [*SAMPLING[:3], "--task", "jsonl", "--option", "path=THIS", "--out", "OUT"],
        ["audit", "--attack", "exact", "--corpus", "THIS"],
    ],
    ids=lambda words: f"{words[0]}-{words.index('THIS') if 'THIS' in words else 'path'}",
)
@pytest.mark.timeout(60)
def test_a_pipe_or_a_device_given_as_a_file(
    kind: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this = tmp_path / "this.csv"
    if kind == "pipe":
        os.mkfifo(this)
    else:
        this = Path("/dev/zero")
    words = {"TALLY": tally(tmp_path), "OUT": str(tmp_path / "out")}
    refuses([words.get(w, w.replace("THIS", str(this))) for w in command], capsys)


def test_a_pipe_in_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SAMPLING, "--out", str(tmp_path)]
    assert main(words) == 0
    for name in ("settings.json", "shard-00000.parquet"):
        (file,) = tmp_path.glob(f"responses/*/*/{name}")
        whole = file.read_bytes()
        file.unlink()
        os.mkfifo(file)
        assert main(["compare", str(file.parent), tally(tmp_path)]) == 2
        assert "Traceback" not in capsys.readouterr().err
        file.unlink()
        file.write_bytes(whole)


def test_a_result_can_go_to_a_device_and_leaves_it_one(tmp_path: Path) -> None:
    # A pipe stands for /dev/stdout, which a test must not lose.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    files.write_text(pipe, "all of it")
    assert os.read(end, 100) == b"all of it"
    assert pipe.is_fifo()
    os.close(end)
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    for text in ("one", "two"):
        files.write_text(link, text)
        assert link.is_symlink()
        assert target.read_text() == text


def bomb(path: Path, content: bytes, times: int = 1, says: int | None = None) -> str:
    """An `.eval` log whose sample is some bytes many times over; `says` is what its index says."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", '{"status": "success", "eval": {}}')
        with archive.open("samples/1_epoch_1.json", "w", force_zip64=True) as file:
            for _ in range(times):
                file.write(content)
    if says is not None:
        data = bytearray(path.read_bytes())
        entry = data.rindex(b"samples/1_epoch_1.json") - 46
        data[entry + 24 : entry + 28] = says.to_bytes(4, "little")
        path.write_bytes(data)
    return str(path)


def test_a_zip_bomb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = b" " * (1 << 20)
    honest = bomb(tmp_path / "honest.eval", blank, 300)
    assert "unpacks to more than" in refuses(["compare", honest, tally(tmp_path)], capsys)
    liar = bomb(tmp_path / "liar.eval", blank, 300, says=1000)
    assert "liar.eval" in refuses(["compare", liar, tally(tmp_path)], capsys)


def test_a_zip_that_unpacks_to_a_thousand_times_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspect_ai, "FREE_BYTES", 1 << 20)
    many = bomb(tmp_path / "many.eval", b" " * (1 << 20), 200)
    assert "1,000 times its size" in refuses(["compare", many, tally(tmp_path)], capsys)


def test_a_zip_whose_index_lies_is_read_up_to_the_limit(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with inspect_ai.zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b" " * (300 << 20))
    with inspect_ai.zipfile.ZipFile(buffer) as archive:
        archive.getinfo("a").file_size = inspect_ai.LARGEST_PART
        with pytest.raises((InputError, zipfile.BadZipFile, inspect_ai.zipfile.BadZipFile)):
            inspect_ai._unpacked(archive, "a", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("column", ["question_id", "cluster"])
def test_names_of_50_megabytes(
    column: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "x" * 50_000_000
    rows = [f"q{i},8,{i % 9},c{i}\n" for i in range(20)]
    rows.append(f"{long},8,3,c\n" if column == "question_id" else f"q,8,3,{long}\n")
    given = tally(tmp_path, "long.csv", "question_id,n,c,cluster\n" + "".join(rows))
    said = refuses(["compare", given, tally(tmp_path)], capsys)
    assert "50,000,000 characters" in said
    row = {"question_id": long, "question": "Who?", "answer": "Ann"}
    (tmp_path / "long.jsonl").write_text(json.dumps(row))
    sampling = ["sample", "--model", "scripted:0.5", "--task", "jsonl", "--n", "2", "--out"]
    sampling += [str(tmp_path / "out"), "--option", f"path={tmp_path / 'long.jsonl'}"]
    if column == "question_id":
        refuses([*sampling, "--option", "id=question_id"], capsys)


def test_names_that_are_too_long_for_the_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(tmp_path / ("x" * 5000))
    for words in (["compare", name, name], ["study", name], ["plan", name]):
        refuses(words, capsys)
    refuses([*SAMPLING, "--out", name], capsys)


EVIL = "a\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\u202eb\rc[red]:smile:"


def test_no_control_character_reaches_the_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A lower bound of 50 questions, so that some are named in the advice.
    rows = "".join(f'"{EVIL}{i}",64,{60 if i % 2 else 1}\n' for i in range(50))
    after = "".join(f'"{EVIL}{i}",64,{1 if i % 2 else 60}\n' for i in range(50))
    before = tally(tmp_path, f"{EVIL}.csv", "question_id,n,c\n" + rows)
    later = tally(tmp_path, f"after{EVIL}.csv", "question_id,n,c\n" + after)
    assert main(["compare", before, later, "--resamples", "50", "--law-resamples", "5"]) == 0
    printed = capsys.readouterr()
    assert "smile:" in printed.out
    refuses(["compare", before, f"{later}.none"], capsys)
    for text in (printed.out, printed.err):
        assert not {c for c in text if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n"}
        assert "\u202e" not in text


def test_signs_take_the_place_of_control_characters() -> None:
    assert shown("a\x1b[2J\x00\x7f\x85\u202e\tb\n") == "a\u241b[2J\u2400\u2421\ufffd\ufffd\tb\n"
    page = Terminal()
    page.file = io.StringIO()
    page.print("[bold]x[/bold] :smile: \x1b[31m")
    assert page.file.getvalue() == "[bold]x[/bold] :smile: \u241b[31m\n"


def test_a_name_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff\xfe"
    done = subprocess.run(
        [sys.executable, "-m", "liftmap", *SAMPLING, "--out", folder], capture_output=True
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 2)


def test_a_reader_that_has_had_enough(tmp_path: Path) -> None:
    given = tally(tmp_path)
    command = [sys.executable, "-m", "liftmap", "compare", given, given, "--resamples", "50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


def run_on_a_terminal(command: list[str]) -> bytes:
    """What a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:
                break
            if not part:
                break
            written += part
        process.wait()
    os.close(ours)
    return written


def test_the_name_of_a_result_on_a_terminal(tmp_path: Path) -> None:
    out = tmp_path / "a\x1b]0;owned\x07"
    written = run_on_a_terminal([sys.executable, "-m", "liftmap", *SAMPLING, "--out", str(out)])
    assert b"\x1b]0;owned" not in written
    assert b"responses" in written
