r"""Finds the part of a response that is its answer: the last \boxed{}, or what its end says.

Used by the verifiers `math` and `choice`; pure functions of text that look at bounded parts of it.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import json
import re

from liftmap.verify.number_words import with_digits
from liftmap.verify.numbers import last_number
from liftmap.verify.units import with_unit

# No answer has more characters. Boxes are looked for so far from the end, other answers nearer.
LONGEST = 5000
BOX_WITHIN = 200_000
PROSE_WITHIN = 2000
# The most boxes that are one answer, the most characters between two of them, and the most boxes
# without an end that are passed over.
MOST_JOINED = 12
MOST_BETWEEN = 60
MOST_OPEN = 20

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_WORD = re.compile(r"[^\s{}$\\,;]+")
# What stands between two boxes that are one answer, as in "$\boxed{2}$ and $x=\boxed{3}$".
_BETWEEN = re.compile(
    r"(?:[\s$]|\\[()\[\],]|\\q?quad)*"
    r"(?:,?\s*(?:and|or)\b|[,;]|\\text\s*\{\s*,?\s*(?:and|or)\s*\})"
    r"(?:[\s$]|\\[()\[\],]|\\q?quad)*(?:[a-zA-Z](?:_\{?\w\}?)?\s*=\s*)?|[ \t$]*"
)
# "The answer is ...", "Answer: ...", "#### ...": then the rest of the sentence.
_CUE = re.compile(
    r"(?:\banswers?\b[^.:=\n]{0,60}?(?:\bis\b|\bare\b|[:=])\s*:?|答案(?:是|为|:|：)+|####|<answer>)[\s*]*",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(
    r"</answer>|\.(?=[\s*]|$)|。|\n|,?\s\(?(?:because|since|as (?:it|this|that|the))\s"
)
# A sentence that denies, doubts or supposes an answer says none.
_NO_ANSWER = re.compile(
    r"(?i)\b(?:(?:doubt|(?:not|\w+n't) (?:think|believe|say)|if|suppose|supposing|assum(?:e|ing)"
    r"|unless)\s+(?:that\s+)?(?:the|my|our)\s+(?:\w+\s+)?answer\b"
    r"|answers?\s+(?:cannot|can(?:'t| not)|could(?:n't| not)|must not|should not|won't|will not)\b)"
)
_STOP = re.compile(r"[.\n](?!\d)")
# {"answer": 5}
_JSON = re.compile(
    r'"(?:final_?)?answer"\s*:\s*("(?:[^"\\]|\\.)*"|-?[\d.]+(?:[eE][-+]?\d+)?)\s*[,}]',
    re.IGNORECASE,
)
# "not 33 but 37", "clearly 13".
_NOT_BUT = re.compile(r"(?i)not\b[^,;.]{1,60}?,?\s+but\s+(?:rather\s+)?(.+)")
_SURELY = re.compile(
    r"(?i)(?:clearly|simply|exactly|obviously|indeed|just|only|therefore|thus|hence)\s+(?=.)"
)
# "13 is the correct answer, not 14": the number before the one that is denied.
_NOT_ANOTHER = re.compile(r"(?i),?\s*(?:not|rather than|instead of|never)\s+\S{1,20}\s*\.?\s*\Z")
# A number of bold print, a point in a sentence, a choice of numbers, the ends of a range.
_BOLD = re.compile(r"\*\*[ \t]*(\\?[$]?[-−]?\.?\d[^*\n]{0,30}?)\.?\*\*(?!\s*:|\.[ \t]+\S)")
_POINT = re.compile(
    r"(?<![\w)])\(\s*-?[\w./√π^−+-]{1,20}(?:,\s?-?[\w./√π^−+-]{1,20})+\s*\)(?=\W*(?:\s|$))"
)
_ONE_OF = re.compile(
    r"(?i)\bone of (?:the )?(?:\d[\d.]*(?:,\s*|\s+or\s+|,\s*or\s+))+\Z"
    r"|\bany(?:thing|where|\s+\w+)?\s+(?:from|between)\s+\S+\s+(?:to|and)\s+\Z"
    r"|\bbetween\s+[-−]?\d\S*\s+and\s+\Z"
)
# A last paragraph that only says goodbye.
_CLOSING = re.compile(
    r"(?i)\n\s*(?:please\s+|hope\s+|i hope|let me know|tell me|feel free|would you like|do you want"
    r"|if you (?:have|need|want|'d|would)|happy to|is there)[^\n]*\s*\Z"
)
_REMARK = re.compile(r"\s*\([^()\n]*[a-zA-Z]{3}[^()\n]*\)\s*[.!]?\s*\Z")
# What follows the last number of a response that gives no answer.
_GIVES_UP = re.compile(
    r"(?i)\b(?:can(?:no|')t|can ?not|could(?:n't| not)|(?:not|un)\s?able to|don't|do not|did not"
    r"|didn't|impossible to|not possible to|no way to)\s+(?:\w+\s+)?(?:tell|say|determine|know|find"
    r"|answer|solve|compute|calculate|work out|be (?:determined|found|answered|known))\b"
)
# "It will be a Tuesday.", and an expression without delimiters at the end of a line.
_IT_IS = re.compile(
    r"(?i)(?:(?:so|thus|therefore|hence|then),?\s+)?(?:it|this|that)"
    r"(?: is| will be| would be| was|'s)\s+(?:an?\s+|the\s+)?(?!not\b)([a-z]{3,}(?: [a-z]{3,})?)"
)
_EXPRESSION = re.compile(
    r"(?!.*(?:\.\s|\*\*))(?=.*[a-zA-Z])(?=.*[-+*/^²³−·×])[\w\s+*/^().²³⁴−·×=-]+"
)
_JOINT = re.compile(r"\s*(?:,|,?\s*and\b|,?\s*or\b)\s*")
# What a formula without delimiters has, a word that it has not, and what makes it LaTeX.
_MATHEMATICAL = re.compile(r"\d|\\[a-zA-Z{]|[πθ√∞∅ℝαβφω½⅓¼]")
_IN_LATEX = re.compile(r"\\[a-zA-Z{]|[π√]")
_PROSE_WORD = re.compile(
    r"(?<![\\a-zA-Z])(?!(?:sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|pi|arc(?:sin|cos|tan))"
    r"(?![a-zA-Z])|(?:and|or)\s)(?:[a-zA-Z]{3,}|[a-zA-Z]{2}(?=\s|$)|\b[aAI](?=\s+[a-zA-Z]{2}))"
)
_OPERATOR = re.compile(r"[-+*/^=<>]")
_ONE_WORD = re.compile(r"[a-zA-Z]+")
# "The solutions are ..." on the last line; elsewhere it may be about anything.
_SOLUTION = re.compile(
    r"(?i).*\b(?:solutions?|results?|roots?|values?)\b[^.:=\n]{0,60}?"
    r"(?:\bis\b|\bare\b|[:=])\s*:?(.*)"
)
_DENIED_BEFORE = re.compile(
    r"(?i)(?:\bnot|n't|\bnever|\bbelow|\babove|\bunder|\b(?:less|more|fewer|greater) than"
    r"|\bat (?:least|most))\W*(?:(?:the|equal|to|be|exactly|simply|just|answer|value)\W+)*$"
)
_DENIED_AFTER = re.compile(
    r"(?i)\W*(?:(?:is|was|are|would be|can|could|does|seems|looks)\W*(?:not|n't|wrong|incorrect"
    r"|false|invalid|impossible|too)|(?:is|was|are|ca|does)n't|cannot|fails)\b"
)
_DELIMITER = re.compile(r"\$|\\[()\[\]]")
_TEXT = re.compile(r"\\(?:text|mathrm|operatorname|mathbb|mathbf|textbf|begin|end)\s*\{[^{}]*\}")
_MATH = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(((?:[^\\]|\\(?!\)))*+)\\\)|\\\[((?:[^\\]|\\(?!\]))*+)\\\]"
)


def final_answer(text: str) -> str | None:
    r"""The answer that a response gives.

    That is the last box; without one what follows the last "answer is", "answer:" or "####" up to
    the end of the sentence; without that the last formula or number, whichever ends later.

    Returns:
        Without outer white space and at most some `LONGEST` characters long; None if there is none.
    """
    return (
        last_box(text)
        or _in_json(text)
        or _in_prose(_affirmed(without_closing(text[-PROSE_WITHIN:])))
    )


def _affirmed(text: str) -> str:
    """The text without sentences that deny, doubt or suppose an answer."""
    end = len(text)
    for phrase in reversed(list(_NO_ANSWER.finditer(text))):
        if phrase.start() >= end:
            continue
        stop = _STOP.search(text, phrase.end())
        start = max(text.rfind("\n", 0, phrase.start()), text.rfind(". ", 0, phrase.start())) + 1
        text = text[:start] + (text[stop.start() :] if stop else "")
        end = start
    return text


def without_closing(text: str) -> str:
    """The text without a last paragraph such as "Tell me if you have 2 more questions!".

    Nor with a last remark in parentheses, as of "60 minutes (1 hour)".
    """
    text = _CLOSING.sub("", text) if "\n" in text.strip() else text
    remark = _REMARK.search(text)
    return text[: remark.start()] if remark and re.search(r"\d", text[: remark.start()]) else text


def gives_up(text: str, start: int) -> bool:
    """Whether a text says from here on that it can't tell the answer."""
    return _GIVES_UP.search(text, start) is not None


