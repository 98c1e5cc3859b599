r"""Compares an answer with the gold answer; runs in the worker processes.

Second step of the `math` verifier: takes a question and an answer, gives a verdict. An answer is
taken apart by its form (`forms`), and its parts are compared: what has none by `leaves`, relations
by `chains`, sets of real numbers by `intervals`, numerals with a base by `bases`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from liftmap.records import Question, Verdict
from liftmap.verify.answers import LONGEST, last_box
from liftmap.verify.bases import same_in_base
from liftmap.verify.chains import (
    FALSE,
    assigned,
    is_name,
    names_agree,
    reduced,
    rounded_to,
    same_chain,
)
from liftmap.verify.forms import Form, expanded, expanded_group, form, forms, has_sign
from liftmap.verify.intervals import real_set, same_set
from liftmap.verify.latex import canonical, plain
from liftmap.verify.leaves import EQUAL_TEXTS_ARE_EQUAL, same_leaf
from liftmap.verify.logic import statement
from liftmap.verify.number_words import with_digits
from liftmap.verify.numbers import asks_for_percent, read_number
from liftmap.verify.values import PERCENT_IS_ASKED
from liftmap.verify.words import meaning, without_frame, words_in

_LETTER = re.compile(r"(?:\\text ?\{ ?)*\(? ?([A-J]) ?\)?(?: ?\})*")
_LETTER_FIRST = re.compile(
    r"(?:\\text\s*\{\s*)*(?:(\()\s*)?([A-Z])(?(1)\s*\)|\b(?!\s*(?:[-+*/^_=<>!(]|\\(?!text))))"
    r"(?!\s*\)?\s*(?:,|/|or\b|and\b)\s*\(?[A-Z]\b)(?:\s*\})*"
)
# Operations to work out, a product of vectors, "(C) 12", C(5, 2), and 5 \pmod 7.
_TO_DO = re.compile(r"[-+*/^!]|\\(?:cdot|times|frac|sqrt|binom|sum|prod|int)(?![a-zA-Z])")
_CROSS = re.compile(r"\\(?:vec|mathbf|boldsymbol|overrightarrow)\s*\{?\s*\w+\s*\}?\s*\\times")
_OPTION = re.compile(r"^(?:\\text ?\{ ?)?(?:\([A-J]\)|[A-J][.)])(?: ?\})? +(?=\S)")
_CHOOSE = re.compile(r"(?<![a-zA-Z\\])C ?\( ?(\d+) ?, ?(\d+) ?\)")
_CONGRUENCE = re.compile(
    r"(?:(?P<name>[a-zA-Z]) ?\\equiv ?)?(?P<value>-? ?\d+) ?\(? ?"
    r"(?:\\[pb]?mod(?![a-zA-Z])|\\text ?\{ ?\(?mod ?\}|\bmod\b) ?\{? ?(?P<modulus>\d+) ?\}? ?"
    r"(?:\)|\\text ?\{ ?\) ?\})?"
)
_TWO_WORDS = re.compile(r"[a-zA-Z]+ and [a-zA-Z]+")
_TIME_OF_DAY = re.compile(r"(?i)(\d\d?) ?: ?(\d\d) ?(?:(?:\\text ?\{ ?)?([ap]m) ?\}?)?")
_REJECTED = re.compile(r"(?i)\b(?:not|n't|wrong|incorrect|false|except|or [A-Z]\b)")


def compare(question: Question, answer: str) -> Verdict:
    """Whether the answer is the gold answer.

    Args:
        question: Its `answer` is the gold answer, in LaTeX or plain.
        answer: What `answers.final_answer` found.

    Returns:
        right or wrong; an answer that can't be read is wrong. unscored if the gold answer is empty
        or its brackets don't match.
    """
    gold = _plain_gold(question.answer)
    if not _usable(gold):
        return Verdict("unscored", answer, "the gold answer can't be parsed")
    if len(answer) > LONGEST:
        return Verdict("wrong", answer, f"the answer has more than {LONGEST} characters")
    said = plain(answer)
    token = PERCENT_IS_ASKED.set(asks_for_percent(question.text))
    try:
        right = canonical(said) == canonical(gold) or _is_answer(question, gold, answer, said)
    except RecursionError:
        return Verdict("wrong", answer, "it is nested too deeply")
    finally:
        PERCENT_IS_ASKED.reset(token)
    return Verdict("right" if right else "wrong", answer)


def compare_gold(question: Question) -> Verdict:
    """The gold answer compared with itself; its texts are not right because they are equal."""
    gold = _plain_gold(question.answer)
    if not _usable(gold):
        return Verdict("unscored", gold, "the gold answer can't be parsed")
    token = EQUAL_TEXTS_ARE_EQUAL.set(False)
    try:
        _same_answer(gold, gold, question.text)
    finally:
        EQUAL_TEXTS_ARE_EQUAL.reset(token)
    return Verdict("right", gold)


@lru_cache(maxsize=1024)
def _plain_gold(text: str) -> str:
    return plain(last_box(text) or text)


def _usable(gold: str) -> bool:
    """Whether a gold answer says something, and its braces match."""
    bare = re.sub(r"\\[{}]", "", gold)
    depth = 0
    for brace in re.findall(r"[{}]", bare):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return not depth and bool(re.search(r"\w|\\infty|\\emptyset|\\\{ ?\\\}", gold))


def _is_answer(question: Question, gold: str, answer: str, said: str) -> bool:
    """Whether an answer whose text is not the gold answer's means the same, and answers at all."""
    statements = statement(last_box(question.answer) or question.answer), statement(answer)
    if None not in statements:
        return statements[0] == statements[1]
    if _CROSS.search(question.answer) or _CROSS.search(answer):
        # Not commutative, and another thing than a scalar product.
        return False
    if _is_restated(gold, said, question.text):
        return False
    return _same_answer(gold, said, question.text)


