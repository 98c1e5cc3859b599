r"""Makes what models write as a mathematical answer plain, before its parts are compared.

Used by the `math` verifier, on gold answers and answers alike; pure functions of text. Only what
does not change the meaning goes: delimiters, spacing, sizes, colours, fonts, Unicode signs. Degrees
stay as \degree, since \sin 10^\circ is not \sin 10; units stay as \text.
"""

# ruff: noqa: RUF001 (signs that look like others are what this is about)
from __future__ import annotations

import re
import unicodedata

from liftmap.verify.expressions import FUNCTIONS

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "÷": "/", "∕": "/", "⁄": "/", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∞": r"\infty ",
    "±": r"\pm ", "∓": r"\mp ", "π": r"\pi ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "γ": r"\gamma ", "δ": r"\delta ", "ε": r"\epsilon ", "λ": r"\lambda ", "μ": r"\mu ",
    "µ": r"\mu ", "σ": r"\sigma ", "φ": r"\phi ", "ϕ": r"\phi ", "ω": r"\omega ", "ρ": r"\rho ",
    "τ": r"\tau ", "Ω": r"\Omega ", "\u2126": r"\Omega ", "Δ": r"\Delta ",
    "Å": r"\AA ", "\u212b": r"\AA ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "∅": r"\emptyset ", "∠": r"\angle ", "≈": r"\approx ", "≡": r"\equiv ",
    "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}", "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}", "⅙": r"\frac{1}{6}", "⅛": r"\frac{1}{8}",
    "°": r"\degree ", "′": "'", "’": "'", "“": "", "”": "", "⟨": "(", "⟩": ")", "∧": " and ",
    "∨": " or ", "∣": "|", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "℃": r"\degree\text{C}", "℉": r"\degree\text{F}", "→": r"\to ",
}  # fmt: skip
_SIGN_TABLE = str.maketrans(_SIGNS)
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ"
_RAISED_TABLE = str.maketrans(_RAISED, "0123456789+-nx")
_LOWERED = "₀₁₂₃₄₅₆₇₈₉₊₋ₙ"
_LOWERED_TABLE = str.maketrans(_LOWERED, "0123456789+-n")

# Commands whose argument alone has a meaning, and fonts, of which a word's argument stays \text.
_WRAPPERS = (
    r"\\(?:boldsymbol|bm|pmb|underline|uline|mathbf|mathit|mathsf|mathtt|mathnormal|mathcal|mathscr"
    r"|mathfrak|mathop|mathord|mathstrut|ensuremath|displaystyle|hbox|colorword|emph|smash|uwave"
    r"|underbar|mathbin|mathrel|boxed|fbox|framebox|large|Large|bf|it|cal)"
)
_WRAPPER = re.compile(rf"{_WRAPPERS}(?![a-zA-Z])\s*(?=\{{)")
_SWITCH = re.compile(
    r"\\(?:bf|it|sf|tt|sl|sc|cal|bfseries|itshape|rmfamily|sffamily|ttfamily|mdseries|upshape"
    r"|tiny|scriptsize|footnotesize|small|normalsize|large|Large|LARGE|huge|Huge|displaystyle"
    r"|textstyle|scriptstyle|scriptscriptstyle|limits|nolimits|boxed|fbox|colorword|boldmath"
    r"|mathstrut|strut|nonumber|notag|hfill|centering|mathop|par|newline|nobreak|allowbreak"
    r"|ensuremath|left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z])\s*"
)
_COLOR = re.compile(r"\\(?:text)?color\s*(?:\[[^\[\]]*\])?\s*\{[^{}]*\}")
_COLOR_BOX = re.compile(r"\\(?:colorbox\s*\{[^{}]*\}|fcolorbox\s*\{[^{}]*\}\s*\{[^{}]*\})")
# Unit vectors, whatever marks them; two of them at least, since a bold i may be the imaginary unit.
_MARKED_AXIS = re.compile(
    r"\\(?:vec|hat|mathbf|boldsymbol|bm|overrightarrow|widehat)\s*"
    r"(?:\{\s*\\?([ijk])(?:math)?\s*\}|\\?([ijk])(?:math)?(?![a-zA-Z]))"
)
_SECOND_AXIS = re.compile(_MARKED_AXIS.pattern.replace("[ijk]", "[jk]"))
_FUNCTION_NAMES = "|".join(
    sorted({*FUNCTIONS, "max", "min", "gcd", "lcm", "tg", "ctg", "arctg", "asin", "acos", "atan"},
           key=len, reverse=True)
)  # fmt: skip