def _in_json(text: str) -> str | None:
    """What a JSON object gives as "answer"."""
    documents = _JSON.findall(text[-PROSE_WITHIN:])
    if not documents:
        return None
    try:
        return str(json.loads(documents[-1])).strip() or None
    except ValueError:
        return None


def last_box(text: str) -> str | None:
    r"""What the last \boxed{} or \fbox{} holds; without white space around it, None without a box.

    Boxes with nothing but "and", "or" or a comma between them are one answer: they are joined by
    commas. Of a box within a box the inner one counts. One that is empty or never closed (a
    response cut off) is passed over for the one before.
    """
    text = text[-BOX_WITHIN:]
    boxes: list[str] = []
    end, opened = len(text), 0
    while len(boxes) < MOST_JOINED and opened < MOST_OPEN:
        start = max(text.rfind("\\boxed", 0, end), text.rfind("\\fbox", 0, end))
        if start < 0:
            break
        content, stop = _box_at(text, start)
        if content and stop <= end:
            if boxes and not (end - stop <= MOST_BETWEEN and _BETWEEN.fullmatch(text, stop, end)):
                break
            boxes.insert(0, content)
        elif boxes:
            break
        else:
            opened += 1
        end = start
    return ", ".join(dict.fromkeys(boxes)) or None


