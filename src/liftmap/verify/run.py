"""The verifying stage: a verdict for each response on disk; never samples.

Reads `questions/` and `responses/<model>/<split>/`; writes `verdicts/<model>/<split>/<verifier>/`,
one shard for each response shard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import polars as pl

from liftmap.errors import InputError, SettingsDifferError
from liftmap.progress import progress
from liftmap.records import Question, Verdict
from liftmap.sections import VerifySection, to_plain
from liftmap.store import ResponseSet, golds_digest
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.thinking import USUAL, ThinkingRule, begins_inside, rule_from

# Columns and number of the responses that show whether each begins inside a thought.
SHOWN = ["text", "reasoning"]
SHOWN_AT_MOST = 10_000


def verify(target: ResponseSet, questions: list[Question], section: VerifySection) -> int:
    """Judges all responses that have no verdict of this verifier yet, a shard at a time.

    Args:
        target: The responses; the verdicts go beside them.
        questions: The questions with their gold answers.
        section: Verifier and options.

    Returns:
        How many responses were judged now.

    Raises:
        SettingsDifferError: The verdicts there were made with other options.
        StoreError: A shard can't be read or written.
        InputError: A response is to none of the questions.
    """
    finished = set(target.verdict_shards(section.verifier))
    missing = [shard for shard in target.shards() if shard not in finished]
    shown = chain.from_iterable(
        target.read_responses(shard, SHOWN).iter_rows() for shard in missing
    )
    verifier = verifier_of(target, section, questions, shown)
    if not missing:
        return 0
    by_id = {q.question_id: q for q in questions}
    judged = right = scored = 0
    what = f"{target.model}: verify {target.split} responses"
    with progress(what, 0, "responses") as advance:
        for done, shard in enumerate(missing, start=1):
            responses = target.read_responses(shard)
            # Exact in the end: only the last shard is smaller.
            advance.total(judged + len(responses) * (len(missing) - done + 1))
            verdicts = verdicts_frame(responses, by_id, verifier)
            target.write_verdicts(section.verifier, shard, verdicts)
            judged += len(responses)
            right += int((verdicts["verdict"] == "right").sum())
            scored += int((verdicts["verdict"] != "unscored").sum())
            advance(len(responses))
            if scored:
                advance.note(f"accuracy {100 * right / scored:.1f} %")
    return judged


def verifier_of(
    target: ResponseSet,
    section: VerifySection,
    questions: Sequence[Question],
    shown: Iterable[tuple[str, str]] = (),
) -> Verifier:
    """The verifier of a response set, which tells this model's thoughts from its answers.

    Its settings, the rule for thoughts among them, are kept with the verdicts, or checked against
    those that are there.

    Args:
        target: The responses.
        section: Verifier and options.
        questions: The questions with their gold answers, on which the verdicts depend.
        shown: Text and reasoning of some responses, to find out whether each begins inside a
            thought where neither the prompt nor earlier verdicts tell.

    Raises:
        SettingsDifferError: The verdicts there were made with other options or other gold answers,
            or thoughts were told from answers in another way.
    """
    earlier = target.verifier_settings(section.verifier)
    if earlier is not None and "thinking" not in earlier:
        raise SettingsDifferError(
            f"The verdicts of {section.verifier} on {target.model} ({target.split}) were made when "
            "thoughts were not yet set apart from answers.",
            remedy=f"Move {target.verdicts_dir(section.verifier)} away; the same command then "
            "judges all responses again.",
        )
    thinking = thinking_rule(target, section, shown)
    verifier = make_verifier(section.verifier, section.options, thinking)
    settings = {
        **to_plain(section),
        "thinking": thinking.to_plain(),
        "golds": golds_digest(questions),
    }
    target.keep_verifier_settings(section.verifier, settings, later=("golds",))
    return verifier


def thinking_rule(
    target: ResponseSet, section: VerifySection, shown: Iterable[tuple[str, str]]
) -> ThinkingRule:
    """How thoughts are told from answers in a response set; arguments as `verifier_of`."""
    if section.think_end:
        return ThinkingRule(end=section.think_end)
    prompt = target.prompt()
    if prompt is not None:
        return USUAL.under(prompt)
    earlier = target.verifier_settings(section.verifier)
    if earlier is not None and not earlier.get("think_end"):
        return replace(USUAL, opened=rule_from(earlier["thinking"]).opened)
    texts = (text for text, reasoning in islice(shown, SHOWN_AT_MOST) if not reasoning)
    return replace(USUAL, opened=begins_inside(texts))


def rule_of_verdicts(target: ResponseSet, section: VerifySection) -> ThinkingRule:
    """How the verdicts of a response set told thoughts from answers, or will once it is judged.

    Raises:
        StoreError: A shard can't be read.
    """
    settings = target.verifier_settings(section.verifier)
    if settings is not None:
        return rule_from(settings.get("thinking"))
    shown = chain.from_iterable(
        target.read_responses(shard, SHOWN).iter_rows() for shard in target.shards()
    )
    return thinking_rule(target, section, shown)


def judge_of(
    verifier: str, options: Mapping[str, Any] | None = None, think_end: str | None = None
) -> Callable[[pl.DataFrame, dict[str, Question]], pl.DataFrame]:
    """What judges the responses of a log, in parts; `read.outcomes.Judge`.

    The first part shows whether each response begins inside a thought.

    Args:
        verifier: Its name.
        options: Its options.
        think_end: See `config.VerifySection`.
    """
    made: list[Verifier] = []

    def judge(responses: pl.DataFrame, questions: dict[str, Question]) -> pl.DataFrame:
        if not made:
            if think_end:
                rule = ThinkingRule(end=think_end)
            else:
                rule = replace(USUAL, opened=begins_inside(responses["text"]))
            made.append(make_verifier(verifier, options or {}, rule))
        return verdicts_frame(responses, questions, made[0])

    return judge


def verdicts_frame(
    responses: pl.DataFrame, questions: dict[str, Question], verifier: Verifier
) -> pl.DataFrame:
    """Verdicts of a table of responses; each distinct (question, answer) is judged once.

    Args:
        responses: Columns question_id, response_index, text; where a server gave thoughts apart,
            reasoning; and where there are failed ones, which become unscored without the verifier,
            finish_reason and error.
        questions: The questions by id.
        verifier: Judges the others.

    Returns:
        Columns of `store.VERDICT_SCHEMA`, a row a response, in the order of `responses`.

    Raises:
        InputError: A response is to none of the questions.
    """
    if "finish_reason" in responses.columns:
        failed = (responses["finish_reason"].cast(pl.String) == "failed").fill_null(False).to_list()
        errors = responses["error"].to_list()
    else:
        failed = errors = [False] * len(responses)
    if "reasoning" in responses.columns:
        reasoning = responses["reasoning"].fill_null("").to_list()
    else:
        reasoning = [""] * len(responses)
    rows = list(zip(responses["question_id"], responses["text"], failed, errors, strict=True))
    unknown = {question_id for question_id, *_ in rows} - questions.keys()
    if unknown:
        raise InputError(
            "Responses are to questions that are not in the question set.",
            seen=min(unknown),
            remedy="Verify them with the questions that they were drawn for.",
        )
    judged = iter(
        verifier.judge(
            [(questions[q], text) for q, text, fell, _ in rows if not fell],
            [thought for thought, fell in zip(reasoning, failed, strict=True) if not fell],
        )
    )
    verdicts = [
        Verdict("unscored", reason=str(error or "the engine got no response"))
        if fell
        else next(judged)
        for _, _, fell, error in rows
    ]
    return responses.select("question_id", "response_index").with_columns(
        verdict=pl.Series([v.label for v in verdicts], dtype=pl.String),
        answer=pl.Series([v.answer for v in verdicts], dtype=pl.String),
        reason=pl.Series([v.reason for v in verdicts], dtype=pl.String),
    )
