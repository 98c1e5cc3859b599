r"""The words of an answer: \text{no solution}, "there are 12 apples", "3 million", and "not 5".

Used by the `math` verifier, in the worker processes; pure functions of plain text. A number among
words counts as the answer only if no word there makes another number of it, or denies it.
"""

from __future__ import annotations

import re

from liftmap.verify.expressions import FUNCTIONS

# Words before a value that make something else of it.
_BEFORE = re.compile(
    r"(?i)\b(?:sqrt|root|log|ln|exp|mod|arc\w*|sin|cos|tan|cot|sec|csc|square|cube|half|twice|double"
    r"|triple|not|no|never|isn|aren|wasn|doesn|don|can|cannot|neither|nor|minus|negative|least|most"
    r"|than|under|over|below|above|beneath|beyond|between|except|excluding|without|besides|unlike"
    r"|less|more|fewer|greater|larger|smaller|bigger|higher|lower|nearly|almost|barely|within|until"
    r"|up|past|exceeds?|exceeding|instead|rather|unless|if|but|or|and|nor|plus|times|wrong|incorrect"
    r"|false|either|any|maybe|perhaps|possibly|multiples?|powers?|factorial|mod(?:ulo)?|remainder"
    r"|reciprocal|inverse|opposite|percent|versus|unknown|cannot|impossible)\b"
)
# And after it.
_AFTER = re.compile(
    r"(?i)\b(?:squared|cubed|factorial|tenths?|hundredths?|thousandths?|half|halves|thirds?"
    r"|quarters?|fourths?|fifths?|sixths?|eighths?|or|and|to|mod|if|pi|times|plus|minus|over|is|isn"
    r"|are|aren|was|wasn|were|does|doesn|did|didn|has|have|would|should|could|can|cannot|not|never"
    r"|no|wrong|incorrect|false|invalid|impossible|too|short|off|away|except|excluding|unless|but"
    r"|though|although|more|less|fewer|greater|below|above|under|than|most|least|maximum|minimum"
    r"|through|until|up|down|choose|root|because|versus|rejected|excluded|fails?"
    r"|contradicts?|maybe|perhaps|probably)\b"
)
_NOW_RIGHT = re.compile(
    r"(?i)\s+(?:\\text ?\{ ?)?(?:is|as) (?:the |my |our )?(?:(?:final|correct|right) )?"
    r"(?:answer|correct|right|solution|result)\b[^{}\d]*\}?$"
)
_SAID_FIRST = re.compile(
    r"(?i)^(?:\\text ?\{)?\s*(?:(?:so|thus|therefore|hence|and|then),?\s+)?(?:the|my|our|its?)?\s*"
    r"(?:(?:final|correct|only|right)\s+)?(?:answers?|solutions?|results?|values?|sum|total|product)"
    r"(?:\s+(?:is|are|equals?|will be|must be|of|to))*\s*:?\s*(?:\}|\b|$)\s*:?\s*"
)
# "12 (that is, a dozen)".
_ASIDE = re.compile(r"(?<=[\w}$]) ?\((?=[^()]*[a-zA-Z]{3})[^()\d\\=<>^]*\)$")
_SCALES = {"hundred": 100, "dozen": 12, "thousand": 10**3, "million": 10**6}
_SCALES |= {"billion": 10**9, "trillion": 10**12}
_SCALE = re.compile(rf"(?i)(?:\\text ?\{{\s*)?\b({'|'.join(_SCALES)})s?\b(?:\s*\}})?")
_TEXT = re.compile(r"\\text ?\{((?:[^{}]|\{[^{}]*\})*)\}")
_LEADING = re.compile(r"(?:[a-zA-Z]{2,}+[,:.]?\s++|[aAI]\s++)++")
_TRAILING = re.compile(
    r"(?<=[\d})!%])(?:[\s-]*+(?:[a-zA-Z]{2,}+|a\b)[.,]?)++(?:\s*\^\s*\{?[23]\}?)?$"
)
_COMMAND = re.compile(r"\\(?:begin|end) ?\{[a-z]+\*?\}|\\[a-zA-Z]+")
_WORD_RUN = re.compile(r"(?<![\\a-zA-Z])[a-zA-Z]{2,}")
# Letters that are multiplied more often than they are a word.
_SMALL_WORDS = set(
    [
        "an",
        "as",
        "at",
        "be",
        "by",
        "do",
        "go",
        "he",
        "if",
        "in",
        "is",
        "it",
        "me",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "us",
        "we",
        "all",
        "and",
        "any",
        "are",
        "but",
        "can",
        "for",
        "has",
        "how",
        "not",
        "one",
        "out",
        "per",
        "the",
        "too",
        "two",
        "was",
        "yes",
        "nor",
        "its",
        "etc",
        "are",
        "cm",
        "mm",
        "km",
        "kg",
        "ft",
        "lb",
        "hr",
        "mi",
    ]
)
_FILLER = {"a", "an", "the"}
# How a sentence begins that ends with the word: "It is a Friday".
_BEGINNINGS = (("it", "is"), ("it", "s"), ("it", "will", "be"), ("it", "was"), ("that", "is"))
# Answers that are said in words or by a sign.
_MEANINGS = {
    "nothing": r"(?:there (?:is|are) )?no(?: real)? (?:solutions?|roots?)(?: exists?)?|\\emptyset"
    r"|\\\{ ?\\\}|(?:the )?empty set|none exists?",
    "reals": r"(?:the set of )?(?:all|any|every) reals?(?: numbers?)?|(?:the )?real numbers"
    r"|\\mathbb ?\{? ?R ?\}?|\( ?- ?\\infty ?, ?\+? ?\\infty ?\)",
    "integers": r"(?:the set of )?(?:all|any|every) integers?|(?:the )?integers"
    r"|\\mathbb ?\{? ?Z ?\}?",
    "positive integers": r"(?:the set of )?(?:all|any|every) (?:positive integers?"
    r"|natural numbers?)|(?:the )?(?:positive integers|natural numbers)"
    r"|\\mathbb ?\{? ?[NZ] ?\}?\^ ?\{? ?\+ ?\}?",
}


