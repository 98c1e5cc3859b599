"""liftmap: did post-training make a language model solve more, or only solve it more reliably?

`run_study` runs a study from a base model to a report; the stages are the sub-packages `tasks`,
`sample`, `verify`, `train`, `analyse` and `report`, and `stats` holds the statistics.
"""

from __future__ import annotations

from typing import Any

__all__ = ["load_config", "run_study"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Imported on first use: `import liftmap` alone stays fast.
    if name == "run_study":
        from liftmap.study import run_study

        return run_study
    if name == "load_config":
        from liftmap.studyfile import load_config

        return load_config
    raise AttributeError(f"module 'liftmap' has no attribute {name!r}")
