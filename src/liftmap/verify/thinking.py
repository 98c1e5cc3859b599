r"""Thinking set apart from answering: only what a response says after its thoughts is judged.

Used by `judging` before every verifier and every reward, and by the analyses that tell thought and
answer apart. Pure functions of texts; reads and writes nothing.

    <think>Is it 5? No.</think>It is 7.           thought "Is it 5? No.", answer "It is 7."
    Is it 5? No.</think>It is 7.                  the same: the prompt had opened the thought
    <think>It may be \boxed{5}, but               unfinished: there is no answer
    The <think> tag is for thoughts. Answer: B    no thought: the tag is only mentioned
"""

# ruff: noqa: RUF001 (quotation marks of all kinds are what this is about)
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

_Finder = tuple[dict[str, tuple[int, bool]], re.Pattern[str], dict[str, tuple[str, ...]]]
State = Literal["none", "finished", "unfinished"]

# Opening and closing tags of models and prompts that are in use; read in upper and lower case.
USUAL_TAGS: tuple[tuple[str, str], ...] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("◁think▷", "◁/think▷"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>", "<unused95>"),
    ("<scratchpad>", "</scratchpad>"),
)
# What stands around the answer where such models mark it too.
_WRAPPERS = re.compile(
    r"<\|(?:(?:begin|end)_of_solution|(?:START|END)_RESPONSE|return|end)\|>", re.IGNORECASE
)
# The channels of gpt-oss (its "harmony" format): each message has one, and final is the answer.
_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<channel>analysis|commentary|final)\b[^<]*(?:<\|constrain\|>[^<]*)?"
    r"(?:<\|message\|>|\Z)"
)
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
# The same where a server left the special tokens out: "analysisWe need ...assistantfinalIt is 7."
_BARE_ANALYSIS = re.compile(r"\Aanalysis(?=[A-Z\"'(\\$*\d])")
_BARE_CHANNEL = re.compile(r"assistant(analysis|commentary|final)")

_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "`": "`"}
_INLINE_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)[^\n]*?(?<!`)\1(?!`)")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
# A tag that is talked about: "the <think> tag", "between <think> and </think>", "after </think> I".
_TALKED_ABOUT = re.compile(
    r"(?:\b(?:the|an?|my|your|its|their|this|that|each|every|with|without|in|inside|within|between"
    r"|us(?:e|es|ed|ing)|of|no|by|from|to|called|named|like|as|writ(?:e|es|ing)|put|opening|closing"
    r"|tags?|tokens?|emit|output|via|after|before|and|or)[ \t]|[(/,][ \t]?)\Z",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[ \t]+[^\s<]|[.,;:)!?/]")
_A_TAG = re.compile(r"[ \t]+(?:tags?|blocks?|tokens?|elements?|markers?|delimiters?)\b")
_WORD = re.compile(r"think|thought|reason", re.IGNORECASE)


class Parts(NamedTuple):
    """A response in two parts.

    Attributes:
        thought: What is thought, without the tags; several thoughts with a blank line between them.
            If the response ends while thinking, all its text.
        answer: All that is not thought; the whole text, unchanged, if there is no thought. Empty if
            the response ends while thinking.
        state: "none": there is no thought; "finished": the last one was closed; "unfinished": the
            response ends while thinking, so it has no answer.
        answer_start: Place in the text, in characters, of what follows the last thought; 0 without
            a thought, and the length of the text if the response ends while thinking. An answer
            that a thought interrupts begins before it.
    """

    thought: str
    answer: str
    state: State
    answer_start: int = 0


