"""The store: the only place that knows the names of what lies in a study folder.

Every stage reads what the stages before it wrote here and adds its own; no file is rewritten but
the tables, the report and the log of an arm in training.

    study.toml                  the settings, all defaults filled in
    template.json               the prompt template, in full
    environment.json            versions, machine, wall time of each stage
    questions/<split>.parquet
    responses/<model>/<split>/  settings.json, shard-<number>.parquet, prompt.json (how
                                prompts end, which tags mark thoughts), account.json (what a
                                server gave)
    verdicts/<model>/<split>/<verifier>/  settings.json, a shard for each of the responses
    scores/<model>/<split>/<under>/       settings.json, a shard for each of the responses
    checkpoints/<arm>/<seed>/
        trainer/checkpoint-<step>/  what a trainer saves: trainer_state.json, and at last
                                    complete.json; removed once a step is chosen
        trained.json                the trainer has ended
        model/                      the chosen step (model.partial/ while it is copied)
        checkpoint.json             which step it is; the arm is done
    metrics/<arm>.jsonl         the trainer's log
    tables/<table>.parquet      the analyses
    report.html
    .lock                       held by the process that works in the folder

A folder that `liftmap sample` made has task-<split>.json, questions, responses and verdicts.
"""

from liftmap.store.checkpoint_folder import CheckpointFolder
from liftmap.store.response_set import (
    KEY,
    RESPONSE_SCHEMA,
    SCORE_SCHEMA,
    VERDICT_SCHEMA,
    ResponseSet,
    count_verdicts,
    exhausted_verifier,
    response_set_at,
    responses_frame,
    shard_name,
    tally_of,
)
from liftmap.store.study_folder import StudyFolder

__all__ = [
    "KEY",
    "RESPONSE_SCHEMA",
    "SCORE_SCHEMA",
    "VERDICT_SCHEMA",
    "CheckpointFolder",
    "ResponseSet",
    "StudyFolder",
    "count_verdicts",
    "exhausted_verifier",
    "response_set_at",
    "responses_frame",
    "shard_name",
    "tally_of",
]
