"""The responses that a page holds: of the questions that moved, a few for each side.

Used by the pages of a comparison and of a study; reads the sources' texts, gives the HTML of each
prompt and of each side once, compressed, so that the script of the page can put any two together.
What does not fit is left out and said; `liftmap view` shows everything.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from liftmap.comparison.rounding import count
from liftmap.read.outcomes import Outcomes
from liftmap.report.question_list import TEXT_CHARACTERS, ListedModel
from liftmap.report.question_view import SideRows, prompt_html, question_view, side_html

# Bytes of compressed responses that a page holds; as text they take a third more.
MOST_BYTES = 10_000_000
# Bytes of texts that are read to choose from.
MOST_READ = 400_000_000
# A gzip header and checksum, which browsers want.
_GZIP = 31


@dataclass(frozen=True)
class Embedded:
    """The responses of a page.

    Attributes:
        data: A JSON object of HTML by key, gzipped, in base64; empty where there is none. The keys:
            `q5` is the prompt and gold answer of the question at place 5 of the list, `s5-0` what
            the model before answered to it, `s5-1` the first model after.
        note: What has to be said of them.
    """

    data: str = ""
    note: str = ""


@dataclass
class _Parts:
    """HTML by key, and what it takes once compressed."""

    html: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    _counter: zlib._Compress = field(default_factory=lambda: zlib.compressobj(6))

    def add(self, key: str, html: str) -> None:
        if key not in self.html:
            self.html[key] = html
            self.bytes += len(self._counter.compress(html.encode()))


def embed(
    listed: Sequence[ListedModel],
    ids: Sequence[str],
    before: tuple[str, Outcomes],
    after: Sequence[tuple[str, Outcomes]],
    most_bytes: int = MOST_BYTES,
) -> Embedded:
    """The responses to the questions that moved, the most telling first.

    Args:
        listed: The questions of each model.
        ids: The questions in the order of the page's list.
        before: The name of the model before, and what was read of it.
        after: The same of each model after, in the order of `listed`.
        most_bytes: What they may take, compressed.
    """
    place_of = {question_id: place for place, question_id in enumerate(ids)}
    order = [
        (question_id, number) for question_id, number in _telling(listed) if question_id in place_of
    ]
    telling = len({question_id for question_id, _ in order})
    if before[1].responses is None and all(each.responses is None for _, each in after):
        return Embedded(note="The sources have no texts, so no response can be shown.")
    sides = [before, *after]
    asked = list(dict.fromkeys(question_id for question_id, _ in order))
    rows = _rows_of(sides, asked)
    golds = _golds(outcomes for _, outcomes in sides)
    parts = _Parts()
    complete: set[str] = set()
    for question_id, number in order:
        here = [rows[0].get(question_id), rows[number + 1].get(question_id)]
        if all(each is None for each in here):
            continue
        if parts.bytes > most_bytes:
            break
        place = place_of[question_id]
        if f"q{place}" not in parts.html:
            prompts = [each["prompt"].drop_nulls() for each in here if each is not None]
            prompt = next((str(texts[0]) for texts in prompts if len(texts)), "")
            view = question_view(question_id, [], prompt, golds.get(question_id))
            parts.add(f"q{place}", prompt_html(view))
        for at, each in zip((0, number + 1), here, strict=True):
            if f"s{place}-{at}" not in parts.html:
                given = SideRows(sides[at][0], _NOTHING if each is None else each)
                (side,) = question_view(question_id, [given]).sides
                named = replace(side, side="after" if at else "before")
                parts.add(f"s{place}-{at}", side_html(named))
        complete.add(question_id)
    note = (
        "The page holds at most 8 responses of each side to the questions that moved, were lost or "
        "gained; liftmap view shows them all."
    )
    if len(complete) < telling:
        note += (
            f" Of {count(telling)} such questions {count(len(complete))} have their responses here."
        )
    return Embedded(_packed(parts.html), note)


_NOTHING = pl.DataFrame(
    schema={
        "right": pl.Boolean(),
        "prompt": pl.String(),
        "text": pl.String(),
        "reasoning": pl.String(),
        "answer": pl.String(),
        "tokens": pl.Int64(),
        "truncated": pl.Boolean(),
    }
)


def _telling(listed: Sequence[ListedModel]) -> list[tuple[str, int]]:
    """Questions and models, what was lost first, then the largest changes, models in turn."""
    ranked = []
    for number, model in enumerate(listed):
        rows = model.table.filter(pl.col("moved") | pl.col("lost") | pl.col("gained"))
        rows = rows.sort(
            [pl.col("lost"), pl.col("change") < 0, pl.col("change").abs()],
            descending=True,
            maintain_order=True,
        )
        ranked += [(rank, number, each) for rank, each in enumerate(rows["question_id"])]
    return [(question_id, number) for _, number, question_id in sorted(ranked)]


def _rows_of(
    sides: Sequence[tuple[str, Outcomes]], ids: Sequence[str]
) -> list[dict[str, pl.DataFrame]]:
    """The responses of each side by question, of as many questions as may be read."""
    frames = [outcomes.responses for _, outcomes in sides]
    asked = pl.Series("question_id", ids, dtype=pl.String)
    size = pl.col("text").str.len_bytes().fill_null(0)
    size += pl.col("reasoning").str.len_bytes().fill_null(0)
    sizes = pl.concat(
        [
            frame.filter(pl.col("question_id").is_in(asked.implode()))
            .group_by("question_id")
            .agg(bytes=size.sum())
            .collect(engine="streaming")
            for frame in frames
            if frame is not None
        ]
    )
    total = sizes.group_by("question_id").agg(pl.col("bytes").sum())
    ordered = pl.DataFrame({"question_id": asked}).join(
        total, on="question_id", how="left", maintain_order="left"
    )
    fits = ordered.filter(pl.col("bytes").fill_null(0).cum_sum() <= MOST_READ)["question_id"]
    return [
        {}
        if frame is None
        else {
            str(key[0]): rows
            for key, rows in frame.filter(pl.col("question_id").is_in(fits.implode()))
            .collect()
            .partition_by("question_id", as_dict=True, maintain_order=True)
            .items()
        }
        for frame in frames
    ]


def first_prompts(outcomes: Outcomes) -> dict[str, str]:
    """The prompt of each question, as the first response has it; empty where there are none."""
    if outcomes.responses is None:
        return {}
    first = (
        outcomes.responses.select("question_id", "prompt")
        .filter(pl.col("prompt").is_not_null())
        .group_by("question_id")
        .agg(pl.col("prompt").first().str.slice(0, 10 * TEXT_CHARACTERS))
        .collect(engine="streaming")
    )
    return dict(first.iter_rows())


def _golds(sides: Iterable[Outcomes]) -> Mapping[str, str]:
    golds: dict[str, str] = {}
    for outcomes in sides:
        if outcomes.golds is not None:
            golds |= dict(outcomes.golds.select("question_id", "gold").iter_rows())
    return golds


def _packed(html: Mapping[str, str]) -> str:
    """A JSON object as gzip in base64."""
    if not html:
        return ""
    packer = zlib.compressobj(9, wbits=_GZIP)
    text = json.dumps(html, ensure_ascii=False).encode()
    return base64.b64encode(packer.compress(text) + packer.flush()).decode()
