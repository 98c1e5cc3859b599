"""Answers that no verifier should survive by luck: (gold answer, response)."""

from __future__ import annotations

import random

_rng = random.Random(4)
_letters = "".join(_rng.choices("abcdefghij", k=100_000))


def _boxed(answer: str, gold: str = "7") -> tuple[str, str]:
    return gold, rf"so \boxed{{{answer}}}"


HOSTILE: list[tuple[str, str]] = [
    # Towers of powers and other numbers without end.
    _boxed("9^{9^{9^{9}}}"),
    _boxed("9^9^9^9"),
    _boxed("9**9**9**9"),
    _boxed("10^{10^{10}}"),
    _boxed("2^{2^{100}} + 1"),
    _boxed("(10^{9})^{10^{9}}"),
    _boxed("((((9^9)^9)^9)^9)^9"),
    _boxed(r"\frac{9^{9^9}}{9^{9^9}}", "2"),
    _boxed("3^{10^7}", "3^{10^7}+1"),
    _boxed(r"\sqrt[10^{9}]{10^{9^9}}"),
    _boxed("100000000!"),
    _boxed("((100!)!)!"),
    _boxed(r"\binom{10^{9}}{10^{8}}"),
    _boxed(r"\Gamma(10^{10})"),
    _boxed("1e999999999"),
    _boxed("1e-999999999"),
    _boxed("0.5e999999999999999999"),
    # Work without end.
    _boxed(r"\sum_{i=1}^{10^{12}} \frac{1}{i^2}", "1.6449340668"),
    _boxed(r"\prod_{i=1}^{10^{9}} i"),
    _boxed(r"\int_0^{10^9} \sin(x^{x^x}) dx", "0.5"),
    _boxed(r"\int \frac{e^{x^2}\sin(x^3)}{\ln(\cos x)} dx", "x"),
    _boxed(r"\lim_{x \to 0} \frac{\sin(x^{x^x})}{x}", "1"),
    _boxed(r"\sqrt{" * 60 + "2" + "}" * 60, r"\sqrt{3}"),
    _boxed(r"\sin(" * 60 + "x" + ")" * 60, "x"),
    _boxed("(x+1)^{100000}", "(x+1)^{100000}+x"),
    _boxed("(x+y+z)^{300}", "(x+y+z)^{300}+x^2"),
    _boxed("+".join(f"x^{{{i}}}" for i in range(300)), "(x^{300}-1)/(x-1)"),
    _boxed("x^{1000000}-1=0", "x^{999999}-1=0"),
    _boxed("+".join(rf"\sqrt{{{i}}}" for i in range(2, 90)), r"\sqrt{2}"),
    _boxed(r"\frac{1}{1+" * 200 + "x" + "}" * 200, "x"),
    _boxed(r"\begin{pmatrix}" + "1&" * 900 + r"1\end{pmatrix}"),
    _boxed(r"x^5-x-1=0, y^5-y-x=0, z^5-z-y=0", "x=1, y=2, z=3"),
    # Nesting.
    _boxed("{" * 10_000 + "7" + "}" * 10_000),
    _boxed("(" * 10_000 + "7" + ")" * 10_000),
    _boxed("(" * 1000 + "7" + ")" * 1000, "8"),
    _boxed("-" * 4000 + "7", "8"),
    ("7", r"\boxed{" * 20_000),
    ("7", r"\boxed{" * 5_000 + "8" + "}" * 5_000),
    ("7", r"\left(" * 3_000),
    # Length.
    ("7", "8" * 5_000_000),
    _boxed("8" * 4_900),
    _boxed("8" * 3_000_000),
    _boxed("0." + "8" * 4_000),
    _boxed("1," * 2_000 + "1"),
    _boxed("x" * 4_000),
    _boxed(_letters),
    ("7", "the answer is " * 200_000),
    ("7", "$" * 1_000_000),
    ("7", r"\frac{" * 300_000),
    ("7", "1 " * 1_000_000 + "8"),
    ("7", " " * 3_000_000),
    # Characters.
    _boxed("\u202e8\u202c\u200b\u2066" * 500),
    _boxed("8\x00\x00\x1b[2J"),
    _boxed("\ud800\udfff8"),
    _boxed("\U000e0041" * 2_000),
    _boxed("Z̸̢̛" * 1_000),
    # What Python's own parsing would run.
    _boxed("__import__('os').system('exit 1')"),
    _boxed("().__class__.__bases__[0].__subclasses__()"),
    _boxed("exit()"),
    _boxed("lambda: 8"),
]
