"""Response sets: one model's responses to one question set, with verdicts and scores beside them.

Part of the store. Everything lies in shards (see `store.shards`): a Parquet file for all responses
to some questions, and one of the same name for their verdicts and for their scores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from liftmap.errors import InputError, StoreError
from liftmap.files import damaged, names_in, read_json, write_json
from liftmap.records import FixedPlan, Plan, Question, Response, Tally, plan_from
from liftmap.store.rows import (
    COUNTS,
    KEY,
    RESPONSE_SCHEMA,
    SCORE_SCHEMA,
    UNSPLIT,
    VERDICT_SCHEMA,
    count_verdicts,
    exhausted_verifier,
    golds_digest,
    questions_digest,
    responses_frame,
    tally_of,
)
from liftmap.store.schema import is_sealed
from liftmap.store.shards import ShardFolder, ShardKind, shard_name

RESPONSES: ShardKind = "responses"
VERDICTS: ShardKind = "verdicts"
SCORES: ShardKind = "scores"


@dataclass(frozen=True)
class ResponseSet:
    """One model's responses to one question set, with verdicts and scores beside them.

    Attributes:
        root: The study folder.
        model: The model's name in the study (`base`, `teacher`, `rlvr@1`).
        split: train, dev or test.
    """

    root: Path
    model: str
    split: str

    @property
    def path(self) -> Path:
        """The folder of the responses."""
        return self.responses.path

    def _folder(self, kind: ShardKind, *further: str) -> ShardFolder:
        path = self.root.joinpath(kind, self.model, self.split, *further)
        return ShardFolder(self.root, path, kind)

    @property
    def responses(self) -> ShardFolder:
        """The shards of responses."""
        return self._folder(RESPONSES)

    def verdicts(self, verifier: str) -> ShardFolder:
        """The shards of a verifier's verdicts."""
        return self._folder(VERDICTS, verifier)

    def scores(self, under: str) -> ShardFolder:
        """The shards of log-likelihoods under a model."""
        return self._folder(SCORES, under)

    def beside(self) -> list[ShardFolder]:
        """The folders of all verdicts and scores that were made of these responses."""
        return [
            self._folder(kind, name)
            for kind in (VERDICTS, SCORES)
            for name in names_in(self._folder(kind).path)
        ]

    def keep_settings(self, settings: Mapping[str, Any], later: Collection[str] = ()) -> None:
        """Writes how the responses are drawn, or checks it; see `ShardFolder.keep_settings`."""
        self.responses.keep_settings(settings, later)

    def settings(self) -> dict[str, Any]:
        """How the responses were drawn."""
        return self.responses.settings()

    def has_settings(self) -> bool:
        """Whether it is known how the responses are drawn."""
        return self.responses.has_settings()

    @property
    def prompt_file(self) -> Path:
        """How prompts end, and what marks thoughts."""
        return self.path / "prompt.json"

    @property
    def account_file(self) -> Path:
        """What a server gave."""
        return self.path / "account.json"

    def keep_prompt(self, prompt: Mapping[str, Any]) -> None:
        """Writes how prompts end and what marks thoughts, unless that is known already.

        Args:
            prompt: `end`: the last characters of a prompt as the model reads it; `marks`: the tags
                of the model's template that have to do with thinking, each with its token or null.
        """
        if not self.prompt_file.exists():
            write_json(self.prompt_file, prompt)

    def prompt(self) -> dict[str, Any] | None:
        """What `keep_prompt` wrote; None where it is not known, as with most servers.

        Raises:
            StoreError: It is damaged, or missing although responses were drawn with it.
        """
        if not self.prompt_file.exists():
            for shard in self.shards()[:1]:
                if self.responses.facts(shard).get("prompt"):
                    raise damaged(self.prompt_file, "it is missing")
            return None
        prompt: dict[str, Any] = read_json(self.prompt_file, is_sealed(self.root))
        for shard in self.shards()[:1]:
            if self.responses.facts(shard).get("prompt") not in (None, prompt):
                raise damaged(self.prompt_file, "the responses were drawn with another")
        return prompt

    def keep_account(self, account: Mapping[str, Any]) -> None:
        """Writes what a server gave; see `sample.account`."""
        write_json(self.account_file, account)

    def account(self) -> dict[str, Any] | None:
        """What `keep_account` wrote; None where there is none."""
        if not self.account_file.exists():
            return None
        account: dict[str, Any] = read_json(self.account_file, is_sealed(self.root))
        return account

    def wanted_shards(self) -> int:
        """How many shards there will be once all responses are drawn; 0 where it is not known."""
        return int(self.settings().get("shards", 0))

    def shards(self) -> list[str]:
        """Names of the finished response shards, in order.

        Raises:
            StoreError: There are shards but no settings, or one more than there can be.
        """
        return self._known(self.responses)

    def _known(self, folder: ShardFolder) -> list[str]:
        """The shards of a folder, none of which lies beyond those that the responses have."""
        shards = folder.shards()
        number_of_shards = self.wanted_shards() if shards else 0
        expected = {shard_name(index) for index in range(number_of_shards)}
        strange = [name for name in shards if number_of_shards and name not in expected]
        if strange:
            raise damaged(
                folder.path / strange[0], f"there are only {number_of_shards} shards of this set"
            )
        return shards

    def write_responses(self, shard: str, responses: Iterable[Response] | pl.DataFrame) -> None:
        """Writes one shard of responses; verdicts and scores of an earlier one go.

        Args:
            shard: `shard_name(index)`.
            responses: All responses of the shard, as records or as a `responses_frame`.

        Raises:
            StoreError: It can't be written, or no settings were kept.
        """
        if not isinstance(responses, pl.DataFrame):
            responses = responses_frame(responses)
        for folder in self.beside():
            (folder.path / shard).unlink(missing_ok=True)
        self.responses.write(shard, responses, prompt=self.prompt())

    def read_responses(
        self, shard: str | None = None, columns: list[str] | None = None
    ) -> pl.DataFrame:
        """The responses of one shard or of all; columns of `RESPONSE_SCHEMA`, or some of them."""
        return self._read(self.responses, shard, RESPONSE_SCHEMA, columns)

    def verdict_shards(self, verifier: str) -> list[str]:
        """Names of the finished verdict shards of a verifier; errors as `shards`."""
        return self._known(self.verdicts(verifier))

    def write_verdicts(self, verifier: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the verdicts of one response shard; columns of `VERDICT_SCHEMA`."""
        self._write_beside(self.verdicts(verifier), shard, frame.cast(VERDICT_SCHEMA))

    def _write_beside(self, folder: ShardFolder, shard: str, frame: pl.DataFrame) -> None:
        folder.write(shard, frame, responses=self.responses.facts(shard)["seal"])

    def keep_verifier_settings(
        self, verifier: str, settings: Mapping[str, Any], later: Collection[str] = ()
    ) -> None:
        """Writes a verifier's options, or checks that they are as before."""
        self.verdicts(verifier).keep_settings(settings, later)

    def verdicts_dir(self, verifier: str) -> Path:
        """Where a verifier's verdicts lie."""
        return self.verdicts(verifier).path

    def verifier_settings(self, verifier: str) -> dict[str, Any] | None:
        """A verifier's options and how it told thoughts from answers; None before it judged."""
        folder = self.verdicts(verifier)
        return folder.settings() if folder.has_settings() or folder.shards() else None

    def read_verdicts(self, verifier: str, shard: str | None = None) -> pl.DataFrame:
        """The verdicts of a verifier on one shard or on all; columns of `VERDICT_SCHEMA`."""
        return self._read(self.verdicts(verifier), shard, VERDICT_SCHEMA)

    def verifiers(self) -> list[str]:
        """Names of the verifiers that have judged any of the responses."""
        names = names_in(self._folder(VERDICTS).path)
        return [name for name in names if self.verdict_shards(name)]

    def score_shards(self, under: str) -> list[str]:
        """Names of the finished score shards under a model; errors as `shards`."""
        return self._known(self.scores(under))

    def write_scores(self, under: str, shard: str, frame: pl.DataFrame) -> None:
        """Writes the scores of one response shard; columns of `SCORE_SCHEMA`, or `UNSPLIT`."""
        schema = pl.Schema({name: SCORE_SCHEMA[name] for name in frame.columns})
        self._write_beside(self.scores(under), shard, frame.cast(schema))

    def keep_score_settings(
        self, under: str, settings: Mapping[str, Any], later: Collection[str] = ()
    ) -> None:
        """Writes how thought and answer are told apart in scores, or checks it is as before."""
        self.scores(under).keep_settings(settings, later)

    def score_settings(self, under: str) -> dict[str, Any] | None:
        """What `keep_score_settings` wrote; None where scores don't tell thought from answer."""
        folder = self.scores(under)
        has_settings = folder.has_settings() or (folder.shards() and is_sealed(self.root))
        return folder.settings() if has_settings else None

    def read_scores(self, under: str) -> pl.DataFrame:
        """All log-likelihoods under another model; columns of `SCORE_SCHEMA`."""
        folder = self.scores(under)
        frames = [self.read_beside(folder, shard) for shard in self.score_shards(under)]
        if not frames:
            raise StoreError(f"{folder.path} holds no shards.", remedy="Run: liftmap score.")
        nothing = [pl.lit(None).alias(name) for name in SCORE_SCHEMA if name not in UNSPLIT]
        return pl.concat(
            (frame if set(SCORE_SCHEMA) <= set(frame.columns) else frame.with_columns(nothing))
            .select(SCORE_SCHEMA.names())
            .cast(SCORE_SCHEMA)
            for frame in frames
        )

    def _read(
        self,
        folder: ShardFolder,
        shard: str | None,
        schema: pl.Schema,
        columns: list[str] | None = None,
    ) -> pl.DataFrame:
        names = [shard] if shard else self._known(folder)
        if not names:
            raise StoreError(
                f"{folder.path} holds no shards.", remedy="Run the stage that writes them."
            )
        selected = pl.Schema({name: schema[name] for name in columns or schema})
        return pl.concat(
            [self.read_beside(folder, name, list(selected)).cast(selected) for name in names]
        )

    def read_beside(
        self, folder: ShardFolder, shard: str, columns: list[str] | None = None
    ) -> pl.DataFrame:
        """The rows of a shard; of verdicts and scores, once it is known that they are of these.

        Raises:
            StoreError: The shard is damaged, or was made of other responses than those there.
        """
        if folder.path != self.path:
            made_of = folder.facts(shard).get("responses")
            if made_of is not None and made_of != self.responses.facts(shard)["seal"]:
                raise damaged(
                    folder.path / shard, f"it was made of other responses than {self.path / shard}"
                )
        return folder.read(shard, columns)

    def tally(self, verifier: str, questions: Sequence[Question]) -> Tally:
        """Counts per question, in the order of `questions`.

        Raises:
            StoreError: There are no verdicts, a shard is damaged, or these are other questions
                than those that were asked, or other gold answers than those that verdicts took.
        """
        self.check_questions(questions, verifier)
        # Shard by shard, so that memory does not grow with the number of responses.
        parts = [self._counts(verifier, shard) for shard in self.verdict_shards(verifier)]
        if not parts:
            folder = self.verdicts_dir(verifier)
            raise StoreError(f"{folder} holds no shards.", remedy="Run: liftmap verify.")
        counts = pl.concat(parts).group_by("question_id").sum()
        asked = pl.DataFrame(
            {
                "question_id": [q.question_id for q in questions],
                "cluster": [q.cluster or None for q in questions],
            },
            schema_overrides={"cluster": pl.String},
        )
        rows = asked.join(counts, on="question_id", how="left", maintain_order="left")
        rows = rows.with_columns(pl.col(COUNTS).fill_null(0))
        return tally_of(rows, self.plan(rows["n"] + rows["unscored"], verifier))

    def plan(self, drawn: pl.Series, verifier: str) -> Plan | None:
        """How the responses were drawn.

        Args:
            drawn: Responses of each question; equal numbers are a fixed plan where the settings
                name none.
            verifier: Whose verdicts are counted.

        Raises:
            InputError: The plan is curtailed by another verifier's verdicts: counts of this one's
                would be biased.
        """
        settings = self.settings()
        stopped_by = (settings.get("verifier") or {}).get("verifier", verifier)
        if stopped_by != verifier:
            raise InputError(
                f"The responses of {self.model} stopped by the verdicts of {stopped_by}: those "
                f"of {verifier} can't be used for rates.",
                remedy="Use that verifier, or draw under the fixed plan.",
            )
        if "plan" in settings:
            return plan_from(settings["plan"])
        return FixedPlan(int(drawn[0])) if drawn.n_unique() == 1 else None

    def check_questions(self, questions: Sequence[Question], verifier: str | None = None) -> None:
        """Checks that these questions were asked, and that verdicts took their gold answers.

        Raises:
            StoreError: They are others. Settings of earlier versions may not tell.
        """
        asked = self.settings().get("questions")
        if asked not in (None, questions_digest(questions)):
            raise StoreError(
                f"The {self.split} questions of {self.root} are not those that {self.model} was "
                "asked.",
                remedy="Put the question file back, or run `liftmap check` on this folder.",
            )
        golds = (self.verifier_settings(verifier) or {}).get("golds") if verifier else None
        if golds not in (None, golds_digest(questions)):
            raise StoreError(
                f"The gold answers or the metadata of the {self.split} questions of {self.root} "
                f"are not those that the verdicts of {verifier} on {self.model} were made with.",
                remedy="Put the question file back, or run `liftmap check` on this folder.",
            )

    def _check_keys(
        self, verifier: str, shard: str, responses: pl.DataFrame, verdicts: pl.DataFrame
    ) -> None:
        """Checks that each response is there once, and has one verdict.

        Raises:
            StoreError: A key is missing or doubled.
        """
        keys = responses.select(KEY)
        if not keys.is_unique().all():
            raise damaged(self.path / shard, "a response is there twice")
        if not keys.equals(verdicts.select(KEY)):
            raise damaged(
                self.verdicts_dir(verifier) / shard, "its rows are not those of the responses"
            )

    def _counts(self, verifier: str, shard: str) -> pl.DataFrame:
        verdicts = self.read_verdicts(verifier, shard)
        reasons = self.read_responses(shard, [*KEY, "finish_reason"])
        self._check_keys(verifier, shard, reasons, verdicts)
        verdict = pl.col("verdict").cast(pl.String)
        return count_verdicts(
            verdicts.join(reasons, on=KEY).select(
                "question_id",
                right=pl.when(verdict != "unscored").then(verdict == "right"),
                truncated=pl.col("finish_reason").cast(pl.String) == "length",
                exhausted=exhausted_verifier(),
            )
        )


def response_set_at(path: Path) -> ResponseSet | None:
    """The response set whose folder this is, `STUDY/responses/MODEL/SPLIT`; None if it is none."""
    place = path.absolute()
    if len(place.parents) < 3 or place.parents[1].name != RESPONSES:
        return None
    return ResponseSet(place.parents[2], place.parent.name, place.name)
