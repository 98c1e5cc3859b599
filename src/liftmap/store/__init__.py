"""The store: the only place that knows the names of what lies in a study folder.

Every stage reads what the stages before it wrote here and adds its own; no file is rewritten but
the tables, the report and the log of an arm in training. Every file but that log is sealed: it
holds its own digest (see `liftmap.seals`), which is checked whenever it is read.

    liftmap.json                the schema number of the folder (see `store.schema`)
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
        inputs.json                 digests of the base and of the responses it is trained on
        trained.json                the trainer has ended
        model/                      the chosen step (model.partial/ while it is copied)
        checkpoint.json             which step it is; the arm is done
    metrics/<arm>.jsonl         the trainer's log
    steps/<arm>/<seed>/         what it answered while it was trained: step_<n>/ with
                                step.json, and .track.json (see `store.steps_folder`)
    tables/<table>.parquet      the analyses
    report.html
    notes.jsonl                 verdicts that a reader found wrong (see `store.notes`); no seal
    .lock                       held by the process that works in the folder

A folder that `liftmap sample` made has task-<split>.json, questions, responses and verdicts; one
that `liftmap score SOURCE` made has scores/<source|other>/<model>/ (see `store.source_scores`).
"""

from liftmap.store.checkpoint_folder import CheckpointFolder
from liftmap.store.notes import Note, noted_responses, notes_file, read_notes, verdicts_on_noted
from liftmap.store.response_set import ResponseSet, response_set_at
from liftmap.store.rows import (
    KEY,
    RESPONSE_SCHEMA,
    SCORE_SCHEMA,
    VERDICT_SCHEMA,
    count_verdicts,
    exhausted_verifier,
    golds_digest,
    questions_digest,
    responses_frame,
    tally_of,
)
from liftmap.store.shards import ShardFolder, shard_name
from liftmap.store.source_scores import SourceScores, SourceSide, model_folder
from liftmap.store.steps_folder import StepsFolder, steps_of_arm
from liftmap.store.study_folder import StudyFolder

__all__ = [
    "KEY",
    "RESPONSE_SCHEMA",
    "SCORE_SCHEMA",
    "VERDICT_SCHEMA",
    "CheckpointFolder",
    "Note",
    "ResponseSet",
    "ShardFolder",
    "SourceScores",
    "SourceSide",
    "StepsFolder",
    "StudyFolder",
    "count_verdicts",
    "exhausted_verifier",
    "golds_digest",
    "model_folder",
    "noted_responses",
    "notes_file",
    "questions_digest",
    "read_notes",
    "response_set_at",
    "responses_frame",
    "shard_name",
    "steps_of_arm",
    "tally_of",
    "verdicts_on_noted",
]
