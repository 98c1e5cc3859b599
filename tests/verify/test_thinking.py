"""Thoughts are set apart once, before every verifier: what counts as thought, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftmap.records import ENDED_WHILE_THINKING, Question, Verdict
from liftmap.verify import Verifier, make_verifier
from liftmap.verify.thinking import (
    USUAL,
    USUAL_TAGS,
    ThinkingRule,
    answer_start,
    begins_inside,
    opened_by,
    rule_from,
    set_apart,
    tags_of,
)

OPENED = ThinkingRule(opened=True)
QUESTION = Question("q", "?", "7")
GPT_OSS = "<|channel|>analysis<|message|>5?<|end|><|start|>assistant"


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        # Every usual pair, in any case.
        *[(f"{a}5?{b}\n7", "5?", "\n7") for a, b in USUAL_TAGS],
        *[(f"{a.upper()}5?{b.upper()}7", "5?", "7") for a, b in USUAL_TAGS],
        # The prompt opened the thought.
        ("5? no.\n</think>\n\n7", "5? no.", "\n\n7"),
        ("so 5[/THINK]7", "so 5", "7"),
        # Several thoughts, also in the middle of an answer.
        ("<think>5?</think>Yes, <think>6?</think>it is 7.", "5?\n\n6?", "Yes, \n\nit is 7."),
        ("<think></think><think>5?</think>7", "5?", "7"),
        # One in another, and one opened twice.
        ("<think>5 <think>6</think> 4</think>7", "5 <think>6</think> 4", "7"),
        ("<think>\n<think>\n5?</think>7", "5?", "7"),
        ("<think>a <reasoning>5</reasoning> b</think>7", "a <reasoning>5</reasoning> b", "7"),
        # The thought talks about its tags.
        ("<think>I have to use <think> tags. 5?</think>7", "I have to use <think> tags. 5?", "7"),
        ("<think>I close with `</think>`. 5?</think>7", "I close with `</think>`. 5?", "7"),
        ('<think>s.split("</think>") gives 5</think>7', 's.split("</think>") gives 5', "7"),
        ('<think>re.sub("<think>.*</think>", s)</think>7', 're.sub("<think>.*</think>", s)', "7"),
        ("<think>the </think> tag comes last</think>7", "the </think> tag comes last", "7"),
        # A thought that leaves code open does not swallow its end.
        ("<think>```py\nx = 5</think>\n```py\nx = 7\n```", "```py\nx = 5", "\n```py\nx = 7\n```"),
        ("```py\nx = 5\n</think>\n```py\nx = 7\n```", "```py\nx = 5", "\n```py\nx = 7\n```"),
        # It went on after a closing tag; and a closing tag too many.
        ("<think>5?</think> or 6? </think>7", "5?\n\nor 6?", "7"),
        ("<think>5?</think>It is 7.</think>", "5?", "It is 7."),
        # The answer mentions a tag.
        ("<think>5?</think>Within <think> tags I tried 5. It is 7", "5?",
         "Within <think> tags I tried 5. It is 7"),
        # Marks of the answer go as well.
        ("<|begin_of_thought|>5<|end_of_thought|><|begin_of_solution|>7<|end_of_solution|>", "5",
         "7"),
        # Channels.
        (GPT_OSS + "<|channel|>final<|message|>7", "5?", "7"),
        (GPT_OSS + "<|channel|>final <|constrain|>json<|message|>7<|return|>", "5?", "7"),
        (GPT_OSS + "<|channel|>commentary<|message|>6?<|end|><|start|>assistant<|channel|>final"
         "<|message|>7", "5?\n\n6?", "7"),
        ("5?<|end|><|start|>assistant<|channel|>final<|message|>7", "5?", "7"),
        ("analysisWe try 5.assistantfinal7", "We try 5.", "7"),
    ],
)  # fmt: skip
def test_a_finished_thought(text: str, thought: str, answer: str) -> None:
    parts = set_apart(text)
    assert (parts.thought, parts.answer, parts.state) == (thought, answer, "finished")
    # The last thought stands before that place, the end of the answer after it.
    before, after = text[: parts.answer_start], text[parts.answer_start :]
    assert thought.rpartition("\n\n")[2] in before
    assert answer.rpartition("\n\n")[2] in after


@pytest.mark.parametrize(
    ("text", "rule", "after"),
    [
        ("It is 7.", USUAL, "It is 7."),
        ("Use the <think> tag. 7", USUAL, "Use the <think> tag. 7"),
        ("<think>5?</think>\n7", USUAL, "\n7"),
        ("5?</think>7", OPENED, "7"),
        ("Yes, <think>6?</think>it is 7.", USUAL, "it is 7."),
        ("<think>5?</think>7</think>", USUAL, "7</think>"),
        ("<think>5?</think> or 6?</think>7", USUAL, "7"),
        ("5 so 6 so 7", ThinkingRule(end="so"), " 6 so 7"),
        (GPT_OSS + "<|channel|>final<|message|>7", USUAL, "7"),
        ("analysisWe try 5.assistantfinal7", USUAL, "7"),
        ("<think>5?</think>", USUAL, ""),
        ("<think>5?", USUAL, ""),
        (GPT_OSS, USUAL, ""),
        ("5 or 6", ThinkingRule(end="so"), ""),
    ],
)
def test_where_the_answer_starts(text: str, rule: ThinkingRule, after: str) -> None:
    assert text[set_apart(text, rule).answer_start :] == after
    assert answer_start(rule, text) == len(text) - len(after)
    assert answer_start(rule, text, "thoughts that a server gave apart") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The answer is 7.",
        "I think> 7",
        "The <think> tag is not needed. Answer: 7",
        "Put it between <think> and </think>. The answer is 7.",
        "Put it in <THINK>, then answer. 7",
        "It ends with `</think>`: 7",
        'The strings "<think>" and "</think>" have 7 letters in common.',
        "```python\nopen = '<think>'\nclose = '</think>'\n```",
        "```\n<think>\nplan\n</think>\n```\nis the format; 7.",
        'text = re.sub(r"<think>.*?</think>", "", text)  # 7',
        "The (</think>) mark comes at the end. 7",
        "analysis of variance gives assistantfinal 7",
        "The token <|channel|> separates them: 7",
    ],
)
def test_no_thought_leaves_the_text_as_it_is(text: str) -> None:
    parts = set_apart(text)
    assert (parts.thought, parts.answer, parts.state) == ("", text, "none")


@pytest.mark.parametrize(
    "text",
    [
        *[f"{opening}It may be \\boxed{{7}}, but" for opening, _ in USUAL_TAGS],
        "<think>",
        "\n\n<think>\nThe answer is 7.",
        "Let me see.\n<think>It is 7.",
        "\\boxed{7} <think>wait",
        "<think>5?</think>\\boxed{7}<think>or 6?",
        "<think>a <think>b</think> \\boxed{7}",
        "<think>I will write `</think>` and then 7",
        "<think>a</thinking> 7",
        "<|channel|>analysis<|message|>It is 7.",
        "<|channel|>analysis",
        "<|channel|>analysis<|message|>5?<|end|><|start|>assistant<|channel|>commentary<|message|>7",
        "analysisThe user wants 7",
    ],
)
def test_an_unfinished_thought_has_no_answer(text: str) -> None:
    parts = set_apart(text)
    assert (parts.answer, parts.state) == ("", "unfinished")
    verdict = make_verifier("numeric", {})(QUESTION, text)
    assert verdict == Verdict("wrong", "", ENDED_WHILE_THINKING)


@pytest.mark.parametrize(
    ("text", "answer", "state"),
    [
        ("5?</think>7", "7", "finished"),
        ("<think>5?</think>7", "7", "finished"),
        ("\n<think>\n5?</think>7", "7", "finished"),
        ("It may be \\boxed{7}, but", "", "unfinished"),
        ("", "", "unfinished"),
        ("I use the </think> tag, then 7", "", "unfinished"),
        ("5?</thinking>7", "7", "finished"),
    ],
)
def test_a_prompt_that_opens_the_thought(text: str, answer: str, state: str) -> None:
    parts = set_apart(text, OPENED)
    assert (parts.answer, parts.state) == (answer, state)


@pytest.mark.parametrize(
    ("text", "answer", "state"),
    [
        ("5? Here is my response: 7", " 7", "finished"),
        ("5? Here is my response: 7. Here is my response: 8", " 7. Here is my response: 8",
         "finished"),
        ("The answer is 7", "", "unfinished"),
        ("<think>5?</think>7", "", "unfinished"),
    ],
)  # fmt: skip
def test_a_text_of_ones_own_ends_the_thought(text: str, answer: str, state: str) -> None:
    parts = set_apart(text, ThinkingRule(end="Here is my response:"))
    assert (parts.answer, parts.state) == (answer, state)


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "state"),
    [
        ("It is 7.", "5?", "It is 7.", "finished"),
        ("", "5? 7", "", "unfinished"),
        (" \n", "7", "", "unfinished"),
        ("6?</think>7", "5?", "7", "finished"),
        ("<think>7", "5?", "", "unfinished"),
        ("7", " ", "7", "none"),
    ],
)
def test_what_a_server_gives_as_reasoning_is_thought(
    text: str, reasoning: str, answer: str, state: str
) -> None:
    for rule in (USUAL, OPENED) if state != "none" else (USUAL,):
        parts = set_apart(text, rule, reasoning)
        assert (parts.answer, parts.state) == (answer, state)


@given(st.lists(st.sampled_from(["<think>", "</think>", "`", "```\n", '"', "\n", "the ", "7 "])))
def test_setting_apart_never_fails_and_never_invents(pieces: list[str]) -> None:
    text = "".join(pieces)
    for rule in (USUAL, OPENED):
        parts = set_apart(text, rule)
        assert (parts.state == "none") <= (parts.answer == text)
        assert (parts.state == "unfinished") <= (parts.answer == "")
        assert parts.answer.count("7") + parts.thought.count("7") == text.count("7")


def test_every_verifier_gets_the_answer_alone() -> None:
    asked: list[str] = []

    def plug_in(question: Question, text: str) -> Verdict:
        asked.append(text)
        return Verdict("right", text)

    verdicts = Verifier(plug_in).judge(
        [(QUESTION, "<think>5</think>7"), (QUESTION, "<think>5"), (QUESTION, "8")]
    )
    assert asked == ["7", "8"]
    assert [v.label for v in verdicts] == ["right", "wrong", "right"]
    assert verdicts[1].reason == ENDED_WHILE_THINKING


def test_tags_and_openings_are_read_from_a_template() -> None:
    marks = ["<|im_start|>", "<mind:think>", "</mind:think>", "[/Reason]", "<|thought_end|>",
             "<|thought_start|>", "<tool_call>", "<|reasoning_effort|>"]  # fmt: skip
    assert set(tags_of(marks)) == {
        ("<mind:think>", "</mind:think>"),
        ("[Reason]", "[/Reason]"),
        ("<|thought_start|>", "<|thought_end|>"),
    }
    assert opened_by("<|im_start|>assistant\n<think>\n")
    assert opened_by("<|start|>assistant<|channel|>analysis<|message|>")
    assert not opened_by("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert not opened_by("Write <think> first.\nassistant:")
    rule = USUAL.under({"end": "assistant\n<mind:think>", "marks": dict.fromkeys(marks)})
    assert set_apart("5</mind:think>7", rule).answer == "7"
    assert set_apart("5, or 7", rule).state == "unfinished"
    assert rule_from(rule.to_plain()) == rule
    assert set_apart("<think>5", rule_from(None)).state == "none"


def test_responses_show_whether_each_begins_inside_a_thought() -> None:
    assert begins_inside(["5?</think>7", "It may be \\boxed{5}", ""])
    assert not begins_inside(["<think>5?</think>7", "5?</think>7", "It is 7"])
    assert not begins_inside(["It is 7"] * 40)
    assert not begins_inside(["The </think> tag", "It is 7"])
    # One in a hundred may be a slip.
    assert not begins_inside(["5?</think>7"] + ["It is 7"] * 99)
