"""Builds wheel and sdist, installs each in a clean environment without extras, and tries them.

    python -m bench.package

Writes dist/; the environments are temporary. Packages come from the index that pip is set to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
BUILDER = "hatchling>=1.27"


def run(*command: str | Path, folder: Path) -> str:
    """Standard output of a command that has to succeed; nothing of this environment is seen."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def new_python(folder: Path) -> Path:
    """The interpreter of a fresh environment."""
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def main() -> None:
    """Builds, installs, tries; the exit status is 0 if all of it works."""
    import liftmap

    shutil.rmtree(DIST, ignore_errors=True)
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    with TemporaryDirectory() as name:
        work = Path(name)
        builder = new_python(work / "builder")
        run(builder, *pip, BUILDER, folder=work)
        run(builder, "-m", "hatchling", "build", "-d", DIST, folder=ROOT)
        [wheel], [sdist] = list(DIST.glob("*.whl")), list(DIST.glob("*.tar.gz"))
        assert liftmap.__version__ in wheel.name, (liftmap.__version__, wheel.name)
        with tarfile.open(sdist) as archive:
            names = {member.name.split("/", 1)[-1] for member in archive.getmembers()}
        assert {"README.md", "LICENSE", "docs/extend.md", "tests/test_cli.py"} <= names
        python = new_python(work / "clean")
        constraints = ("-c", ROOT / "constraints.txt")
        for artefact, how in ((wheel, constraints), (sdist, ("--no-deps", "--force-reinstall"))):
            run(python, *pip, *how, artefact, folder=work)
            try_out(python, work)
            print(f"{artefact.name}: {artefact.stat().st_size:,} bytes, installed, works")


def try_out(python: Path, work: Path) -> None:
    """The commands of an install without extras."""
    liftmap = python.with_name("liftmap")
    version = run(liftmap, "--version", folder=work)
    assert version.startswith("liftmap "), version
    for name, shift in (("before", 0), ("after", 3)):
        rows = [f"q{i},16,{min(16, i % 15 + shift)}\n" for i in range(40)]
        (work / f"{name}.csv").write_text("question_id,n,c\n" + "".join(rows))
    words = ("before.csv", "after.csv", "--law-resamples", "2", "--report", "page.html")
    assert "accuracy up" in run(liftmap, "compare", *words, folder=work)
    assert (work / "page.html").stat().st_size
    missing = run(
        python, "-c", "import importlib.util as u; print(u.find_spec('torch'))", folder=work
    )
    assert missing.strip() == "None", "the environment is not clean"


if __name__ == "__main__":
    sys.exit(main())