def _repeating(whole: str, first: str, repeated: str) -> str:
    """The fraction that a repeating decimal is."""
    below = 10 ** len(first) * (10 ** len(repeated) - 1)
    above = int(whole + first + repeated) - int(whole + first or 0)
    return rf"\frac{{{above}}}{{{below}}}"


_UPRIGHT = (
    r"\\(?:textnormal|textrm|mathrm|operatorname\*?|rm|text|mbox|textup|textsf|texttt|mathsf)"
)
# Each is replaced everywhere, in this order.
_REPLACED = [
    (re.compile(pattern), by)
    for pattern, by in (
        (rf"[{_RAISED}]+", lambda m: f"^{{{m.group().translate(_RAISED_TABLE)}}}"),
        (rf"[{_LOWERED}]+", lambda m: f"_{{{m.group().translate(_LOWERED_TABLE)}}}"),
        (r"(?<=[\d.])\s*[xX]\s*(?=10\s*(?:\^|\*\*))", r"\\times "),
        (r"√\s*(\d+|[a-zA-Z])", r"\\sqrt{\1}"),
        (r"√", r"\\sqrt"),
        (r"\\(?:dfrac|tfrac|cfrac|nicefrac|sfrac|xfrac|flatfrac|ifrac)(?![a-zA-Z])", r"\\frac"),
        (r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
        (r"\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}", r"\\frac{\1}{\2}"),
        (r"\{([^{}]*)\\choose(?![a-zA-Z])([^{}]*)\}", r"\\binom{\1}{\2}"),
        (r"^([^{}]*)\\choose(?![a-zA-Z])([^{}]*)$", r"\\binom{\1}{\2}"),
        (r"(?:\{\})?[\^_] ?\{?(\d+|n)\}? ?C ?_ ?\{?(\d+|[a-z])\}?", r"\\binom{\1}{\2}"),
        (r"\\checkmark(?![a-zA-Z])|[✓✔✅]", " "),
        (r"\\(?:left|right)\s*\.", " "),
        (r"\{:\}", ":"),
        (r"\b([ap])\.\s?m\b\.?", r"\1m"),
        (r"^\s*(?:\\text\s*\{\s*(?:negative|minus)\s*\}|negative\b|minus\b)\s*(?=[\d.\\])", "-"),
        (r"\^\s*\{?\s*\\(?:top|intercal)(?![a-zA-Z])\s*\}?", "^T"),
        # A segment or a triangle by its corners.
        (r"\\overline\s*\{\s*([A-Z]{2,3})\s*\}|\\triangle\s*(?=\{?\s*[A-Z])", r"\1"),
        (r"\\text\s*\{\s*,?\s*(?:for|where|with|when)\s*\}", ", "),
        (r"(?:\{\})?\^ ?\{?(\d+)\}? ?/ ?_ ?\{?(\d+)\}?", r"\\frac{\1}{\2}"),
        (r"\\(?:mathrm|mathbf|mathit|mathsf|boldsymbol|bm)\s+([a-zA-Z\d])(?![a-zA-Z])", r"\1"),
        (r"\\mathring\s*\{\s*\\?(?:text|mathrm)?\s*\{?\s*A\s*\}?\s*\}", r"\\AA "),
        (r"(?<=[\d\s,}])([kMGmn])\s*(?=\\Omega)", r"\\text{\1}"),
        (r"\s*(?:\\q?quad(?![a-zA-Z])\s*)+(?=\\?[a-zA-Z]+(?:_\{?\w+\}?)?\s*=)", ", "),
        (r"(?:\\\\\s*)+$", ""),
        (r"\\varnothing(?![a-zA-Z])", r"\\emptyset "),
        (r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![a-zA-Z])\s*\.?(?=\W|$)", ""),
        (r"\\[lr]?[vV]ert(?![a-zA-Z])", "|"),
        (r"\\(?:lbrace|rbrace)(?![a-zA-Z])", lambda m: r"\{" if "l" in m.group() else r"\}"),
        (r"\\[lr]brack(?![a-zA-Z])", lambda m: "[" if "l" in m.group() else "]"),
        (r"\\[lr]angle(?![a-zA-Z])", lambda m: "(" if "l" in m.group()[1] else ")"),
        (r"(?<=\d)(?:\\[,!]|\{,\}|\{,\\!\}|,\\!)(?=\d{3}(?!\d))", ","),
        (r"(?<!\\)\\(?:[,;:! >]|q?quad(?![a-zA-Z])"
         r"|(?:thin|med|thick|neg\w*|en|em)space(?![a-zA-Z]))|~", " "),
        (r"\\(?:[hv]space\*?|[hv]?phantom|label|tag)\s*\{[^{}]*\}", " "),
        (r"(?<!\\)\\[()\[\]]", " "),
        (r"\^\s*(?:\\circ(?![a-zA-Z])|\{\s*\\circ\s*\})|\\degrees?(?![a-zA-Z])|\^\s*o(?![a-zA-Z])"
         r"|(?:(?<=\d)|(?<=\}))\s*(?:\\text\s*\{\s*degrees?\s*\}|degrees?\b|deg\b)", r"\\degree "),
        (r"\{\s*\\(?:rm|bf|it|sf|tt)\s+((?:[a-zA-Z]|\s)*)\}", r"\\text{\1}"),
        (r"\\rm(?![a-zA-Z])\s*([a-zA-Z]+)", r"\\text{\1}"),
        # After a number, "min" is a unit.
        (rf"(?<!\d)(?<!\d )(?<!\}})(?<!\}} ){_UPRIGHT}\s*\{{\s*({_FUNCTION_NAMES})\s*\}}",
         r"\\\1 "),
        (rf"{_UPRIGHT}\s*\{{([eid])\}}", r"\1"),
        (rf"{_UPRIGHT}\s*\{{((?:\s|\\[a-zA-Z]+(?![a-zA-Z])|[\d.+^_()-])*)\}}", r" \1 "),
        (r"\\(?:textbf|textit|textrm|textsf|texttt|textsc|textnormal|textup|emph|mathrm|mbox|rm)"
         r"(?=\s*\{)", r"\\text"),
        (r"\\(?:mathbf|mathit|mathsf|boldsymbol|bm|bf)(?=\s*\{\s*\(?\s*[a-zA-Z]{2,}[^{}\\]*\})",
         r"\\text"),
        (r"\\operatorname\*?(?=\s*\{)", r"\\text"),
        (r"\\unit(?=\s*\{)|\\si(?=\s*\{)", r"\\text"),
        (r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1 \\text{\2}"),
        (r"\\text\s*\{\s*(?:,?\s*(and|or))\s*\}", r" \1 "),
        (r"\\(?:land|wedge)(?![a-zA-Z])", " and "),
        (r"\\(?:lor|vee)(?![a-zA-Z])", " or "),
        (r"\\text\s*\{\s*\}", " "),
        (r"\\l?dots(?![a-zA-Z])|\\cdots(?![a-zA-Z])|…", r"..."),
        (r"\\\$\s*(-?[\d.,]*\d)(?![\d/])", r"\1 \\text{ dollars}"),
        (r"€\s*(-?[\d.,]*\d)|(-?[\d.,]*\d)\s*€", r"\1\2 \\text{ euros}"),
        (r"£\s*(-?[\d.,]*\d)|(-?[\d.,]*\d)\s*£", r"\1\2 \\text{ pounds sterling}"),
        (r"[€£¥₹]", ""),
        (r"\s*(?:\\text ?\{ ?(?:per ?cent|pct)\.? ?\}|\bper ?cent\b|\bpct\b)", r"\\%"),
        (r"\s+", " "),
        (r"^\s*(?:\\(?:approx|sim|therefore|simeq|implies|Rightarrow)(?![a-zA-Z])|=)\s*", ""),
        # "k\pi, where k \in \mathbb{Z}": the names of free integers say nothing more.
        (r"[,\s]+(?:\\text ?\{ ?)?(?:(?:where|for|with)(?: any| all| every)?(?: integers?)?)? ?"
         r"\}? ?"
         r"[a-zA-Z] ?\\in ?\\mathbb ?\{ ?[ZNR] ?\}\s*$", ""),
        (r"(\d*)\.(\d{0,20})\\(?:overline|bar|dot) ?\{ ?(\d{1,20}) ?\}",
         lambda m: _repeating(*m.groups())),
        # 0.333..., 0.1666..., 0.142857142857...
        (r"(\d*)\.(\d{0,6}?)(?:(\d)\3{2,}|(\d{2,6})\4+)\.\.\.$",
         lambda m: _repeating(m[1], m[2], m[3] or m[4])),
    )
]  # fmt: skip


def plain(text: str) -> str:
    r"""The answer without what does not change its meaning.

    Example: `\left( \tfrac{1}{2},\, \mathbf{3} \right)` is `( \frac{1}{2}, 3 )`.
    """
    text = "".join(
        character
        for character in text.translate(_SIGN_TABLE)
        if unicodedata.category(character) not in ("Cf", "Cs", "Co", "Cn")
        and (character.isspace() or unicodedata.category(character) != "Cc")
    )
    # Full-width forms of ASCII.
    text = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    if _SECOND_AXIS.search(text):
        text = _MARKED_AXIS.sub(lambda m: rf"\hat{{{m[1] or m[2]}}} ", text)
    if "color" in text:
        text = _COLOR_BOX.sub(r"\\colorword", _COLOR.sub(r"\\colorword", text))
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    if "\\" in text:
        text = _SWITCH.sub(" ", _unwrapped(text))
    text = re.sub(r"\\?\$", "", text)
    text = re.sub(r"\s+", " ", text).strip(" *`").rstrip(".,;:? ").strip()
    while text.startswith("{") and closing_brace(text, 0) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _unwrapped(text: str) -> str:
    """Without the commands that only format their argument."""
    end = len(text)
    # From the inside out, so that one command within another is gone when the other's turn comes.
    for command in reversed(list(_WRAPPER.finditer(text))[:200]):
        start, opening = command.start(), command.end()
        end = closing_brace(text, opening)
        if end < 0:
            continue
        content = text[opening + 1 : end]
        before = text[:start].rstrip()
        needs_braces = before[-1:] in ("^", "_") or re.search(
            r"\\[a-zA-Z]+$|\\frac ?\{.*\}$", before
        )
        text = (
            text[:start] + (f"{{{content}}}" if needs_braces else f" {content} ") + text[end + 1 :]
        )
    return text


def closing_brace(text: str, opening: int) -> int:
    """Where the brace that opens here is closed; -1 if it is not."""
    depth = 0
    place = opening
    while place < len(text):
        if text[place] == "\\":
            place += 1
        elif text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if not depth:
                return place
        place += 1
    return -1


# A space between two words or two numbers says something.
_SPACE = re.compile(r"(?<=[a-zA-Z])\s+(?![a-zA-Z])|(?<=\d)\s+(?!\d)|(?<![a-zA-Z\d])\s+")
_LIMITS = re.compile(r"_ ?\{? ?\\(min|max|inf|sup|ext) ?\}?")
_SINGLE = re.compile(r"(?<=[\^_])\{(\w|\\[a-zA-Z]+)\}")


def canonical(text: str) -> str:
    r"""A plain answer without spaces, and without braces around one letter: E_{1} is E_1."""
    text = re.sub(r"\\text ?\{([^{}]*)\}", r"\1", text)
    text = _LIMITS.sub(r"_{\1}", text)
    text = re.sub(r"(\\[a-zA-Z]+) +(?![a-zA-Z])", r"\1", text)
    for command, sign in ((r"\le", "<="), (r"\ge", ">="), (r"\lt", "<"), (r"\gt", ">")):
        text = re.sub(rf"\{command}(?:q|qslant)?(?![a-zA-Z])", sign, text)
    return _SINGLE.sub(r"\1", _SPACE.sub("", text))
