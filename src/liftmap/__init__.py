"""liftmap: did post-training make a language model solve more, or only solve it more reliably?

`run_study` runs a study from a base model to a report; `sample_model` asks any model any task,
`verify_folder` and `audit_folder` judge what it said, `audit_attack` tries a verifier on answers
that verifiers get wrong, `compare_models` asks two models; `compare` compares two models whose
results exist, `reanalyse` a published matrix, and `plan` says what a study can see. The stages are
the sub-packages `tasks`, `sample`, `verify`, `train`, `analyse` and `report`; `stats` holds the
statistics.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

# numpy's matrix products here are small: handing them to several threads costs more than it saves,
# and many times more on a machine that does other work too. torch has threads of its own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Imported on first use: `import liftmap` alone stays fast.
_HOMES = {
    "run_study": "liftmap.study",
    "load_config": "liftmap.studyfile",
    "compare": "liftmap.comparison.compare",
    "reanalyse": "liftmap.comparison.published",
    "plan": "liftmap.comparison.planning",
    "Asking": "liftmap.ask",
    "sample_model": "liftmap.ask",
    "compare_models": "liftmap.ask",
    "verify_folder": "liftmap.ask",
    "audit_folder": "liftmap.ask",
    "audit_attack": "liftmap.verify.attack",
}
__all__ = [
    "Asking",
    "audit_attack",
    "audit_folder",
    "compare",
    "compare_models",
    "load_config",
    "plan",
    "reanalyse",
    "run_study",
    "sample_model",
    "verify_folder",
]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'liftmap' has no attribute {name!r}")