def _is_restated(gold: str, said: str, question: str) -> bool:
    r"""Whether an answer only gives back what the question asks to work out: 47 \cdot 83."""
    if not gold.isdigit() or not _TO_DO.search(said):
        return False
    given = canonical(said)
    return len(given) >= 3 and given in canonical(plain(question))


def _same_answer(gold: str, said: str, question: str) -> bool:
    letter = _LETTER.fullmatch(gold)
    if letter:
        first = _LETTER_FIRST.match(said)
        if first and first[2] == letter[1] and not _REJECTED.search(said):
            return True
    words = words_in(gold)
    if words is not None and words_in(said) == words:
        return True
    if meaning(gold) and meaning(gold) == meaning(said):
        return True
    times = _TIME_OF_DAY.fullmatch(gold), _TIME_OF_DAY.fullmatch(said)
    if times[0] and times[1] and (times[0][3] or times[1][3]):
        one, other = ((int(t[1]), t[2], (t[3] or "").lower()) for t in times if t)
        return one[:2] == other[:2] and (one[2] == other[2] or not (one[2] and other[2]))
    congruent = _same_congruence(gold, said)
    if congruent is not None:
        return congruent
    in_base = same_in_base(gold, said, question)
    if in_base is not None:
        return in_base
    return any(_same_form(one, other) for one in _readings(gold) for other in _readings(said))


def _same_congruence(gold: str, said: str) -> bool | None:
    r"""Whether two numbers modulo another are congruent; None if neither is one.

    A number that names a modulus is not the number alone, which the question may ask for.
    """
    ours, theirs = _CONGRUENCE.fullmatch(gold), _CONGRUENCE.fullmatch(said)
    if ours is None:
        return None if theirs is None else False
    value, modulus = int(ours["value"].replace(" ", "")), int(ours["modulus"])
    if theirs is None:
        return said.isdigit() and modulus > int(said) == value
    if ours["name"] and theirs["name"] and ours["name"] != theirs["name"]:
        return False
    other = int(theirs["value"].replace(" ", ""))
    return modulus == int(theirs["modulus"]) > 0 == (value - other) % modulus


def _readings(text: str) -> list[Form]:
    """The forms that an answer may have.

    One more is a decimal that it is rounded to, a number in words, two words in either order, what
    follows the letter of an option, and a binomial coefficient that looks like a point: C(5, 2).
    """
    readings = forms(without_frame(text))
    others = [_OPTION.sub("", text), _CHOOSE.sub(r"\\binom{\1}{\2}", text)]
    if not re.search(r"\d", text):
        bare = re.sub(r"\\text ?\{([^{}]*)\}", r" \1 ", text).strip()
        digits = with_digits(bare)
        if digits != bare or _TWO_WORDS.fullmatch(bare):
            others.append(plain(digits))
    for other in others:
        if other.strip() and other != text:
            readings += forms(without_frame(other))
    return readings + [form(part) for part in map(rounded_to, readings) if part]


def _same_text(gold: str, said: str) -> bool:
    return _same_form(form(gold), form(said))


