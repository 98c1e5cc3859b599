"""The ways in which people and models name the letter of an answer, as regular expressions.

Used by the verifier `choice`, for texts in plain signs; reads and writes nothing.
"""

# ruff: noqa: E501 (a pattern is easier to read on one line)
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from liftmap.errors import ConfigError

# What stands for a letter that is rejected.
CROSSED_OUT = "\x00"


@dataclass(frozen=True, slots=True)
class ChoicePatterns:
    """What finds the letters of one choice.

    Each has the group `letters` but the first and the last three.

    Attributes:
        gold: A gold answer; its group is `letter`.
        alone: A text or line that is nothing but letters.
        option: A line that begins with a letter as the options of a question do, as "C) 5 m/s".
        box: The beginning of a box's content.
        says: "The answer is C", "answer: C", "I choose C", "#### C".
        calls: "C is correct", "it must be C", "that leaves C", "C) 5 m/s ✓".
        names: "so C", "option C".
        rejects: Letters that are rejected.
        candidate: A sign that may be a letter of the choice.
        letter: One letter.
    """

    gold: re.Pattern[str]
    alone: re.Pattern[str]
    option: re.Pattern[str]
    box: re.Pattern[str]
    says: re.Pattern[str]
    calls: tuple[re.Pattern[str], ...]
    names: re.Pattern[str]
    rejects: tuple[re.Pattern[str], ...]
    candidate: re.Pattern[str]
    letter: re.Pattern[str]


# How a sentence goes on after a letter; else the letter is a word or the name of something, as in
# "a dog", "B cells".
_THEN = (
    r"because|since|as|and|or|which|with|is|are|by|from|given|due|for|on|in|then|so|but|not|that"
    r"|where|while|when|if|rather|instead|over|only|here|based|according|after|being|too|again"
    r"|indeed|though|although|unlike|to|at|via|would|must|should|the|both|correctly|best"
)
_SURELY = (
    r"therefore|thus|hence|then|clearly|indeed|simply|just|really|only|definitely|certainly|surely"
    r"|obviously|probably|likely|most|more|very|now|so|still|actually|apparently|in fact|also|almost"
    r"|by elimination|of course|again|in my (?:opinion|view|judgment)"
)
_FILLER = (
    rf"(?:(?:{_SURELY}|the|(?-i:an?(?=\s))|option|choice|letter|answer|alternative|statement|either|both|again"
    rf"|labell?ed|given by|correct|right|(?:none|nothing|no) other than"
    r"|i (?:think|believe|guess|suppose|would say|'d say)|no|wait|sorry|oops|i mean|or rather|rather"
    rf"|correction|hmm+)\b[\s,:]*|{CROSSED_OUT}[\s,.;:?]*){{0,8}}+"
)
_NOUN = (
    r"(?:answers?|ans|choice|option|pick|guess|selection|verdict|letter|response|vote"
    r"|réponse|antwort|respuesta|risposta|resposta|ответ|(?:correct|right|best|true) one)"
)
_VERB = (
    r"(?:is|are|was|would be|should be|must be|has to be|have to be|can only be|will be|ought to be"
    r"|seems to be|appears to be|turns out to be|becomes|remains|might as well be|but|it's|it is"
    r"|goes to|equals|es|est|ist|è|é)\b"
)
_CHOOSE = (
    r"(?:choos(?:e|es|ing)|chose|pick(?:s|ed|ing)?|select(?:s|ed|ing)?|opt(?:ed|ing)? for"
    r"|(?:go|going|went|stick|sticking) with|settl(?:e|ed|ing) (?:on|for)|lean(?:ing)?(?: to| towards?)?"
    r"|conclude(?: that)?(?: it is| it's)?|guess|mark(?:ed)?|vote for|'d say|would say|will say)"
)
_NOT = (
    r"(?:\bnot|n't|\bnever|\bneither|\bnor|\bcannot|\bno longer)"
    rf"(?:\s+(?:be|{_CHOOSE}|{_SURELY}|necessarily)){{0,3}}"
    r"(?:\s+(?:think|believe|say|agree)\s+(?:that\s+)?(?:the answer|it|this|that)?\s*"
    r"(?:is|'s|could be|can be|should be))?"
)
_OUT = (
    r"rul(?:e|es|ed|ing) out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed|ing)|discard(?:s|ed|ing)?"
    r"|reject(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|cross(?:es|ed|ing)? (?:out|off)"
    r"|(?<!anything )(?<!nothing )(?<!none )(?<!no )other than|rather than|instead of|unlike"
    r"|except(?: for)?|over|(?<!other )than|versus|vs\.?|none of"
    r"|(?:anything|everything|all|any(?: option| letter)?|every(?: option| letter)?) but"
)
_BAD = (
    r"wrong|incorrect|false|invalid|untrue|impossible|implausible|unlikely|inconsistent|irrelevant"
    r"|inadequate|insufficient|unsuitable|tempting|misleading|ruled out|eliminated|excluded"
    r"|discarded|rejected|dismissed|out\b|a trap|a distractor|the trap|too\b|worse"
)
_FAILS = (
    r"(?:is|are|was|were|do|does|did|can|could|would|will|has|have|should)n't|can't|cannot|can not"
    r"|won't|(?:is|are|was|were|do|does|did|could|would|will|has|have|should|must) not"
    r"|fails?|failed|contradicts?|violates?|ignores?|overlooks?|misses|confuses|overestimates?"
    r"|underestimates?|misstates?|misidentif\w+"
)
_BACK = "no|wait|actually|sorry|oops|i mean|correction|or rather|scratch that|hmm+"
_GOOD = (
    r"correct|right|true|best|better(?! than)|(?:the|my|our) (?:\w+ )?(?:answer|choice|option|one|pick)"
    r"|an? (?:correct|right|good|better|valid|fine) (?:answer|choice|option|one|pick)"
    r"|the (?:only|best|most|correct|right)"
)


