r"""The choice verifier: the letter that the response settles on must be the gold letter.

A verifier of the `verify` stage for multiple choice; a pure function. The text is read in steps:
marks of writing go (bold, formulas, full-width signs); letters that are rejected ("not A", "rule
out B", "C is wrong") are crossed out; what is left is searched for the ways in which people name an
answer (`choice_words`), the plainest first.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from liftmap.records import Question, Verdict
from liftmap.verify.answers import last_box
from liftmap.verify.choice_words import CROSSED_OUT, ChoicePatterns, choice_patterns
from liftmap.verify.marked import answer_tag, before_next_question
from liftmap.verify.steps import NO_ANSWER

LETTERS = "ABCDEFGHIJ"
PROSE_WITHIN = 6000
# Two answers with no more characters between them, none of which takes the first one back, are
# several answers: "The answer is A. The answer is B."
MOST_BETWEEN = 40
_MARKS = re.compile(
    r"\*+|__+|`+|\$+|\\[()\[\]]|[\u200b-\u200d\u2060\ufeff]"
    r"|\\(?:text|textbf|textit|mathbf|mathrm|mathsf|bf|rm|boldsymbol|operatorname)\b\s*"
)
_SIGNS = str.maketrans("’‘“”—–{}【】。⟨⟩", "''\"\"--()[].<>")
# What names an answer in Chinese, as models of the field write it, and the same in English.
_CHINESE = (
    (re.compile("(?:正确|最终|最后)?答案(?:应该?)?[是为]?"), " answer is "),
    (re.compile("选项[是为]?"), " option "),
    (re.compile("(?:故|应|应该|所以|因此)?选择?"), " I choose "),
)
# A rejected letter beside the answer: "C, not A".
_BESIDE = re.compile(
    rf",?\s*\(?\b(?:rather than|instead of|(?:and |but )?not|over|versus|vs)\s+(?:option |choice )?"
    rf"[(\[]*{CROSSED_OUT}[)\]]*(?=\s*(?:[.,;!\n)]|\Z))",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[.!?]\s)(?![a-z])|(?<=\n)")
# What stands for a sentence that is left out: answers before and after it are apart.
_LEFT_OUT = " ..." + " " * MOST_BETWEEN + "\n"
_SPACES = re.compile(r"([ \t\n])\s+")
_JOINED = re.compile(r"\(\s*(and|or|,)\s*\)")
# What takes an answer back that was given long before, and what does so within a few words.
_TAKES_BACK = re.compile(
    r"\b(?:wait|actually|hmm+|sorry|oops|correction|mistaken?|(?:re-?|double[- ]?)check\w*"
    r"|reconsider\w*|scratch that|on second thought|i mean|i was wrong)\b",
    re.IGNORECASE,
)
_TURNS = re.compile(
    _TAKES_BACK.pattern + r"|\b(?:no|but|however|instead|rather|although|though|yet)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^.!\n]{0,60}\?")
# The options of a question, as "B) Rome" or "(B) Rome"; how a line names one without its letter.
_OPTION = re.compile(r"^[ \t]*[(\[]?([A-Z])[)\].:][)\]]?[ \t]+(\S.*?)[ \t.]*$", re.MULTILINE)
_NAMES_IT = r"(?:[^.!?]*?\b(?:is|are|answer:|be)\s+)?(?:the\s+|an?\s+)?\(?{}\)?[\s.!]*"
_SUPPOSED = re.compile(
    r"\b(?:if|suppose|supposing|assume|assuming|whether|unless)\s+(?:that\s+)?(?:the\s+|my\s+)?"
    r"(?:\w+\s+)?\Z",
    re.IGNORECASE,
)


def choice(question: Question, text: str, *, letters: str | None = None) -> Verdict:
    r"""Compares the letter that the response settles on with the gold letter.

    The letter is looked for in the last `<answer>`, in the last \boxed{}, where the response says
    what the answer is ("the answer is", "answer:", "I choose", "####"), where it calls a letter
    correct or stands alone on a line, and at last where one is named at all ("option B"). Rejected
    letters do not count, a later mention does not override an answer, and a response that answers
    with several letters, as "A or B", is wrong. Where no letter is named, the text of an option
    stands for it, if the last line ends with it.

    Args:
        question: Its `answer` is the gold letter, as "B" or "(B)".
        text: The response.
        letters: The letters that there are, upper case; None takes those that the question's
            metadata names under `letters`, or else A to J.

    Returns:
        right or wrong; wrong with the reason if there is no answer. unscored if the gold answer is
        none of the letters.

    Raises:
        ConfigError: `letters` holds anything but distinct upper-case letters.
    """
    letters = str(letters or question.metadata.get("letters") or LETTERS)
    patterns = choice_patterns(letters)
    gold = patterns.gold.fullmatch(question.answer)
    if gold is None:
        return Verdict("unscored", reason="the gold answer is no letter of the choices")
    found = _settled(text, patterns) or _by_text(question.text, text, letters)
    if not found:
        return Verdict("wrong", reason=NO_ANSWER)
    answer = " or ".join(found)
    return Verdict("right" if answer == gold["letter"].upper() else "wrong", answer)


@dataclass(frozen=True, slots=True)
class _Said:
    """Letters that a text names as its answer, and where it does so."""

    letters: tuple[str, ...]
    start: int
    end: int
    on_last_line: bool = False


def _settled(text: str, patterns: ChoicePatterns) -> list[str]:
    """The distinct letters that a response settles on, in their order."""
    head = before_next_question(text)
    if head and (found := _boxed(head, patterns) or _said(_crossed_out(head, patterns), patterns)):
        return found
    tag = answer_tag(text)
    if tag and (found := _boxed(tag, patterns) or _in_prose(tag, patterns)):
        return found
    return _boxed(text, patterns) or _in_prose(text[-PROSE_WITHIN:], patterns)


def _boxed(text: str, patterns: ChoicePatterns) -> list[str]:
    box = last_box(text)
    found = patterns.box.match(_plain(box)) if box is not None else None
    return _letters(found["letters"], patterns) if found else []


def _in_prose(text: str, patterns: ChoicePatterns) -> list[str]:
    if whole := patterns.alone.fullmatch(_plain(text).strip()):
        return _letters(whole["letters"], patterns)
    text = _crossed_out(text, patterns)
    says = [*_first_line(text, patterns), *_all(patterns.says, text, patterns)]
    calls = [said for pattern in patterns.calls for said in _all(pattern, text, patterns)]
    calls = sorted([*calls, *_last_line(text, patterns)], key=lambda said: said.start)
    if says and calls and calls[-1].start > says[-1].end:
        # What is called correct later overrides an answer only if that was taken back.
        if _TAKES_BACK.search(text, says[-1].end, calls[-1].end):
            says = []
        elif calls[-1].on_last_line:
            # Two answers.
            return list(dict.fromkeys([*says[-1].letters, *calls[-1].letters]))
    for said in (says, calls):
        if said:
            return _last(said, text)
    return _options(text, patterns) or _named(text, patterns)


def _said(text: str, patterns: ChoicePatterns) -> list[str]:
    """What a text says its answer is, in so many words."""
    says = _all(patterns.says, text, patterns)
    return _last(says, text) if says else []


def _crossed_out(text: str, patterns: ChoicePatterns) -> str:
    """The text in plain signs, without the letters that it rejects."""
    text = _with_letters(_plain(text), patterns)
    for pattern in patterns.rejects:
        text = pattern.sub(
            lambda rejected: patterns.letter.sub(CROSSED_OUT, rejected.group()), text
        )
    return _BESIDE.sub("", text)


def _with_letters(text: str, patterns: ChoicePatterns) -> str:
    """The sentences that may name a letter, each with the one before; the rest costs time alone."""
    sentences = _SENTENCES.split(text)
    keep = {
        place
        for i, sentence in enumerate(sentences)
        if patterns.candidate.search(sentence)
        for place in (i - 1, i)
    }
    parts: list[str] = []
    for i, sentence in enumerate(sentences):
        if i in keep or _TAKES_BACK.search(sentence):
            parts.append(sentence)
        elif parts[-1:] != [_LEFT_OUT]:
            parts.append(_LEFT_OUT)
    return "".join(parts)


def _all(pattern: re.Pattern[str], text: str, patterns: ChoicePatterns) -> list[_Said]:
    """All places where a pattern finds an answer that is neither asked nor supposed."""
    return [
        _Said(tuple(_letters(found["letters"], patterns)), found.start(), found.end("letters"))
        for found in pattern.finditer(text)
        if not _QUESTION.match(text, found.end("letters"))
        and not _SUPPOSED.search(text, max(0, found.start() - 40), found.start())
    ]


def _last(said: list[_Said], text: str) -> list[str]:
    """The last answer; with those right before it that were not taken back."""
    letters = list(said[-1].letters)
    for earlier, later in zip(said[-2::-1], said[:0:-1], strict=True):
        if later.start - earlier.end > MOST_BETWEEN or _TURNS.search(text, earlier.end, later.end):
            break
        letters = [*earlier.letters, *letters]
    return list(dict.fromkeys(letters))


def _first_line(text: str, patterns: ChoicePatterns) -> list[_Said]:
    """The letters that stand alone on the first line."""
    line = text.lstrip().partition("\n")[0].strip()
    found = patterns.alone.fullmatch(line)
    if found is None:
        return []
    return [_Said(tuple(_letters(found["letters"], patterns)), 0, len(line))]


def _last_line(text: str, patterns: ChoicePatterns) -> list[_Said]:
    """The letters that stand alone on the last line."""
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    found = patterns.alone.fullmatch(text[start:end].strip())
    if found is None:
        return []
    return [_Said(tuple(_letters(found["letters"], patterns)), start, end, on_last_line=True)]


def _options(text: str, patterns: ChoicePatterns) -> list[str]:
    """The letter with which the first or the last line begins, if no other line has another."""
    lines = [line.strip() for line in text.strip().splitlines()]
    begun = {
        i: _letters(found["letters"], patterns)
        for i, line in enumerate(lines)
        if (found := patterns.option.match(line) or patterns.alone.fullmatch(line))
    }
    letters = list(dict.fromkeys(letter for each in begun.values() for letter in each))
    return letters if len(letters) == 1 and {0, len(lines) - 1} & begun.keys() else []


def _named(text: str, patterns: ChoicePatterns) -> list[str]:
    """The letter that is named without being rejected, if it is the only one."""
    named = _all(patterns.names, text, patterns)
    letters = list(dict.fromkeys(letter for said in named for letter in said.letters))
    return letters if len(letters) == 1 else []


def _by_text(question: str, text: str, letters: str) -> list[str]:
    """The letter of the option whose text the last line gives in place of a letter."""
    lines = _plain(answer_tag(text) or last_box(text) or text).strip().splitlines()
    options = [found for found in _OPTION.findall(_plain(question)) if found[0] in letters]
    if not lines or len({letter for letter, _ in options}) < len(options):
        return []
    named = [
        letter
        for letter, option in options
        if re.fullmatch(_NAMES_IT.format(re.escape(option)), lines[-1].strip(), re.IGNORECASE)
        and not re.search(r"\bnot\b|n't\b|\bnever\b|\bwrong\b|\bincorrect\b", lines[-1])
    ]
    return named if len(named) == 1 else []


def _letters(text: str, patterns: ChoicePatterns) -> list[str]:
    return list(dict.fromkeys(letter.upper() for letter in patterns.letter.findall(text)))


def _plain(text: str) -> str:
    """The text without marks of writing, in plain signs."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        for pattern, english in _CHINESE:
            text = pattern.sub(english, text)
    text = _MARKS.sub("", text.translate(_SIGNS))
    return _SPACES.sub(r"\1", _JOINED.sub(r" \1 ", text))
