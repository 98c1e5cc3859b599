"""A gate over several benchmarks: which of them each rule is about, and its answers.

Beside `suite`, above `gate`: a rule may name a benchmark, `old`, `new` or `pooled` before it, as
`gsm8k: accuracy >= -1`; without a name it holds for every benchmark. Each benchmark that a rule is
about is one question, and all questions share the error rate (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from liftmap.comparison.gate import parse_rule, rule_texts
from liftmap.comparison.parts import Answer, Rule
from liftmap.errors import InputError
from liftmap.registry import nearest

EVERY, OLD, NEW, POOLED = "every", "old", "new", "pooled"
GROUPS = (OLD, NEW, POOLED)


@dataclass(frozen=True, slots=True)
class SuiteRule:
    """A rule and the benchmarks that it is about.

    Attributes:
        scope: A benchmark's name; every, old or new, each of those; or pooled, the mean over
            benchmarks.
        rule: The rule.
    """

    scope: str
    rule: Rule

    @property
    def text(self) -> str:
        """As it is written: `gsm8k: accuracy >= -1`."""
        return self.rule.text if self.scope == EVERY else f"{self.scope}: {self.rule.text}"


@dataclass(frozen=True, slots=True)
class SuiteAnswer:
    """The answer to a rule on one benchmark.

    Attributes:
        rule: The rule.
        benchmark: The benchmark; None: the mean over benchmarks.
        answer: The answer with its evidence.
    """

    rule: SuiteRule
    benchmark: str | None
    answer: Answer


def parse_suite_rules(texts: Iterable[str]) -> tuple[SuiteRule, ...]:
    """Rules from texts, each a rule or the path of a file with a rule a line.

    Raises:
        InputError: A text that is neither, or an empty file.
    """
    rules = []
    for text, place in rule_texts(texts):
        scope, colon, rule = text.rpartition(":")
        parsed = SuiteRule(scope.strip() if colon else EVERY, parse_rule(rule, place))
        if parsed.scope == POOLED and parsed.rule.k is None:
            raise InputError(
                f"{place}: lost questions are counted benchmark by benchmark, not pooled.",
                seen=text,
                remedy="Leave `pooled:` out, or name a benchmark.",
            )
        rules.append(parsed)
    return tuple(dict.fromkeys(rules))


def asked_of(
    rules: Sequence[SuiteRule], benchmarks: Mapping[str, bool]
) -> list[tuple[SuiteRule, str | None]]:
    """Each rule with each benchmark that it is about; None stands for the mean over benchmarks.

    Args:
        rules: The rules.
        benchmarks: By name, whether the benchmark is old.

    Raises:
        InputError: A rule names no benchmark of the suite, or old ones where there are none.
    """
    pairs: list[tuple[SuiteRule, str | None]] = []
    for rule in rules:
        if rule.scope in benchmarks:
            pairs.append((rule, rule.scope))
        elif rule.scope == POOLED:
            pairs.append((rule, None))
        elif rule.scope in (EVERY, OLD, NEW):
            about = [
                (rule, name)
                for name, old in benchmarks.items()
                if rule.scope == EVERY or old == (rule.scope == OLD)
            ]
            if not about:
                raise InputError(
                    f"No benchmark of the suite is {rule.scope}.",
                    seen=rule.text,
                    remedy="Mark the benchmarks that the training was not for with --old."
                    if rule.scope == OLD
                    else "Mark fewer of them with --old.",
                )
            pairs += about
        else:
            raise InputError(
                f"The suite has no benchmark {rule.scope}.",
                seen=rule.text,
                remedy=nearest(rule.scope, [*benchmarks, *GROUPS]),
            )
    return pairs