def _same_form(gold: Form, said: Form) -> bool:
    """Whether two answers are equal, part by part where they have parts."""
    gold, said = _normal(gold), _normal(said)
    if FALSE in (gold, said):
        return False
    if gold.kind == "value" == said.kind and not _has_sign(gold, said):
        return same_leaf(gold.text, said.text) or _same_real_set(gold, said) is True
    if gold.kind == "chain" or said.kind == "chain":
        return _same_relation(gold, said)
    same = _same_listing(gold, said)
    return _same_real_set(gold, said) is True if same is None else same


def _normal(answer: Form) -> Form:
    """A chain of equals signs reduced to what it says, and an assignment of a pair to the pair."""
    if answer.kind != "chain":
        return answer
    if set(answer.signs) <= {"=", "~"}:
        return reduced(answer)
    if answer.signs == ("in",) and form(answer.parts[1]).kind == "set":
        return form(answer.parts[1])
    if answer.signs == ("such that",):
        # A ratio.
        return form(rf"({answer.parts[0]})/({answer.parts[1]})")
    return answer


def _same_relation(gold: Form, said: Form) -> bool:
    """Whether two answers are equal of which one at least is a relation."""
    if gold.kind == "list" and set(said.signs) in ({"<"}, {">"}):
        # Numbers that are put in order: 2 < 5 < 9 for 2, 5, 9.
        numbers = [number.value for number in map(read_number, said.parts) if number is not None]
        ordered = sorted(set(numbers), reverse=">" in said.signs) == numbers
        return ordered and _same_form(gold, Form("list", said.parts, (), said.text))
    ours, theirs = assigned(gold, gold=True), assigned(said, gold=False)
    if gold.kind != "chain" or said.kind != "chain":
        # A value without a name is the value with it.
        one = form(ours[1]) if ours else gold
        other = form(theirs[1]) if theirs else said
        if (ours or theirs) and _same_form(one, other):
            return True
    elif (
        ours and theirs and names_agree(ours[0], theirs[0]) and _same_text(ours[1], theirs[1])
    ) or same_chain(gold, said):
        return True
    return _same_real_set(gold, said) is True


def _same_real_set(gold: Form, said: Form) -> bool | None:
    """Whether two sets of real numbers are equal; None if one of them is none that can be read."""
    if {gold.kind, said.kind} <= {"set", "list", "value"} and not any(
        _has_relation(answer) for answer in (gold, said)
    ):
        return None
    one, other = real_set(gold.text), real_set(said.text)
    return None if one is None or other is None else same_set(one, other)


def _has_relation(answer: Form) -> bool:
    return any(
        sign in answer.text for sign in ("<", ">", r"\le", r"\ge", r"\ne", r"\mid", ":", "[", "(")
    )


def _same_listing(gold: Form, said: Form) -> bool | None:
    """Lists, sets, pairs and matrices, part by part; None where an interval may be meant."""
    if any(_inequalities(answer) for answer in (gold, said)):
        same = _same_real_set(gold, said)
        if same is not None:
            return same
    if gold.kind == "matrix" or said.kind == "matrix":
        return _same_matrix(gold, said)
    named = _same_assignments(gold, said)
    if named is not None:
        return named
    if "group" in (gold.kind, said.kind):
        if gold.kind == said.kind:
            return _same_group(gold, said) or _same_real_set(gold, said) is True
        # A pair is neither a list nor a set, but may be the only element of one.
        single = said if gold.kind == "group" else gold
        if single.kind in ("list", "set") and not _has_sign(gold, said):
            alone = len(single.parts) == 1
            one, other = (
                answer.parts[0] if answer is single and alone else answer.text
                for answer in (gold, said)
            )
            interval = alone or "or" in single.signs
            return (alone and _same_text(one, other)) or (
                interval and _same_real_set(gold, said) is True
            )
    if "union" in (gold.kind, said.kind) or "intersection" in (gold.kind, said.kind):
        return _same_real_set(gold, said)
    ours, theirs = _elements(gold), _elements(said)
    if ours == [gold.text] and theirs == [said.text]:
        return None
    return _same_elements(ours, theirs)


def _has_sign(*answers: Form) -> bool:
    return any(has_sign(answer.text) for answer in answers)


def _inequalities(answer: Form) -> bool:
    return answer.kind == "list" and any(
        set(part.signs) & {"<", ">", "<=", ">=", "!=", "in"}
        for part in map(form, answer.parts)
        if part.kind == "chain"
    )


def _same_matrix(gold: Form, said: Form) -> bool:
    r"""Entry by entry; a row or a column is also a pair (1, 2)."""
    shapes = [answer.signs for answer in (gold, said) if answer.kind == "matrix"]
    if len(shapes) == 2:
        if shapes[0] != shapes[1]:
            return False
    elif "1" not in shapes[0] or {gold.kind, said.kind} != {"matrix", "group"}:
        return False
    return len(gold.parts) == len(said.parts) and all(map(_same_text, gold.parts, said.parts))