@dataclass(frozen=True)
class ThinkingRule:
    """How thoughts are told from the answer; verdicts depend on it.

    Attributes:
        tags: Opening and closing tags.
        opened: Whether each response begins inside a thought, since the prompt opens it.
        end: A text that ends the thought, set by the user; it replaces the tags, and a response
            without it ends while thinking. Empty: none.
    """

    tags: tuple[tuple[str, str], ...] = USUAL_TAGS
    opened: bool = False
    end: str = ""

    @cached_property
    def finder(self) -> _Finder:
        """What finds the tags in a text in lower case."""
        return _finder(self.tags)

    def under(self, prompt: Mapping[str, Any]) -> ThinkingRule:
        """The rule for responses to prompts of which this is known.

        Args:
            prompt: `end`: the last characters of a prompt as the model reads it; `marks`: the tags
                of its template that have to do with thinking. See `sample.hf.prompt_facts`.
        """
        if self.end:
            return self
        tags = tuple(dict.fromkeys([*tags_of(prompt["marks"]), *self.tags]))
        return replace(self, tags=tags, opened=opened_by(str(prompt["end"]), tags))

    @property
    def signs(self) -> tuple[str, ...] | None:
        """Signs, in upper or lower case, one of which every text with a thought holds.

        None where any text may have one. A text without them need not be looked at.
        """
        if self.end or self.opened:
            return None
        tags = tuple(tag for pair in self.tags for tag in pair)
        return (*tags, "<|channel|>", "analysis") if tags else ()

    def to_plain(self) -> dict[str, Any]:
        """The rule as JSON values, for the settings of verdicts."""
        return {"tags": [list(pair) for pair in self.tags], "opened": self.opened, "end": self.end}


USUAL = ThinkingRule()
# How texts were judged before thoughts were set apart.
NOTHING_APART = ThinkingRule(tags=())


def rule_from(plain: Mapping[str, Any] | None) -> ThinkingRule:
    """The rule that `ThinkingRule.to_plain` wrote; None: thoughts were not set apart."""
    if plain is None:
        return NOTHING_APART
    tags = tuple((str(opening), str(closing)) for opening, closing in plain["tags"])
    return ThinkingRule(tags, bool(plain["opened"]), str(plain["end"]))