@lru_cache
def choice_patterns(letters: str) -> ChoicePatterns:
    """What finds these letters.

    Raises:
        ConfigError: They are anything but distinct upper-case letters.
    """
    if not re.fullmatch("[A-Z]+", letters) or len(set(letters)) < len(letters):
        raise ConfigError(
            "verify.options.letters must be distinct upper-case letters.",
            seen=letters,
            remedy="Write them in one word, as 'ABCD'.",
        )
    upper, lower = f"[{letters}]", f"[{letters.lower()}]"
    word = f"[{re.sub('[ai]', '', letters.lower()) or letters.lower()}]"
    # A letter in brackets is one whatever follows; a bare one is if the sentence goes on so.
    wrapped = rf"[(\[\"'<]{{1,3}}+\s*(?:{upper}|{lower})\s*[)\]\"'>]+"
    begin, end = r"(?<![A-Za-z0-9'\-\\])", r"(?![A-Za-z0-9'^_#]|-[A-Za-z0-9]|\+\+)"
    goes_on = rf"(?!\s+(?!(?:{_THEN})\b)[a-z])(?!\s*=)"
    # "I" is a pronoun too.
    bare = rf"(?:{begin}(?!I\s+(?!is\b|because\b|since\b)[a-z])(?!I'){upper}{end}[)\]]?{goes_on})"
    one = rf"(?:{wrapped}|{bare})"
    # In lower case a letter stands at the end of what is said; "a" and "i" are words too.
    small = (
        rf"(?:{begin}{lower}(?=[)\]]|\s*(?:[.,;:!]|$|\n))[)\]]?"
        rf"|{begin}{word}(?=\s+(?:because|since|as|which|is)\b))"
    )
    more = (
        r"\s*(?:,?\s*\b(?:and|or)\b|,|/|&|\+|;|(?<=[A-Z)\]]) (?=[(A-Z]))\s*(?:option\s+|choice\s+)?"
    )
    last = r"(?!\s+(?!(?:and|or|because|since|as|both)\b)[a-z])"
    several = rf"(?:{one}(?:{more}{one}{last}){{0,9}}+)"
    any_case = rf"(?P<letters>{several}|{small})"
    upper_case = rf"(?P<letters>{several})"
    # Letters that are crossed out: looser, since more may follow them.
    loose = rf"(?:{wrapped}|{begin}(?!I\s+[a-z]|I'){upper}{end}[)\]]?)"
    group = rf"{loose}(?:\s*(?:,|/|&|\band\b|\bor\b|\bnor\b)\s*(?:(?:and|or|nor)\s+)?(?:option\s+)?{loose}){{0,9}}+"
    kind = r"(?:the\s+|(?-i:an?)\s+|its\s+)?(?:(?:options?|choices?|answers?|letters?|statements?|either|both|just|only)\s+){0,3}"
    bad_noun = r"(?:answers?|options?|choices?|letters?|ones?|pick|distractors?|traps?)"
    i = "(?i:{})".format
    rejects = (
        i(rf"{_NOT}\s+{kind}") + group + i(r"(?!\s+(?:only|merely|just)\b)"),
        i(rf"\b(?:{_OUT})\s+{kind}") + group,
        i(rf"\b(?:{_BAD}|bad|worst|poor)\s+{bad_noun}\s*(?:{_VERB}|:|,|were)?\s*{_FILLER}") + group,
        i(r"\b(?:initially|at first|originally|my first)\b[^.\n]{0,30}?") + group,
        i(rf"\b(?:distractor|trap)\s*(?:{_VERB}|:)\s*") + group,
        group
        + i(
            rf"(?:\.(?=\s(?-i:is|are)\b))?\s*(?:\([^()\n]{{1,60}}\)\s*)?(?:(?:is|are|was|were|would be|can be|seems?|looks?"
            rf"|must be|may be|has been|have been|being|,)\s+(?:(?:{_SURELY}|all|both|each|not)\s+){{0,3}}"
            rf"(?:an?\s+(?:\w+\s+)?)?(?:{_BAD})(?!\s+(?:only|if))|(?:{_FAILS})\b(?!\s+(?:be\s+)?(?:{_BAD})))"
        ),
        group + i(r"\s*[):.\-=>→]*\s*(?:wrong\b|incorrect\b|false\b|not correct\b|no\b)"),
        i(r"[✗✘❌✖][ \t]*") + group,
        group + r"[ \t]*[):.\-]*[ \t]*[✗✘❌✖]",
        group + i(rf",?\s*(?:which|(?:but|and) (?:it|that|this))(?: is|'s| would be)\s+(?:{_BAD})"),
        group
        + i(
            r"\s+is\s+the\s+(?:only\s+)?(?:one|option|choice|answer)\s+(?:that\s+)?(?:i|we|you)\s+"
            rf"(?:can|would|should|must)\s+(?:{_OUT})"
        ),
        loose + i(rf"(?=[,;:?! \-]*\b(?:{_BACK})\b[^\n]{{0,40}}?") + loose + ")",
    )
    says = "|".join(
        (
            i(
                rf"\b{_NOUN}\b(?!\s+(?:choices|options|key)\b)[^.\n]{{0,40}}?(?:{_VERB}|'s\b|\s*[:=]|\s-|->|→)"
                rf"[\s:,]*\"?{_FILLER}\s*"
            ),
            i(rf"####\s*{_FILLER}"),
            i(
                rf"\b(?:i|we|i'll|i'd|we'll|let's|let us|please|thus|so|therefore)\b[^.\n]{{0,30}}?\b{_CHOOSE}\s+{_FILLER}\s*"
            ),
            i(rf"(?:^|[\n,;:.]\s)\s*{_CHOOSE}\s*:?\s*{_FILLER}\s*"),
            i(
                r"\b(?:final|correct|chosen|selected|best|conclusion|result|solution)\s*(?:answer|choice|option)?\s*:\s*"
            ),
        )
    )
    calls = (
        rf"(?P<letters>{one}(?:{more}{one}){{0,9}}+)"
        + i(
            r"(?:\.(?=\s(?-i:is|are)\b))?"
            rf"\s+(?:is|are|must be|should be|would be|has to be|seems|looks|appears|being)(?: to be)?"
            rf"\s+(?:(?:{_SURELY}|both|all|indeed)\s+){{0,3}}(?:{_GOOD})\b"
            r"(?!\s+(?:only|if|when|but|except|for|in)\b)"
        ),
        i(
            r"\b(?:it|that|this|which)(?:'s| is| must be| should be| has to be| can only be| would be)"
            rf"\s+(?:(?:{_SURELY})\s+){{0,3}}(?:(?:option|choice|letter|answer|either)\s+){{0,3}}"
        )
        + upper_case,
        i(
            r"\b(?:leav(?:es|ing)(?: us)?|left|matches|corresponds to|agrees with"
            r"|only(?: option| choice| answer)?(?: left| remaining)?)\s+"
            r"(?:(?:only|just|the|option|choice|answer|with|us|is|remaining)\s+){0,4}"
        )
        + upper_case,
        rf"(?P<letters>{loose})" + i(r"\s+(?:is(?=\s*(?:[.!;,\n]|\Z))|it is\b)"),
        i(
            r"\b(?:i|we) (?:get|obtain|have|find|arrive at|are left with)\s+(?:(?:option|choice)\s+)?"
        )
        + upper_case
        + r"(?=\s*(?:[.!\n]|\Z))",
        rf"(?P<letters>{group})" + i(r"\s+(?:remains?|is left|survives?|fits|works|holds)\b"),
        rf"(?P<letters>{loose})" + i(r"\s*[:.\-=>→]*\s*(?:right|correct|true|yes)\b"),
        i(r"\bonly\s+(?:(?:option|choice|statement|answer)\s+)?")
        + rf"(?P<letters>{loose})"
        + i(r"\s+(?:satisfies|matches|meets|fits|works|agrees|explains|gives|is consistent)\b"),
        rf"{CROSSED_OUT}[)\]]*\s*[.;,]\s+{upper_case}(?=\s*[.!]?\s*\Z)",
        i(
            rf"\b(?:{_BACK})[\s,:.]+"
            r"(?:(?:it's|it is|that's|no|wait|i mean|the answer is|rather)\b[\s,:]*){0,4}"
        )
        + upper_case
        + r"(?=\s*(?:[.!\n]|\Z))",
        i(rf"{CROSSED_OUT}[)\]]*\s*,?\s*but\s+(?:rather\s+)?(?:it is\s+|option\s+|choice\s+)?")
        + upper_case,
        i(
            r"\b(?:most|best|correct|right)\s+(?![^.\n]*\b(?:mistakes?|errors?|distractor|trap|wrong"
            r"|incorrect|common|tempting)\b)(?:\w+\s+){1,4}?(?:is|are|would be)\s+(?:option\s+|choice\s+)?"
        )
        + upper_case
        + r"(?=\s*(?:[.!,;\n]|\Z))",
        rf"(?m:^\W*)(?P<letters>{one})"
        + i(rf"(?=,?\s+(?:(?:because|since|as|given)\b|(?:{_SURELY})\s*[.!]?\s*(?:\n|\Z)))"),
        rf"(?m:^\W*)(?P<letters>{lower})"
        + i(r"(?=\s+is\s+(?:correct|right|true|the (?:answer|best))\b)"),
        rf"[✅☑✔✓👉][ \t]*(?P<letters>{one})(?=\s*(?:[.!:)\n]|\Z))",
        rf"(?m:^\W*)(?P<letters>{one})" + i(r"[^\n]*(?:[✓✔✅☑]|\((?:correct|right)[^)\n]*\)|<-+)"),
    )
    return ChoicePatterns(
        gold=re.compile(rf"\s*[(\[]?(?P<letter>{upper}|{lower})[)\].:]?\s*"),
        alone=re.compile(
            r"(?i:so|thus|therefore|hence|ok|okay|final)?[\s,:>#\-(]*"
            rf"(?P<letters>{several}|{wrapped}|{lower})[\s.)\]:!,;]*(?:</answer>)?"
        ),
        option=re.compile(
            rf"[\s>#\-]*(?P<letters>[(\[]?{upper}(?:[)\]]+[.:]?|[.:]|\s-)(?=\s)|[(\[]{lower}[)\]](?=\s))"
        ),
        box=re.compile(rf"[\s(\[]*{any_case}(?![\w^=])"),
        says=re.compile(rf"(?:{says}){any_case}"),
        calls=tuple(re.compile(pattern) for pattern in calls),
        names=re.compile(
            i(
                r"(?:\b(?:so|thus|therefore|hence|option|choice|answer|by elimination|in conclusion|on reflection|on second thought)\b|=>|⇒|→)[\s,:]*"
                r"(?:(?:option|choice|it's|it is|the answer)\s+)?"
            )
            + any_case
        ),
        rejects=tuple(re.compile(pattern) for pattern in rejects),
        candidate=re.compile(
            rf"(?<![A-Za-z0-9])(?:(?![AI]){upper}|[AI](?!\s+[a-z])|[AI](?=\s+(?:{_THEN})\b)"
            rf"|{word}|{lower}(?=\s*(?:[.,;:!)\]\"'>]|\Z)))(?![A-Za-z0-9])"
        ),
        letter=re.compile(rf"(?<![A-Za-z0-9])(?:{upper}|{lower})(?![A-Za-z0-9])"),
    )
