"""One question with what models answered: the part that the offline page and the viewer share.

Takes rows of responses (the columns of `read.outcomes.TEXTS`, and some more where they are known),
gives a `QuestionView`, a plain record, and its HTML. A text is shown as it is, every sign of it
escaped: formulas become MathML, the answer that the verifier took is marked, thoughts are folded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

import polars as pl
from markupsafe import Markup

from liftmap.comparison import rounding
from liftmap.console import shown
from liftmap.records import VerdictLabel
from liftmap.report.mathematics import mathml, pieces
from liftmap.report.templates import templates
from liftmap.verify.thinking import USUAL, ThinkingRule, set_apart

# Responses of a side, and answers of its histogram, that are shown at most.
MOST_RESPONSES = 8
MOST_ANSWERS = 12
# Characters of a text that are shown: of a longer one the beginning and the end, where answers are.
MOST_CHARACTERS = 16_000
END_CHARACTERS = 4_000
# Characters of an answer in the histogram and above a group.
ANSWER_CHARACTERS = 120

_BLOCK_BEGINS = ("$$", "\\[")

Role = Literal["first", "shortest", "typical", "next"]
_VERDICTS: tuple[VerdictLabel, ...] = ("right", "wrong", "unscored")
_NUMBER_COLUMNS = ("tokens", "log_probability", "response_index")


@dataclass(frozen=True, slots=True)
class ResponseView:
    """One response as it is shown.

    Attributes:
        number: Its number among the responses to the question: the response_index where the source
            has one, else its place, from 0.
        role: Why it is shown.
        verdict: right, wrong or unscored.
        answer: The answer that the verdict is about; empty where there is none or it is not known.
        reason: Why it is unscored, or why no answer was found; empty where that is not known.
        thought: What the model thought, in HTML; empty without a thought.
        text: What it answered, in HTML.
        unfinished: Whether it ended while thinking.
        truncated: Whether the token limit cut it; None where that is not known.
        tokens: Its length in tokens; None where that is not known.
        characters: Its length in characters, thoughts included.
        log_probability: Natural log of the probability of its tokens; None where it is not known.
        left_out: Characters of it that are not shown.
    """

    number: int
    role: Role
    verdict: VerdictLabel
    answer: str
    reason: str
    thought: Markup
    text: Markup
    unfinished: bool
    truncated: bool | None
    tokens: int | None
    characters: int
    log_probability: float | None
    left_out: int


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """The responses of one side with one answer and one verdict.

    Attributes:
        answer: The answer; empty: none was found.
        label: The answer as it is shown, in HTML.
        verdict: right, wrong or unscored.
        count: Number of responses.
        share: Of all responses of the side, in (0, 1].
        responses: Those that are shown; there may be none.
    """

    answer: str
    label: Markup
    verdict: VerdictLabel
    count: int
    share: float
    responses: tuple[ResponseView, ...]

    @property
    def left_out(self) -> int:
        """Responses that are not shown."""
        return self.count - len(self.responses)


@dataclass(frozen=True, slots=True)
class SideView:
    """What one model answered.

    Attributes:
        side: before or after; empty where there is one side alone.
        name: What the model is called.
        n: Scored responses.
        c: Right responses.
        unscored: Unscored responses.
        truncated: Responses that the token limit cut.
        groups: Its answers, the most frequent first.
        other_answers: Answers that have no group, since there are too many.
        other_responses: Their responses.
        answers_known: Whether the source says what was answered.
    """

    side: str
    name: str
    n: int
    c: int
    unscored: int
    truncated: int
    groups: tuple[AnswerGroup, ...]
    other_answers: int
    other_responses: int
    answers_known: bool


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question, its gold answer, and what one or two models answered.

    Attributes:
        question_id: The question.
        prompt: What was asked, a role and a text in HTML for each message; a prompt that is not a
            conversation has one message without a role. Empty where the source has no prompts.
        gold: The gold answer in HTML; empty where the source has none.
        sides: One or two.
    """

    question_id: str
    prompt: tuple[tuple[str, Markup], ...]
    gold: Markup
    sides: tuple[SideView, ...]


@dataclass(frozen=True, slots=True)
class SideRows:
    """The responses of one side to a question, as `question_view` takes them.

    Attributes:
        name: What the model is called.
        rows: The columns of `read.outcomes.TEXTS`, in the order they were drawn; and where known
            response_index, log_probability and reason.
        rule: How its thoughts are told from answers.
    """

    name: str
    rows: pl.DataFrame
    rule: ThinkingRule = USUAL


