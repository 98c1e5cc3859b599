"""The pages of the viewer, rendered on the server: questions, responses, one question, notes.

Takes the sources and an address, gives HTML. Everything that a page shows of a file is escaped by
the templates; nothing is kept between requests but indexes, lists and searches that make the next
page fast.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import polars as pl
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from liftmap import __version__
from liftmap.comparison import rounding
from liftmap.console import shown
from liftmap.errors import InputError, LiftmapError, UnknownNameError
from liftmap.records import Prompt
from liftmap.report.question_view import (
    MOST_CHARACTERS,
    AnswerGroup,
    ResponseView,
    SideRows,
    SideView,
    answer_html,
    completed_rows,
    question_html,
    question_view,
    response_view,
)
from liftmap.report.templates import resource, templates
from liftmap.store.notes import VERDICTS, Note, add_note, read_notes
from liftmap.view.addresses import CHOICE, address, choice_from, question_address
from liftmap.view.guard import Guard
from liftmap.view.question_list import (
    FLAGS,
    MOVED_Q,
    SORTS,
    QuestionFilter,
    QuestionList,
    filter_from,
    page_of,
    question_list,
)
from liftmap.view.response_index import ResponseIndex
from liftmap.view.response_list import (
    PAGE_ROWS,
    response_filter_from,
    response_rows,
)
from liftmap.view.response_list import (
    VERDICTS as VERDICT_WORDS,
)
from liftmap.view.sources import Sources
from liftmap.view.text_search import TextSearches

# Responses of a side that the page of a question shows.
MOST_RESPONSES = 24
# Lists of questions that are held; bytes of a note's form.
MOST_LISTS = 4
NOTE_BYTES = 20_000
# Characters of a question in the list, and of a response around what was searched for.
SNIPPET_CHARACTERS = 180
SIDES = ("before", "after")


@dataclass(frozen=True, eq=False)
class Chosen:
    """What an address chooses.

    Attributes:
        indexes: Before and after, or one alone.
        notes: Their files of notes.
        questions: The list of their questions.
        choice: The parts of the address that choose them.
    """

    indexes: list[ResponseIndex]
    notes: list[Path]
    questions: QuestionList
    choice: dict[str, str]

    @property
    def sides(self) -> dict[str, ResponseIndex]:
        """The indexes by before and after."""
        return dict(zip(SIDES, self.indexes, strict=False))


class Viewer:
    """The pages; `app` is what a server runs."""

    def __init__(self, sources: Sources, token: str, port: int) -> None:
        self.sources = sources
        self.token = token
        self._lists: OrderedDict[tuple[int, ...], tuple[list[ResponseIndex], QuestionList]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()
        self._searches = TextSearches()
        routes = [
            Route("/", self._answering(self.questions)),
            Route("/responses", self._answering(self.responses)),
            Route("/question", self._answering(self.question)),
            Route("/question/{question_id:path}", self._answering(self.question)),
            Route("/notes", self.note, methods=["POST"]),
            Route("/static/{name}", static),
        ]
        self.app = Guard(Starlette(routes=routes), token, port)

    def chosen(self, query: Mapping[str, str]) -> Chosen:
        """The models that an address chooses, and the list of their questions.

        Raises:
            LiftmapError: There is no such model, or its responses can't be read.
        """
        choice = choice_from(query)
        indexes, notes = self.sources.chosen(*(choice.get(name) for name in CHOICE))
        key = tuple(map(id, indexes))
        with self._lock:
            if key not in self._lists:
                # The indexes are held with the list, so that their ids stay theirs.
                self._lists[key] = indexes, question_list(indexes)
                while len(self._lists) > MOST_LISTS:
                    self._lists.popitem(last=False)
            self._lists.move_to_end(key)
            listed = self._lists[key][1]
        return Chosen(indexes, notes, listed, choice)

    def _answering(self, page: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """A page that answers with a message where something can't be shown."""

        def answer(request: Request) -> Response:
            try:
                return page(request)
            except LiftmapError as error:
                status = 400 if isinstance(error, InputError | UnknownNameError) else 500
                return self._page("message.html.j2", {}, status, message=str(error))

        return answer

    def _page(
        self, template: str, choice: Mapping[str, str], status: int = 200, **values: Any
    ) -> HTMLResponse:
        page = templates("view").get_template(template)
        text = page.render(
            **values,
            choice=choice,
            title=self.sources.title,
            version=__version__,
            rounding=rounding,
            address=address,
            question_address=question_address,
            clean=clean,
        )
        # A lone surrogate, as JSON may hold one, is no text that can be sent.
        return HTMLResponse(text.encode("utf-8", "replace"), status)

    def questions(self, request: Request) -> Response:
        """The list of questions."""
        query = dict(request.query_params)
        filter_asked = filter_from(query)
        chosen = self.chosen(query)
        plain = address("/", chosen.choice, filter_asked.to_query())
        if _has_empty(query):
            return RedirectResponse(plain, 303)
        rows, searched = self._question_rows(chosen, filter_asked)
        shown_rows, pages = page_of(rows, filter_asked.page)
        filter_asked = replace(filter_asked, page=min(filter_asked.page, pages))
        return self._page(
            "questions.html.j2",
            chosen.choice,
            **self._about(chosen),
            filter=filter_asked,
            rows=shown_rows,
            number=len(rows),
            total=len(chosen.questions.table),
            flags=chosen.questions.flag_counts(),
            flag_words=FLAGS,
            bins=chosen.questions.bins,
            sorts={
                name: words
                for name, words in SORTS.items()
                if chosen.questions.paired or name not in ("fell", "rose", "moved")
            },
            moved_q=MOVED_Q,
            searched=searched,
            pages=pages,
            links=_neighbours(
                filter_asked.page,
                pages,
                lambda at: address("/", chosen.choice, replace(filter_asked, page=at).to_query()),
            ),
            toggled=lambda flag: address("/", chosen.choice, filter_asked.toggled(flag).to_query()),
        )

    def _question_rows(
        self, chosen: Chosen, asked: QuestionFilter
    ) -> tuple[pl.DataFrame, float | None]:
        """The questions that a filter lets through, and how far a search in texts is."""
        if not asked.search:
            return chosen.questions.rows(asked), None
        holding, share = self._searches.results(chosen.indexes, asked.search)
        ids = pl.concat(
            [
                index.frame.filter(mask)["question_id"].unique()
                for index, mask in zip(chosen.indexes, holding, strict=True)
            ]
        )
        return chosen.questions.rows(asked, ids.unique()), share

    def _about(self, chosen: Chosen) -> dict[str, Any]:
        """What the head of each page says."""
        study = self.sources.study
        split = chosen.indexes[0].split
        return {
            "sides": chosen.sides,
            "splits": list(self.sources.splits),
            "split": split,
            "models": self.sources.models(split) if study is not None else [],
            "notices": list(
                dict.fromkeys(notice for index in chosen.indexes for notice in index.notices)
            ),
            "paired": chosen.questions.paired,
            "notes_files": [str(file) for file in dict.fromkeys(chosen.notes)],
        }

    def responses(self, request: Request) -> Response:
        """The list of responses."""
        query = dict(request.query_params)
        asked = response_filter_from(query)
        chosen = self.chosen(query)
        if asked.side not in chosen.sides:
            asked = replace(asked, side="before")
        if _has_empty(query, "answer") or "form" in query:
            return RedirectResponse(address("/responses", chosen.choice, asked.to_query()), 303)
        index = chosen.sides[asked.side]
        holding, searched = None, None
        if asked.search:
            (holding,), searched = self._searches.results([index], asked.search)
        rows = response_rows(index, asked, holding)
        pages = max(1, -(-len(rows) // PAGE_ROWS))
        asked = replace(asked, page=min(asked.page, pages))
        shown_rows = rows.slice((asked.page - 1) * PAGE_ROWS, PAGE_ROWS)
        texts = completed_rows(index.with_texts(shown_rows)).to_dicts()
        side = SideView(asked.side, index.name, 0, 0, 0, 0, (), 0, 0, True)
        noted = self._noted(chosen)
        return self._page(
            "responses.html.j2",
            chosen.choice,
            **self._about(chosen),
            filter=asked,
            verdicts=VERDICT_WORDS,
            number=len(rows),
            total=len(index.frame),
            rows=[
                {
                    "question_id": row["question_id"],
                    "response": response_view(row, "next", index.rule, MOST_CHARACTERS),
                    "answer": answer_html(row["answer"]),
                    "snippet": snippet(row["text"] or row["reasoning"], asked.search),
                }
                for row in texts
            ],
            side=side,
            beside=lambda question_id: self._beside(chosen, question_id, noted),
            searched=searched,
            pages=pages,
            links=_neighbours(
                asked.page,
                pages,
                lambda at: address("/responses", chosen.choice, replace(asked, page=at).to_query()),
            ),
        )

    def question(self, request: Request) -> Response:
        """One question."""
        query = dict(request.query_params)
        question_id = request.path_params.get("question_id", query.get("id", ""))
        filter_asked = filter_from(query)
        chosen = self.chosen(query)
        row = chosen.questions.table.filter(pl.col("question_id") == question_id)
        if row.is_empty():
            raise UnknownNameError(
                "There is no question of this id here.",
                seen=question_id,
                remedy="Go back to the list of questions.",
            )
        [facts] = row.to_dicts()
        kept = filter_asked.to_query()
        whole = bool(query.get("whole"))
        view = question_view(
            question_id,
            [SideRows(ix.name, ix.of_question(question_id), ix.rule) for ix in chosen.indexes],
            self._prompt(chosen, question_id),
            facts["gold"],
            MOST_RESPONSES,
            None if whole else MOST_CHARACTERS,
        )

        def more(side: SideView, group: AnswerGroup) -> str:
            parts = {"question": question_id, "verdict": group.verdict, "answer": group.answer}
            side_part = {"side": "after"} if side.side == "after" else {}
            return address("/responses", chosen.choice, side_part, parts)

        listed, _ = self._question_rows(chosen, filter_asked)
        ids = listed["question_id"].to_list()
        place = ids.index(question_id) if question_id in ids else None
        neighbours = _neighbours(
            0 if place is None else place + 1,
            0 if place is None else len(ids),
            lambda at: question_address(ids[at - 1], chosen.choice, kept),
        )
        has_more = any(
            response.left_out
            for side in view.sides
            for group in side.groups
            for response in group.responses
        )
        return self._page(
            "question_page.html.j2",
            chosen.choice,
            **self._about(chosen),
            filter=filter_asked,
            question_id=question_id,
            facts=facts,
            content=question_html(
                view, more, self._beside(chosen, question_id, self._noted(chosen), kept)
            ),
            links=neighbours,
            place=place,
            number=len(ids),
            back=address("/", chosen.choice, kept),
            whole_link=question_address(question_id, chosen.choice, kept, {"whole": "1"})
            if has_more
            else "",
            moved_q=MOVED_Q,
        )

    def _prompt(self, chosen: Chosen, question_id: str) -> Prompt:
        prompts = (index.prompt_of(question_id) for index in chosen.indexes)
        return next((prompt for prompt in prompts if prompt), "")

    def _noted(self, chosen: Chosen) -> dict[tuple[str, str, str, int], Note]:
        """The notes that stand, by what they are about."""
        notes = [note for file in dict.fromkeys(chosen.notes) for note in read_notes(file)]
        return {note.response: note for note in notes}

    def _beside(
        self,
        chosen: Chosen,
        question_id: str,
        noted: Mapping[tuple[str, str, str, int], Note],
        kept: Mapping[str, str] | None = None,
    ) -> Callable[[SideView, ResponseView], Markup]:
        """What makes the form for a note beside a response.

        Args:
            chosen: The models.
            question_id: The question.
            noted: The notes that stand.
            kept: The filter of the page of this question; None on a page of several questions.
        """
        template = templates("view").get_template("note.html.j2")

        def beside(side: SideView, response: ResponseView) -> Markup:
            name = side.side or "before"
            index = chosen.sides[name]
            note = noted.get((index.model, index.split, question_id, response.number))
            return Markup(
                template.render(
                    token=self.token,
                    side=name,
                    # No sign of an id is changed by the form.
                    question_id=quote(question_id, safe=""),
                    response=response,
                    note=note,
                    back=address("", chosen.choice, kept or {}).removeprefix("?"),
                    anchored=kept is not None,
                    clean=clean,
                )
            )

        return beside

    async def note(self, request: Request) -> Response:
        """Takes a note and shows its question again."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > NOTE_BYTES:
                return PlainTextResponse("This note is too long.", 413)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("token") != self.token:
            return PlainTextResponse("This form has no token.", 403)
        from starlette.concurrency import run_in_threadpool

        def answer(_: Request) -> Response:
            return self._take(form)

        return await run_in_threadpool(self._answering(answer), request)

    def _take(self, form: Mapping[str, str]) -> Response:
        back = dict(parse_qsl(form.get("back", ""), keep_blank_values=True))
        chosen = self.chosen(back)
        question_id, side = unquote(form.get("question_id", "")), form.get("side", "")
        number = form.get("response_index", "")
        verdict = next((word for word in VERDICTS if word == form.get("verdict")), None)
        index = chosen.sides.get(side)
        if index is None or verdict is None or not (number.isdecimal() and number.isascii()):
            raise InputError("This is not a note.", seen=dict(form), remedy="Use the form.")
        found = index.frame.filter(
            pl.col("question_id") == question_id, pl.col("response_index") == int(number[:18])
        )
        if found.is_empty():
            raise InputError(
                "There is no such response.", seen=[question_id, number], remedy="Use the form."
            )
        add_note(
            chosen.notes[SIDES.index(side)],
            Note(
                question_id=question_id,
                response_index=int(number),
                verdict=verdict,
                answer=found["answer"][0] or "",
                model=index.model,
                split=index.split,
                verifier=index.verifier,
                comment=form.get("comment", "").strip()[:2000],
                taken_back=form.get("taken_back") == "1",
            ),
        )
        place = f"#note-{side}-{number}"
        filter_parts = {k: v for k, v in back.items() if k not in CHOICE}
        return RedirectResponse(
            question_address(question_id, chosen.choice, filter_parts) + place, 303
        )


def clean(text: str | None, most: int | None = None) -> str:
    """A text in one line, with signs for control characters, shortened where that is asked for."""
    one_line = " ".join(shown((text or "")[: None if most is None else 4 * most]).split())
    return one_line if most is None or len(one_line) <= most else f"{one_line[:most]}…"


def snippet(text: str, words: str) -> Markup:
    """The part of a text around what was searched for, or its end, where answers are."""
    text = text.strip()
    at = text.casefold().find(words.casefold()) if words else -1
    if at < 0:
        start = max(0, len(text) - SNIPPET_CHARACTERS)
        return Markup("{}{}").format("… " if start else "", clean(text[start:]))
    start = max(0, at - SNIPPET_CHARACTERS // 2)
    end = at + len(words)
    return Markup("{}{} <mark>{}</mark> {}").format(
        "… " if start else "",
        clean(text[start:at]),
        clean(text[at:end]),
        clean(text[end : end + SNIPPET_CHARACTERS // 2]),
    )


def _has_empty(query: Mapping[str, str], *but: str) -> bool:
    """Whether a form sent fields that say nothing, which a link should not hold."""
    return any(not value and name not in (*but, "after", "id") for name, value in query.items())


def _neighbours(page: int, pages: int, link: Callable[[int], str]) -> dict[str, str]:
    """The addresses of the pages before and after; empty where there is none."""
    around = {"prev": page - 1, "next": page + 1}
    return {name: link(at) if 1 <= at <= pages else "" for name, at in around.items()}


def static(request: Request) -> Response:
    """The style sheets, the script and the icon."""
    name = request.path_params["name"]
    if name == "viewer.css":
        style = resource("viewer.css", "view") + resource("question.css")
        return Response(style, media_type="text/css")
    if name == "viewer.js":
        return Response(resource("viewer.js", "view"), media_type="text/javascript")
    if name == "icon.svg":
        return Response(resource("icon.svg", "view"), media_type="image/svg+xml")
    return PlainTextResponse("There is no such file.", 404)