def _same_group(gold: Form, said: Form) -> bool:
    if gold.signs != said.signs or len(gold.parts) != len(said.parts):
        return False
    if _has_sign(gold, said):
        ours, theirs = expanded_group(gold.parts), expanded_group(said.parts)
        return len(ours) == len(theirs) and all(
            any(all(map(_same_text, one, other)) for other in theirs) for one in ours
        )
    return all(map(_same_text, gold.parts, said.parts))


def _elements(answer: Form) -> list[str]:
    parts = answer.parts if answer.kind in ("list", "set") else (answer.text,)
    return [text for part in parts for text in _signed(part)]


def _signed(text: str) -> list[str]:
    r"""The texts that a part with \pm stands for, a pair with its brackets."""
    shape = form(text) if has_sign(text) else None
    if shape is not None and shape.kind == "group":
        opening, closing = shape.signs
        return [f"{opening}{', '.join(parts)}{closing}" for parts in expanded_group(shape.parts)]
    return expanded(text)


def _same_elements(gold: list[str], said: list[str]) -> bool:
    """Whether two lists hold the same elements in any order; one named twice counts once."""
    if len(gold) == len(said) and all(map(_same_text, gold, said)):
        return True
    ours, theirs = _distinct(gold), _distinct(said)
    if len(ours) != len(theirs) or len(ours) == 1 == len(gold) == len(said):
        return False
    for one in ours:
        match = next((other for other in theirs if _same_text(one, other)), None)
        if match is None:
            return False
        theirs.remove(match)
    return True


def _distinct(texts: list[str]) -> list[str]:
    distinct: list[str] = []
    for text in texts:
        if not any(_same_text(text, other) for other in distinct):
            distinct.append(text)
    return distinct


def _same_assignments(gold: Form, said: Form) -> bool | None:
    """Named values: by name where both name them, else in order; None if neither list has names."""
    ours, theirs = _named(gold), _named(said)
    if ours is None and theirs is None:
        return None
    if ours is not None and theirs is not None:
        names, others = [name for name, _ in ours], [name for name, _ in theirs]
        if sorted(names) == sorted(others) and len(set(names)) == len(names):
            values = dict(theirs)
            return all(_same_text(value, values[name]) for name, value in ours)
        if not (_one_variable(names) and _one_variable(others)) or _stem(names[0]) != _stem(
            others[0]
        ):
            return False
        return _same_elements([value for _, value in ours], [value for _, value in theirs])
    named, bare = (ours, said) if ours is not None else (theirs or [], gold)
    values_ = [value for _, value in named]
    if _one_variable([name for name, _ in named]) and bare.kind != "group":
        listed = _elements(bare)
        return (
            _same_elements(values_, listed) if ours is not None else _same_elements(listed, values_)
        )
    if bare.kind not in ("group", "list") or len(bare.parts) != len(named) or bare.signs[0] == "[":
        return False
    ordered = [value for _, value in _in_order(named)]
    pairs = zip(ordered, bare.parts, strict=True)
    return all(_same_text(*(pair if ours is not None else pair[::-1])) for pair in pairs)


def _named(answer: Form) -> list[tuple[str, str]] | None:
    """Names and values of a list of assignments; "x = 1, 2" gives both values to x."""
    if answer.kind not in ("list", "set"):
        return None
    pairs: list[tuple[str, str]] = []
    for part in answer.parts:
        shape = _normal(form(part))
        if shape.kind == "chain" and shape.signs == ("=",) and is_name(shape.parts[0]):
            pairs.append((canonical(shape.parts[0]), shape.parts[1]))
        elif pairs and shape.kind == "value" and pairs[0][0] == pairs[-1][0]:
            pairs.append((pairs[0][0], part))
        else:
            return None
    return [(name, text) for name, value in pairs for text in _signed(value)]


def _stem(name: str) -> str:
    return name.partition("_")[0]


def _one_variable(names: list[str]) -> bool:
    """Whether all values are of one variable: x = 1 or x = 2, x_1 = 1 and x_2 = 2."""
    return len({_stem(name) for name in names}) == 1


def _in_order(named: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """In the alphabet's order where the names are neighbours in it, as x and y; else as said."""
    names = sorted(name for name, _ in named)
    if all(len(name) == 1 for name in names) and ord(names[-1]) - ord(names[0]) == len(names) - 1:
        return sorted(named)
    if _one_variable(names):
        return sorted(named)
    return named
