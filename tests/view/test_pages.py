"""The viewer's pages from a real server: what they show, and who may ask."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import quote, urlencode

import polars as pl
import pytest

from liftmap.errors import ConfigError, InputError, StoreError
from liftmap.store import StudyFolder, notes_file, read_notes
from liftmap.view.sources import open_sources

from .conftest import BY_DEFAULT, TOKEN, Served, serving
from .payloads import PAYLOADS
from .test_question_view import ELEMENTS, MATHML, Tags

PAGE_ELEMENTS = set(
    re.findall(
        r"\w+",
        "html head meta title link script body header nav form label select option button main h1 "
        "h2 input fieldset legend thead footer code dialog dl dt kbd dd",
    )
)


def number(text: str) -> str:
    result = re.search(r'id="number">([^<]*)', text)
    assert result
    return result[1]


def test_the_list_the_filter_and_the_question(served: Served) -> None:
    page = served.get("/")
    assert page.status == 200
    assert number(page.text) == "12 of 12 questions"
    lost = served.get("/?lost=1").text
    assert number(lost).startswith("1 of 12 questions")
    [link] = re.findall(r'class="row-link" href="([^"]*)"', lost)
    question = served.get(html.unescape(link)).text
    for part in ("What is <math", "Gold answer", "so <math", "<mark>", "1 of 1", "q .231"):
        assert part in question, part


def test_responses_can_be_searched_and_filtered(served: Served) -> None:
    assert number(served.get("/responses").text) == "96 of 96 responses"
    assert number(served.get("/responses?search=needle+in&side=after").text)[:4] == "1 of"
    page = served.get("/responses?verdict=unscored").text
    assert "the server was away" in page
    assert number(served.get("/?search=NEEDLE").text) == "1 of 12 questions"
    assert number(served.get("/?search=nowhere").text) == "0 of 12 questions"


def test_a_form_leads_to_the_shortest_address(served: Served) -> None:
    page = served.get("/?search=&bin=0&before_min=&before_max=&sort=")
    assert (page.status, page.headers["location"]) == (303, "/?bin=0")
    page = served.get("/responses?form=1&answer=&verdict=wrong&search=")
    assert page.headers["location"] == "/responses?verdict=wrong"


def test_what_is_not_there_is_said(served: Served) -> None:
    for path in ("/question/none", "/?after=nobody", "/?sort=size", "/responses?side=left"):
        page = served.get(path)
        assert page.status == 400, path
        assert "can't be shown" in html.unescape(page.text), path
    assert served.get("/nowhere").status == 404
    assert served.get("/static/..%2fapp.py").status == 404


def test_only_who_has_the_token_gets_in(served: Served) -> None:
    nothing = {"Cookie": "", "Host": f"127.0.0.1:{served.port}"}
    for path in ("/", "/question/gained", "/static/viewer.css", "/?token=other", "/?token="):
        refused = served.ask("GET", path, headers=nothing)
        assert refused.status == 403, path
        assert "gained" not in refused.text
    entry = served.ask("GET", f"/?token={TOKEN}&lost=1", headers=nothing)
    assert (entry.status, entry.headers["location"]) == (303, "/?lost=1")
    assert "HttpOnly" in entry.headers["set-cookie"]
    assert "SameSite=strict" in entry.headers["set-cookie"]
    away = served.ask("GET", f"//evil.invalid/?token={TOKEN}", headers=nothing)
    assert away.headers["location"] == "/evil.invalid/"


@pytest.mark.parametrize("host", ["evil.invalid", "evil.invalid:{}", "127.0.0.1", "[::1]:{}", ""])
def test_another_hosts_name_gets_nothing(served: Served, host: str) -> None:
    page = served.ask("GET", "/", headers={"Host": host.format(served.port)})
    assert page.status in (400, 421)
    assert "gained" not in page.text
    assert served.ask("GET", "/", headers={"Host": f"localhost:{served.port}"}).status == 200


def test_every_answer_forbids_what_is_not_the_viewers(served: Served) -> None:
    for path in ("/", "/question/gained", "/static/viewer.js", "/nowhere", "/?sort=size"):
        headers = served.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def note(**more: str) -> str:
    fields = {"token": TOKEN, "question_id": "gained", "side": "after", "response_index": "6"}
    return urlencode({**fields, "verdict": "wrong", "comment": "it is 1", "back": "", **more})


def test_notes_are_kept_shown_and_taken_back(served: Served, study: StudyFolder) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": served.address}
    taken = served.ask("POST", "/notes", note(back="gained=1"), form)
    assert taken.status == 303
    assert taken.headers["location"] == "/question/gained?gained=1#note-after-6"
    file = notes_file(study.path)
    try:
        [kept] = read_notes(file)
        assert (kept.model, kept.split, kept.question_id, kept.response_index) == (
            "tuned", "test", "gained", 6,
        )  # fmt: skip
        assert (kept.verdict, kept.answer, kept.verifier) == ("wrong", "-7", "numeric")
        assert "noted: wrong is wrong (it is 1)" in served.get("/question/gained").text
        served.ask("POST", "/notes", note(taken_back="1"), form)
        assert read_notes(file) == []
        assert len(file.read_text().splitlines()) == 2
    finally:
        file.unlink()


def test_nothing_else_writes_a_note(served: Served, study: StudyFolder) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    own = {**form, "Origin": served.address}
    refused = [
        served.ask("POST", "/notes", note(), form),
        served.ask("POST", "/notes", note(), {**form, "Origin": "null"}),
        served.ask("POST", "/notes", note(), {**form, "Origin": "http://evil.invalid"}),
        served.ask("POST", "/notes", note(token="other"), own),
        served.ask("POST", "/notes", note(), {**own, "Cookie": ""}),
        served.ask("POST", f"/notes?token={TOKEN}", note(), {**own, "Cookie": ""}),
        served.ask("POST", "/notes", note(question_id="none"), own),
        served.ask("POST", "/notes", note(response_index="99"), own),
        served.ask("POST", "/notes", note(verdict="perfect"), own),
        served.ask("POST", "/notes", note(side="beside"), own),
        served.ask("POST", "/notes", note(comment="x" * 30_000), own),
        served.ask("POST", "/", note(), own),
        served.ask("PUT", "/notes", note(), own),
        served.ask("GET", "/notes?question_id=gained", None, own),
    ]
    assert {page.status for page in refused} <= {400, 403, 405, 413}
    assert not notes_file(study.path).exists()


def test_hostile_texts_are_texts_on_every_page(served_hostile: Served) -> None:
    paths = ["/", "/?sort=fell", "/responses", "/responses?page=2", "/responses?verdict=unscored"]
    paths += [f"/question/{quote(f'{at} {p}'[:300], safe='')}" for at, p in enumerate(PAYLOADS)]
    paths += [f"/?search={quote(p)}&{urlencode({'bin': p, 'sort': p})}" for p in PAYLOADS[:6]]
    paths += [f"/responses?{urlencode({'answer': p, 'question': p})}" for p in PAYLOADS[:6]]
    for path in paths:
        page = served_hostile.get(path)
        assert page.status in (200, 400), path
        tags = Tags(page.text)
        assert tags.elements <= ELEMENTS | MATHML | PAGE_ELEMENTS, path
        assert not [name for name in tags.attributes if name.startswith("on")], path
        assert "style" not in tags.attributes
        assert all(link.startswith(("/", "#")) for link in tags.links), path
        assert page.text.count("<script") == 1, path
        # A field for a filter holds what was asked for, as it was.
        beside_fields = re.sub(r"<input [^>]*>", "", page.text)
        assert "\x00" not in beside_fields
        assert "\u202e" not in beside_fields


def test_two_logs_are_before_and_after(tmp_path: Path) -> None:
    for name, right in (("base", [0, 0, 1]), ("tuned", [1, 1, 0])):
        rows = [
            {"question_id": f"q{q}", "correct": r, "text": f"{name} says {q}", "prompt": f"ask {q}"}
            for q in range(3)
            for r in right
        ]
        pl.DataFrame(rows).write_parquet(tmp_path / f"{name}.parquet")
    copies = tmp_path / "copies"
    copies.mkdir()
    files = [tmp_path / "base.parquet", tmp_path / "tuned.parquet"]
    with serving(*files, copies=copies) as server:
        page = server.get("/").text
        assert number(page) == "3 of 3 questions"
        assert page.count("1/3") == 3
        assert page.count("2/3") == 3
        question = server.get("/question/q1").text
        for part in ("ask 1", "base says 1", "tuned says 1"):
            assert part in question
        form = {"Origin": server.address}
        server.ask(
            "POST", "/notes", note(question_id="q1", response_index="2", verdict="wrong"), form
        )
        [line] = (tmp_path / "tuned.parquet.notes.jsonl").read_text().splitlines()
        assert json.loads(line)["question_id"] == "q1"


def test_what_can_not_be_viewed_is_said(tmp_path: Path, study: StudyFolder) -> None:
    (tmp_path / "counts.csv").write_text("question_id,n,c\nq1,4,2\nq2,4,1\n")
    with pytest.raises(InputError, match="holds no texts"):
        open_sources([str(tmp_path / "counts.csv")], BY_DEFAULT, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        open_sources([str(tmp_path / "nothing")], BY_DEFAULT, tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        open_sources([str(tmp_path / "empty")], BY_DEFAULT, tmp_path)
    with pytest.raises(InputError, match=r"no verdicts of math"):
        open_sources([f"{study.path}:base"], {**BY_DEFAULT, "verifier": "math"}, tmp_path)


def test_a_damaged_shard_is_named(tmp_path: Path, study: StudyFolder) -> None:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(study.path, folder)
    shard = next((folder / "responses" / "base" / "test").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:400])
    with pytest.raises(StoreError, match="damaged"):
        open_sources([str(folder)], BY_DEFAULT).chosen(None, None, None)


def test_a_taken_port_is_said(served: Served, study: StudyFolder) -> None:
    import liftmap

    with pytest.raises(ConfigError, match=f"Port {served.port} can't be used"):
        liftmap.view_responses(str(study.path), port=served.port, browser=False)