def _box_at(text: str, start: int) -> tuple[str, int]:
    """What the box that starts here holds, and where it ends; "" if it has no end near enough."""
    opening = start + (6 if text.startswith("\\boxed", start) else 5)
    while text[opening : opening + 1].isspace():
        opening += 1
    if text[opening : opening + 1] != "{":
        word = _WORD.match(text, opening)
        return (word.group(), word.end()) if word else ("", opening)
    depth = 0
    for brace in _BRACE.finditer(text, opening, opening + LONGEST):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0 and brace.group() == "}":
            return text[opening + 1 : brace.start()].strip(), brace.end()
    return "", len(text)


def _in_prose(tail: str) -> str | None:
    cues = list(_CUE.finditer(tail))
    if cues:
        start = cues[-1].end()
        end = _SENTENCE_END.search(tail, start)
        said = tail[start : end.start() if end else len(tail)].strip(" \t*_`")
        instead = _NOT_BUT.fullmatch(said)
        said = _SURELY.sub("", instead[1] if instead else said)
        said = _NOT_ANOTHER.sub("", said) or said
        formulas = _formulas(said)
        if formulas or said:
            return formulas[0][0] if formulas else said
    formulas = _formulas(tail)
    after = formulas[-1][1] if formulas else 0
    if not re.search(r"\d", tail):
        tail = with_digits(tail)
    rest = _NOT_ANOTHER.sub("", tail[after:])
    if last_number(rest) is None:
        rest = tail[after:]
    bare = _bare_formula(rest)
    if bare is not None:
        return bare
    bold = list(_BOLD.finditer(rest))
    number = bold[-1][1] if bold else last_number(rest)
    if number is not None:
        tail = tail[:after] + rest
        start = after + bold[-1].start(1) if bold else tail.rindex(number)
        close = start + len(number)
        if gives_up(tail, close):
            return None
        point = next((p for p in _POINT.finditer(tail) if p.start() < start < p.end()), None)
        if point is not None:
            return point.group()
        choice = _ONE_OF.search(tail, max(0, start - 100), start)
        if choice is not None:
            return tail[choice.start() : close]
        return _denied(tail, start, close) or tail[start : with_unit(tail, start, close)]
    if formulas:
        formula, close = formulas[-1]
        return _denied(tail, tail.rindex(formula[-1], 0, close), close) or formula
    word = tail.strip(" \t\n*_`#.")
    called = _IT_IS.fullmatch(word.rpartition("\n")[2])
    return called[1] if called else word if _ONE_WORD.fullmatch(word) else None


def _bare_formula(tail: str) -> str | None:
    """The last line if it is a formula without delimiters, or its end if that is one in LaTeX."""
    lines = [line for line in tail.splitlines() if line.strip(" \t*_`#.")]
    if not lines or _DELIMITER.search(lines[-1]):
        return None
    line = lines[-1].strip(" \t*_`#").rstrip(".,;:")
    if _denied(line, 0, len(line)):
        return line
    solution = _SOLUTION.match(line)
    if solution and _MATHEMATICAL.search(solution[1]):
        return solution[1].strip(" *_`")
    words = list(_PROSE_WORD.finditer(_TEXT.sub(lambda text: "," * len(text.group()), line)))
    if not words:
        alone = len(lines) == 1 and _OPERATOR.search(line)
        return line if alone or _MATHEMATICAL.search(line) else None
    end = line[words[-1].end() :].strip(" :,*_`")
    return end if _IN_LATEX.search(end) or _EXPRESSION.fullmatch(end) else None


def _denied(text: str, start: int, end: int) -> str:
    """The clause around an answer if it says that this is not the answer: "not 5", "5 is wrong"."""
    begin = max(text.rfind(".", 0, start), text.rfind("\n", 0, start), start - 40) + 1
    stop = _SENTENCE_END.search(text, end)
    close = stop.start() if stop else len(text)
    if _DENIED_BEFORE.search(text[begin:start]) or _DENIED_AFTER.match(text[end:close]):
        return text[begin:close].strip()
    return ""


def _formulas(text: str) -> list[tuple[str, int]]:
    """The formulas in a text and where each ends; those joined by "and" or a comma are one."""
    found: list[tuple[str, int]] = []
    for match in _MATH.finditer(text):
        formula = next(group for group in match.groups() if group is not None).strip()
        if found and _JOINT.fullmatch(text, found[-1][1], match.start()):
            found[-1] = (f"{found[-1][0]}, {formula}", match.end())
        elif formula:
            found.append((formula, match.end()))
    return found