def question_view(
    question_id: str,
    sides: Sequence[SideRows],
    prompt: str | Sequence[Mapping[str, str]] = "",
    gold: str | None = None,
    most_responses: int = MOST_RESPONSES,
    most_characters: int | None = MOST_CHARACTERS,
) -> QuestionView:
    """What is shown of a question.

    Args:
        question_id: The question.
        sides: Before and after, or one side alone.
        prompt: What was asked: a text, or a conversation of {"role", "content"}.
        gold: The gold answer, where it is known.
        most_responses: Responses of each side that are shown at most; first one of each answer, the
            frequent answers first, then a second of each, and so on.
        most_characters: Characters of a text that are shown; None shows all.
    """
    messages = [{"role": "", "content": prompt}] if isinstance(prompt, str) else prompt
    names = ("before", "after") if len(sides) > 1 else ("",) * len(sides)
    return QuestionView(
        question_id,
        tuple(
            (shown(str(message["role"])), text_html(str(message["content"])))
            for message in messages
            if message["content"]
        ),
        text_html(_short(gold, 2000)) if gold else Markup(""),
        tuple(
            _side(name, side, most_responses, most_characters)
            for name, side in zip(names, sides, strict=True)
        ),
    )


def question_html(
    view: QuestionView,
    more: Callable[[SideView, AnswerGroup], str] | None = None,
    beside: Callable[[SideView, ResponseView], Markup] | None = None,
    heading: int = 2,
) -> Markup:
    """The HTML of a question, without a page around it; `question.css` is its style.

    Args:
        view: The question.
        more: The address of all responses with an answer; None where there is none to go to.
        beside: What stands beside the figures of a response.
        heading: The level of its headings, one below that of the heading above it.
    """
    template = templates().get_template("question.html.j2")
    return Markup(
        template.render(view=view, more=more, beside=beside, heading=heading, rounding=rounding)
    )


def _side(side: str, given: SideRows, most_responses: int, most_characters: int | None) -> SideView:
    rows = completed_rows(given.rows)
    grouped = rows.group_by("answer", "verdict", maintain_order=True).agg(pl.col("place"))
    ordered = sorted(
        grouped.iter_rows(), key=lambda group: (-len(group[2]), _VERDICTS.index(group[1]))
    )
    # A right answer is always listed: of a question that was lost it is what one looks for.
    right = [group for group in ordered if group[1] == "right"][:1]
    front = ordered[:MOST_ANSWERS]
    if right and right[0] not in front:
        front = [*front[:-1], *right]
    listed, others = front, [group for group in ordered if group not in front]
    records = rows.to_dicts()
    chosen = [_chosen([records[place] for place in places]) for _, _, places in listed]
    first = [at for at, (_, verdict, _) in enumerate(listed) if verdict == "right"]
    room = _rooms([len(roles) for roles in chosen], most_responses, first)
    return SideView(
        side=side,
        name=shown(given.name),
        n=int((rows["verdict"] != "unscored").sum()),
        c=int((rows["verdict"] == "right").sum()),
        unscored=int((rows["verdict"] == "unscored").sum()),
        truncated=int(rows["truncated"].sum() or 0),
        groups=tuple(
            AnswerGroup(
                answer,
                answer_html(answer),
                verdict,
                len(places),
                len(places) / len(rows),
                tuple(
                    response_view(row, role, given.rule, most_characters)
                    for row, role in chosen[at][: room[at]]
                ),
            )
            for at, (answer, verdict, places) in enumerate(listed)
        ),
        other_answers=len(others),
        other_responses=sum(len(places) for _, _, places in others),
        answers_known=bool(given.rows["answer"].is_not_null().any()),
    )


