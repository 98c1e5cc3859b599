"""What a server gave: copies, failures and oddities among all responses of a set, counted.

Called by `sampling` once all responses of the server engine are there; reads the response shards,
writes `account.json` beside them. `read.study` puts it into words.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from liftmap.store import ResponseSet

# Messages that are told apart; a server can make up one for each response.
MOST_MESSAGES = 1000
COLUMNS = ["question_id", "text", "reasoning", "finish_reason", "error"]


def account_of(target: ResponseSet) -> dict[str, Any]:
    """Counts what a server gave.

    Args:
        target: A response set; all responses to a question lie in one shard.

    Returns:
        - responses: All responses, failed ones too.
        - errors: By the text of `Response.error`, how many responses have it; after the first 1,000
          texts under "other messages".
        - copies: Responses with the text and reasoning of an earlier one to the same question;
          failed ones don't count.
        - several: Questions with two or more responses that did not fail.
        - one_text: Those of them to which all responses are the same.
    """
    responses = copies = several = one_text = 0
    errors: dict[str, int] = {}
    for shard in target.shards():
        frame = target.read_responses(shard, COLUMNS)
        responses += len(frame)
        noted = frame.filter(pl.col("error") != "").group_by("error", maintain_order=True).len()
        for error, count in noted.iter_rows():
            if error not in errors and len(errors) >= MOST_MESSAGES:
                error = "other messages"
            errors[error] = errors.get(error, 0) + count
        given = frame.filter(pl.col("finish_reason").cast(pl.String) != "failed")
        texts = given.group_by("question_id").agg(
            n=pl.len(), distinct=pl.struct("text", "reasoning").n_unique()
        )
        copies += int((texts["n"] - texts["distinct"]).sum())
        several += int((texts["n"] > 1).sum())
        one_text += int(((texts["n"] > 1) & (texts["distinct"] == 1)).sum())
    return {
        "responses": responses,
        "errors": errors,
        "copies": copies,
        "several": several,
        "one_text": one_text,
    }