def words_in(text: str) -> tuple[str, ...] | None:
    r"""The words that a plain answer is, as of `\text{no solution}`; None if it is not words."""
    marked = "\\text" in text
    text = _TEXT.sub(r" \1 ", text)
    if re.search(r"[\d\\^_=<>+*/{}|\[\]]", text):
        return None
    words = tuple(w for w in re.findall(r"[^\W_]+", text.casefold()) if w not in _FILLER)
    for beginning in _BEGINNINGS:
        if words[: len(beginning)] == beginning and len(words) > len(beginning):
            words = words[len(beginning) :]
            break
    longest = max((len(word) for word in words), default=0)
    return words if longest >= (2 if marked else 4) else None


def meaning(text: str) -> str:
    r"""What an answer says that has both words and a sign: `\emptyset` is "no solution".

    Returns:
        A name of the meaning; empty for all other answers.
    """
    bare = re.sub(r"\s+", " ", _TEXT.sub(r" \1 ", text)).strip(" .").lower()
    for name, pattern in _MEANINGS.items():
        if re.fullmatch(pattern, bare, re.IGNORECASE):
            return name
    return ""


def phrase(text: str) -> tuple[str, ...]:
    """All words, numbers and signs of a plain answer in lower case, without articles."""
    parts = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+|[^\s\w{}\\$]", _TEXT.sub(r" \1 ", text).casefold())
    return tuple(part for part in parts if part not in _FILLER)


def without_frame(text: str) -> str:
    """The answer alone, of "the answer is 5" or "5 is the correct answer"."""
    aside = _ASIDE.search(text)
    if aside and not denies(aside.group()):
        text = text[: aside.start()]
    return _SAID_FIRST.sub("", _NOW_RIGHT.sub("", text)) or text


def value_among_words(text: str) -> tuple[str, int] | None:
    """The value among words and the scale that they give it; None if they deny or change it.

    Example: "there are 3 million stars" is the value 3 with the scale 10^6.
    """
    bare = _TEXT.sub(r" \1 ", text).strip()
    leading = _LEADING.match(bare)
    before = leading.group() if leading else ""
    trailing = _TRAILING.search(bare, len(before))
    after = trailing.group() if trailing else ""
    value = bare[len(before) : len(bare) - len(after)].strip()
    if _BEFORE.search(before) or _AFTER.search(after.replace("-", " ")):
        return None
    scale = _SCALE.search(after)
    return value, _SCALES[scale[1].lower()] if scale else 1


def denies(words: str) -> bool:
    """Whether words after a value say that it is something else, or wrong."""
    return _AFTER.search(words) is not None


def scaled(words: str) -> int:
    """The scale that words after a value give it: million is 10^6."""
    scale = _SCALE.search(words)
    return _SCALES[scale[1].lower()] if scale else 1


def has_words(text: str) -> bool:
    r"""Whether a plain value holds words, other than names of functions and products of letters."""
    if "\\text" in text:
        return True
    for run in _WORD_RUN.findall(_COMMAND.sub(" ", text)):
        if run in FUNCTIONS or run in ("sqrt", "pi", "arcsin", "infty"):
            continue
        if len(run) > 4 or run.lower() in _SMALL_WORDS:
            return True
    return False