def completed_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of responses with all that `response_view` needs: numbered, no text null.

    Args:
        rows: The columns of `SideRows.rows`.
    """
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    there = rows.columns
    lacking = [pl.lit(None, pl.Float64).alias(c) for c in _NUMBER_COLUMNS if c not in there]
    if "reason" not in there:
        lacking.append(pl.lit("").alias("reason"))
    right = pl.col("right")
    return (
        rows.with_columns(lacking)
        .with_columns(
            place=place,
            number=pl.coalesce(pl.col("response_index").cast(pl.Int64), place),
            verdict=pl.when(right.is_null())
            .then(pl.lit("unscored"))
            .otherwise(pl.when(right).then(pl.lit("right")).otherwise(pl.lit("wrong"))),
        )
        .with_columns(pl.col("answer", "reason", "text", "reasoning").fill_null(""))
    )


def _chosen(records: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Role]]:
    """The responses of a group in the order of interest: first, shortest, typical, the others."""
    by_length = sorted(records, key=_length)
    picks: list[tuple[dict[str, Any], Role]] = [
        (records[0], "first"),
        (by_length[0], "shortest"),
        (by_length[(len(by_length) - 1) // 2], "typical"),
        *((record, "next") for record in records),
    ]
    seen: dict[int, tuple[dict[str, Any], Role]] = {}
    for record, role in picks:
        seen.setdefault(record["place"], (record, role))
    return list(seen.values())


def _length(record: Mapping[str, Any]) -> tuple[float, int]:
    characters = len(record["text"]) + len(record["reasoning"])
    return (characters if record["tokens"] is None else record["tokens"], characters)


def _rooms(sizes: Sequence[int], room: int, first: Sequence[int] = ()) -> list[int]:
    """How many of each group are shown: one of each in turn, some first, until there is no room."""
    rooms = [0] * len(sizes)
    order = [*first, *(at for at in range(len(sizes)) if at not in first)]
    while room > 0 and any(taken < size for taken, size in zip(rooms, sizes, strict=True)):
        for at in order:
            if room > 0 and rooms[at] < sizes[at]:
                rooms[at] += 1
                room -= 1
    return rooms


def prompt_html(view: QuestionView) -> Markup:
    """The prompt and the gold answer of a question, without its responses."""
    template = templates().get_template("question.html.j2")
    return Markup(
        template.render(
            view=replace(view, sides=()), more=None, beside=None, heading=3, rounding=rounding
        )
    )


def side_html(side: SideView) -> Markup:
    """What one model answered, without the question: for pages that put sides together."""
    macros = templates().get_template("question_macros.html.j2")
    module = macros.make_module({"heading": 3, "rounding": rounding})
    return Markup(module.one_side(side, None, None))  # type: ignore[attr-defined]


def response_view(
    row: Mapping[str, Any], role: Role, rule: ThinkingRule, most_characters: int | None
) -> ResponseView:
    """What is shown of one response.

    Args:
        row: A row of `completed_rows`.
        role: Why it is shown.
        rule: How its thought is told from its answer.
        most_characters: Characters of a text that are shown; None shows all.
    """
    parts = set_apart(row["text"], rule, row["reasoning"])
    # The wrappers of a chat's channels are no part of either.
    thought, of_thought = _bounded(parts.thought, most_characters)
    text, of_text = _bounded(parts.answer, most_characters)
    likely = row["log_probability"]
    return ResponseView(
        number=row["number"],
        role=role,
        verdict=row["verdict"],
        answer=row["answer"],
        reason=shown(_short(row["reason"], 300)),
        thought=text_html(thought.strip()),
        text=text_html(text.strip("\n"), row["answer"]),
        unfinished=parts.state == "unfinished",
        truncated=row["truncated"],
        tokens=None if row["tokens"] is None else int(row["tokens"]),
        characters=len(row["text"]) + len(row["reasoning"]),
        log_probability=None if likely is None or not math.isfinite(likely) else float(likely),
        left_out=of_thought + of_text,
    )


def _bounded(text: str, most: int | None) -> tuple[str, int]:
    """A text, or its beginning and end, and how many characters are left out."""
    if most is None or len(text) <= most:
        return text, 0
    end = min(END_CHARACTERS, most // 2)
    left_out = len(text) - most
    mark = f"\n\n[… {left_out:,} characters are not shown …]\n\n"
    return text[: most - end] + mark + text[-end:], left_out


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def answer_html(answer: str) -> Markup:
    """An answer as it stands in a list: a formula as MathML where it is one, else short text."""
    if not answer:
        return Markup("<i>no answer</i>")
    clean = _clean(answer)
    if "\\" in clean and "$" not in clean and len(clean) <= ANSWER_CHARACTERS:
        formula = mathml(clean)
        if formula is not None:
            return formula
    return text_html(_short(" ".join(answer.split()), ANSWER_CHARACTERS))


def text_html(text: str, answer: str = "") -> Markup:
    """A text as HTML: escaped, formulas as MathML, the last place of the answer marked.

    Args:
        text: As a model or a file has it.
        answer: The answer that was taken from it; empty, or not in it as it stands: nothing is
            marked.
    """
    text = _clean(text)
    begin, end = _place_of(_clean(answer), text)
    return Markup("".join(_parts(text, begin, end)))


def _parts(text: str, begin: int, end: int) -> Iterator[str]:
    after_block = False
    for piece in pieces(text):
        formula = None if piece.formula is None else mathml(piece.formula, piece.block)
        marked = max(begin, piece.start), min(end, piece.end)
        if formula is not None:
            # Within a formula no part of it can be marked.
            yield f"<mark>{formula}</mark>" if marked[0] < marked[1] else formula
            after_block = piece.block
            continue
        start, stop = piece.start, piece.end
        # A formula on lines of its own breaks the lines around it itself.
        start += after_block and text.startswith("\n", start)
        stop -= stop > start and text[stop - 1] == "\n" and text.startswith(_BLOCK_BEGINS, stop)
        after_block = False
        if marked[0] < marked[1]:
            yield escape(text[start : marked[0]])
            yield f"<mark>{escape(text[slice(*marked)])}</mark>"
            yield escape(text[marked[1] : stop])
        else:
            yield escape(text[start:stop])


def _place_of(answer: str, text: str) -> tuple[int, int]:
    """Where the answer stands last in a text, as a word of its own; (0, 0) if it does not."""
    answer = answer.strip()
    if not answer or len(answer) > MOST_CHARACTERS:
        return 0, 0
    before = r"(?<!\w)" if re.match(r"\w", answer) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", answer) else ""
    places = [match.span() for match in re.finditer(before + re.escape(answer) + after, text)]
    return places[-1] if places else (0, 0)


def _clean(text: str) -> str:
    """A text with signs for control characters and for what turns the direction of writing."""
    return shown(text.replace("\r\n", "\n"))
