"""liftmap: did post-training make a language model solve more, or only solve it more reliably?

`run_study` runs a study from a base model to a report; `sample_model` asks any model any task,
`verify_folder` and `audit_folder` judge what it said, `audit_attack` tries a verifier on answers
that verifiers get wrong, `compare_models` asks two models, `probe` whether one knows the questions
by heart; `compare` compares two models whose results exist, `suite` does so on several benchmarks
and `track` for the steps of a training, `reanalyse` reads a published matrix; `plan` says what a
study can see, `select` makes a training set of measured success rates, `score` says how likely a
model finds responses from anywhere, and `view_responses` shows questions and responses in a
browser. `TrackCallback` measures a model while TRL trains it, `read_training_log` reads what a
trainer logged. The stages are the sub-packages `tasks`, `sample`, `verify`, `train`, `analyse`,
`report` and `view`; `stats` holds the statistics.
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
    "track": "liftmap.comparison.track",
    "suite": "liftmap.comparison.suite",
    "reanalyse": "liftmap.comparison.published",
    "plan": "liftmap.comparison.planning",
    "score": "liftmap.scoring.source_score",
    "select": "liftmap.comparison.selection",
    "probe": "liftmap.probing",
    "Asking": "liftmap.ask",
    "sample_model": "liftmap.ask",
    "compare_models": "liftmap.ask",
    "verify_folder": "liftmap.ask",
    "audit_folder": "liftmap.ask",
    "audit_attack": "liftmap.verify.attack",
    "TrackCallback": "liftmap.train.track_callback",
    "TrackSection": "liftmap.sections",
    "SampleSection": "liftmap.sections",
    "VerifySection": "liftmap.sections",
    "Question": "liftmap.records",
    "load_questions": "liftmap.tasks.sets",
    "read_training_log": "liftmap.read.training_log",
    "view_responses": "liftmap.view.server",
}
__all__ = [
    "Asking",
    "Question",
    "SampleSection",
    "TrackCallback",
    "TrackSection",
    "VerifySection",
    "audit_attack",
    "audit_folder",
    "compare",
    "compare_models",
    "load_config",
    "load_questions",
    "plan",
    "probe",
    "read_training_log",
    "reanalyse",
    "run_study",
    "sample_model",
    "score",
    "select",
    "suite",
    "track",
    "verify_folder",
    "view_responses",
]
__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'liftmap' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