def tags_of(marks: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of tags among the marks of a chat template or of a tokenizer.

    Args:
        marks: Signs such as `<|im_start|>`, `<think>`, `</think>`, `<|END_THINKING|>`, `[/THINK]`.

    Returns:
        The pairs whose name has to do with thinking: `</x>` with `<x>`, `[/x]` with `[x]`, and
        names with "end" with the same names with "begin" or "start".
    """
    known = {mark.lower(): mark for mark in marks if _WORD.search(mark)}
    pairs = []
    for lowered, mark in known.items():
        openings = [lowered.replace("/", "", 1)] if "/" in lowered[:2] else []
        if re.search(r"(?<![a-z])end(?![a-z])", lowered):
            openings += [re.sub(r"(?<![a-z])end(?![a-z])", x, lowered) for x in ("begin", "start")]
        opening = next((known[name] for name in openings if name in known), None)
        if opening is None and "/" in lowered[:2]:
            opening = mark.replace("/", "", 1)
        if opening is not None:
            pairs.append((opening, mark))
    return tuple(pairs)


def opened_by(prompt_end: str, tags: Sequence[tuple[str, str]] = USUAL_TAGS) -> bool:
    """Whether a prompt leaves a thought open for the response to go on with.

    Args:
        prompt_end: The last characters of the prompt as the model reads it.
        tags: Opening and closing tags.
    """
    lowered = prompt_end.rstrip().lower()
    if lowered.endswith("<|channel|>analysis<|message|>"):
        return True
    return any(lowered.endswith(opening.lower()) for opening, _ in tags)


def begins_inside(texts: Iterable[str], rule: ThinkingRule = USUAL) -> bool:
    """Whether responses whose prompts are not known show that each begins inside a thought.

    Some close a thought that they did not open (one in twenty or more), and none opens one: so the
    others, without any tag, are thoughts that did not come to an end.

    Args:
        texts: Responses of one model.
        rule: The tags.
    """
    total = closed = 0
    for text in texts:
        if not text.strip():
            continue
        total += 1
        marks = _marks(text, rule)
        first = next((mark for mark in marks if not _is_quoted(text, mark)), None)
        if first is None:
            continue
        if first.opening:
            return False
        closed += not _is_mentioned(text, first)
    return closed > 0 and closed >= 0.05 * total


def set_apart(text: str, rule: ThinkingRule = USUAL, reasoning: str = "") -> Parts:
    """Thought and answer of a response.

    Thoughts in the middle of a text are taken out of it. Tags in code, in quotes, or talked about
    ("the <think> tag") are text. A thought in a thought belongs to it. A closing tag without an
    opening one ends a thought that the prompt opened.

    Args:
        text: The response.
        rule: The tags, or the text that ends the thought.
        reasoning: What a server gave as reasoning, apart from the text: it is all thought, and the
            text is the answer; without a text the response ends while thinking.
    """
    if reasoning.strip():
        rest = set_apart(text, replace(rule, opened=False, end=""))
        if rest.state == "unfinished" or not rest.answer.strip():
            return _unfinished(text, [reasoning, rest.thought, rest.answer])
        return _finished([reasoning, rest.thought], [rest.answer], rest.answer_start)
    if rule.end:
        before, end, after = text.partition(rule.end)
        if not end:
            return _unfinished(text, [text])
        return _finished([before], [after], len(before) + len(end))
    if rule.tags and "<|channel|>" in text and _CHANNEL.search(text):
        return _by_channel(text)
    if rule.tags and text.startswith("analysis") and _BARE_ANALYSIS.match(text):
        return _by_bare_channel(text)
    marks = _marks(text, rule)
    if not marks and not rule.opened:
        return Parts("", text, "none")
    return _by_tags(text, marks, rule.opened)


def answer_start(rule: ThinkingRule, text: str, reasoning: str = "") -> int | None:
    """Where in a text the answer begins; None if its thought, or a part of it, is apart from it."""
    return None if reasoning.strip() else set_apart(text, rule).answer_start


@dataclass(frozen=True, slots=True)
class _Mark:
    """A tag in a text: where, of which pair, and whether it opens."""

    start: int
    end: int
    pair: int
    opening: bool


def _marks(text: str, rule: ThinkingRule) -> list[_Mark]:
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter such as the Turkish capital I becomes two
        lowered = text
    by_tag, pattern, by_sign = rule.finder
    if not any(_holds(lowered, sign, tags) for sign, tags in by_sign.items()):
        return []
    return [
        _Mark(found.start(), found.end(), *by_tag[found.group()])
        for found in pattern.finditer(lowered)
    ]


def _holds(text: str, sign: str, tags: tuple[str, ...]) -> bool:
    """Whether a text holds any of some tags that begin with this sign; most texts hold none."""
    place = text.find(sign)
    while place >= 0:
        if text.startswith(tags, place):
            return True
        place = text.find(sign, place + 1)
    return False


def _finder(tags: tuple[tuple[str, str], ...]) -> _Finder:
    """By tag in lower case its pair and whether it opens; what finds any; tags by first sign."""
    by_tag: dict[str, tuple[int, bool]] = {}
    for index, (opening, closing) in enumerate(tags):
        by_tag.setdefault(opening.lower(), (index, True))
        by_tag.setdefault(closing.lower(), (index, False))
    longest_first = sorted(by_tag, key=len, reverse=True)
    signs = dict.fromkeys(tag[0] for tag in by_tag)
    by_sign = {sign: tuple(tag for tag in by_tag if tag[0] == sign) for sign in signs}
    return by_tag, re.compile("|".join(map(re.escape, longest_first))), by_sign


def _by_tags(text: str, marks: Sequence[_Mark], opened: bool) -> Parts:
    """Reads a text from tag to tag, inside a thought or outside."""
    thoughts: list[str] = []
    answers: list[str] = []
    begin = answer_start = 0  # of the part that goes on, and of the answer after a thought
    pair: int | None = None  # of the thought that is open; of any kind after a prompt's tag
    depth = 1 if opened else 0
    for mark in marks:
        if _is_quoted(text, mark):
            continue
        if depth:
            if pair not in (None, mark.pair):
                continue
            if not mark.opening:
                if _A_TAG.match(text, mark.end):
                    continue
                depth -= 1
                if not depth:
                    thoughts.append(text[begin : mark.start])
                    begin, pair, answer_start = mark.end, None, mark.end
            elif not text[begin : mark.start].strip():
                # Opened twice, as by the prompt and by the response.
                begin, pair = mark.end, mark.pair
            elif not _is_mentioned(text, mark):
                depth += 1
            continue
        if _is_in_block(text, begin, mark, marks) or _is_mentioned(text, mark):
            continue
        if mark.opening:
            answers.append(text[begin : mark.start])
            begin, pair, depth = mark.end, mark.pair, 1
        elif not thoughts or text[mark.end :].strip():
            # A thought that the prompt opened; or the one before went on after a closing tag.
            thoughts += [*answers, text[begin : mark.start]]
            answers, begin, answer_start = [], mark.end, mark.end
        else:
            # A second closing tag, after the answer.
            answers.append(text[begin : mark.start])
            begin = mark.end
    if depth:
        return _unfinished(text, [*thoughts, *answers, text[begin:]])
    if not thoughts:
        return Parts("", text, "none")
    return _finished(thoughts, [*answers, text[begin:]], answer_start)


def _is_quoted(text: str, mark: _Mark) -> bool:
    """Whether a tag stands in quotes or in code within a line."""
    before, after = text[mark.start - 1 : mark.start], text[mark.end : mark.end + 1]
    if before in _QUOTES and (after == _QUOTES[before] or mark.opening):
        return True
    line_start = text.rfind("\n", 0, mark.start) + 1
    line = text[line_start : mark.start]
    if after in _QUOTES and line.count(after) % 2 == 1 and ">" in line:
        return True  # the second of a pair in quotes: "<think>.*?</think>"
    if "`" not in line:
        return False
    line_end = text.find("\n", mark.end)
    line_end = len(text) if line_end < 0 else line_end
    return any(
        code.start() < mark.start and mark.end < code.end()
        for code in _INLINE_CODE.finditer(text, line_start, line_end)
    )


def _is_in_block(text: str, begin: int, mark: _Mark, marks: Sequence[_Mark]) -> bool:
    """Whether a tag outside a thought stands in a block of code that began after `begin`.

    A thought may leave a block open, so a closing tag counts unless its opening one is there too.
    """
    fences = list(_FENCE.finditer(text, begin, mark.start))
    if len(fences) % 2 == 0:
        return False
    start = fences[-1].start()
    return mark.opening or any(m.opening and start < m.start < mark.start for m in marks)


def _is_mentioned(text: str, mark: _Mark) -> bool:
    """Whether a sentence talks about a tag that is not in quotes."""
    if _A_TAG.match(text, mark.end) or (
        not mark.opening and text[mark.end : mark.end + 1] in ('"', "”", "`")
    ):
        return True
    before = text[max(0, mark.start - 20) : mark.start]
    return bool(_TALKED_ABOUT.search(before) and _GOES_ON.match(text, mark.end))


def _by_channel(text: str) -> Parts:
    """Thought and answer of a response in channels."""
    thoughts: list[str] = []
    answers: list[str] = []
    channels = list(_CHANNEL.finditer(text))
    # What comes before the first channel goes on with one that the prompt opened.
    thoughts.append(_MESSAGE_END.split(text[: channels[0].start()], maxsplit=1)[0])
    for channel in channels:
        end = _MESSAGE_END.search(text, channel.end())
        message = text[channel.end() : end.start() if end else len(text)]
        (answers if channel["channel"] == "final" else thoughts).append(message)
    if channels[-1]["channel"] != "final":
        return _unfinished(text, [*thoughts, *answers])
    return _finished(thoughts, answers, _after_thoughts(channels))


def _by_bare_channel(text: str) -> Parts:
    """The same without the special tokens."""
    opening = "assistant"  # of the first message, which the text lacks
    parts = _BARE_CHANNEL.split(opening + text)[1:]
    names, messages = parts[::2], parts[1::2]
    if names[-1] != "final":
        return _unfinished(text, messages)
    answers = [m for name, m in zip(names, messages, strict=True) if name == "final"]
    thoughts = [m for n, m in zip(names, messages, strict=True) if n != "final"]
    start = _after_thoughts(list(_BARE_CHANNEL.finditer(opening + text))) - len(opening)
    return _finished(thoughts, answers, start)


def _after_thoughts(channels: Sequence[re.Match[str]]) -> int:
    """Where the message begins that follows the last thought; the last channel is final."""
    place = len(channels) - 1
    while place and "final" in channels[place - 1].group():
        place -= 1
    return channels[place].end()


def _finished(thoughts: Sequence[str], answers: Sequence[str], answer_start: int) -> Parts:
    answer = "\n\n".join(part for part in answers if part.strip())
    return Parts(_joined(thoughts), _WRAPPERS.sub("", answer), "finished", answer_start)


def _unfinished(text: str, thoughts: Sequence[str]) -> Parts:
    return Parts(_joined(thoughts), "", "unfinished", len(text))


def _joined(thoughts: Sequence[str]) -> str:
    return "\n\n".join(thought.strip() for thought in thoughts if thought.strip())
