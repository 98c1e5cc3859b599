"""The real logs of other tools, and what can be known of them without the readers."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def logs() -> dict[str, Path]:
    """The logs by a short name: `kin_each`, `kin_letters`, `kin_avg` ..."""
    found: dict[str, Path] = {}
    for path in sorted(DATA.glob("[il]*/*.*")):
        name = path.stem.replace("-", "_")
        [short] = [word for word in NAMES if word in name]
        found[short] = path
    assert set(found) == set(NAMES)
    return found


NAMES = (
    "kin_avg",
    "kin_majority",
    "kin_choice",
    "kin_each",
    "kin_greedy",
    "kin_pass",
    "kin_repeats",
    "kin_letters",
    "kin_two_scorers",
)
