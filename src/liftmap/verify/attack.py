"""How often a verifier is wrong: cases with a verdict beyond dispute, judged and compared.

A corpus is a JSON Lines file; liftmap ships one a verifier in `data/attacks`. Stands beside the
`verify` stage: reads a corpus, judges its responses with any verifier, writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from liftmap.errors import InputError, UnknownNameError
from liftmap.records import Question, Verdict
from liftmap.registry import nearest
from liftmap.verify import Verifier, make_verifier, options_of

CORPORA = Path(__file__).parent.parent / "data" / "attacks"
Failure = Literal["false positive", "false negative", "unscored"]


class Case(BaseModel):
    """A response with the verdict that it deserves: one line of a corpus.

    Attributes:
        id: Unique in the corpus.
        kind: What is tried, as "thinking" or "units".
        question: The question's text.
        gold: Its gold answer.
        response: What a model wrote.
        want: The right verdict.
        why: The reason, in a few words.
        metadata: The question's metadata; tests for the verifier `code`, say.
        options: Options that the verdict hangs on, as a tolerance. A verifier that does not have
            them is not tried on the case.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: str
    question: str
    gold: str
    response: str
    want: Literal["right", "wrong"]
    why: str = ""
    metadata: Mapping[str, str | int | float | bool] = {}
    options: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verifier said of a case."""

    case: Case
    verdict: Verdict

    @property
    def failure(self) -> Failure | None:
        """How the verdict differs from the one that the case wants; None if it does not."""
        if self.verdict.label == self.case.want:
            return None
        if self.verdict.label == "unscored":
            return "unscored"
        return "false positive" if self.verdict.label == "right" else "false negative"


@dataclass(frozen=True, slots=True)
class AttackAudit:
    """A verifier tried on a corpus.

    Attributes:
        verifier: Its name.
        corpus: The corpus, by name or path.
        options: The verifier's options, beside those of the cases.
        outcomes: One a case, in the corpus's order.
        left_out: Cases with options that the verifier does not have.
    """

    verifier: str
    corpus: str
    options: Mapping[str, Any]
    outcomes: Sequence[Outcome]
    left_out: Sequence[Case] = field(default=())

    def failures(self, failure: Failure | None = None) -> list[Outcome]:
        """The outcomes that differ from what their cases want: all, or those of one sort."""
        return [o for o in self.outcomes if o.failure and failure in (None, o.failure)]

    def wanting(self, label: str) -> int:
        """Number of judged cases that want the verdict `label` (right or wrong)."""
        return sum(o.case.want == label for o in self.outcomes)

    def by_kind(self) -> list[dict[str, Any]]:
        """A row a kind, in the corpus's order: cases and failures of each sort."""
        rows = []
        for kind in dict.fromkeys(o.case.kind for o in self.outcomes):
            outcomes = [o for o in self.outcomes if o.case.kind == kind]
            rows.append({"kind": kind, "cases": len(outcomes), **_counts(outcomes)})
        return rows

    def to_dict(self) -> dict[str, Any]:
        """The public JSON form."""
        return {
            "verifier": self.verifier,
            "corpus": self.corpus,
            "options": dict(self.options),
            "cases": len(self.outcomes),
            "want_right": self.wanting("right"),
            "want_wrong": self.wanting("wrong"),
            **_counts(self.outcomes),
            "left_out": [case.id for case in self.left_out],
            "kinds": self.by_kind(),
            "failures": [
                {
                    "failure": o.failure,
                    "id": o.case.id,
                    "kind": o.case.kind,
                    "why": o.case.why,
                    "question": o.case.question,
                    "gold": o.case.gold,
                    "response": o.case.response,
                    "want": o.case.want,
                    "verdict": o.verdict.label,
                    "answer": o.verdict.answer,
                    "reason": o.verdict.reason,
                }
                for o in self.failures()
            ],
        }


def audit_attack(
    verifier: str, options: Mapping[str, Any] | None = None, corpus: str | Path | None = None
) -> AttackAudit:
    """Tries a verifier on a corpus of answers that verifiers get wrong.

    Args:
        verifier: A name of `liftmap.verify.VERIFIERS`, or one of a third party's entry point.
        options: Its options; they override those of the cases.
        corpus: A shipped corpus by the name of its verifier, or a file of one's own. None takes the
            one of the verifier's own name.

    Raises:
        UnknownNameError: There is no such verifier or corpus.
        ConfigError: The verifier refuses its options.
        InputError: The corpus can't be read.
        LiftmapError: The verifier can't work at all.
    """
    known = options_of(verifier)
    options = dict(options or {})
    cases = read_corpus(verifier if corpus is None else corpus)
    tried = [case for case in cases if case.options.keys() <= set(known)]
    verdicts: dict[str, Verdict] = {}
    # Cases of the same options go to one verifier together: its workers share them.
    for chosen in {
        json.dumps(dict(case.options), sort_keys=True): case.options for case in tried
    }.values():
        alike = [case for case in tried if case.options == chosen]
        bound = make_verifier(verifier, {**chosen, **options})
        verdicts |= {case.id: v for case, v in zip(alike, judge(bound, alike), strict=True)}
    return AttackAudit(
        verifier=verifier,
        corpus=str(verifier if corpus is None else corpus),
        options=options,
        outcomes=[Outcome(case, verdicts[case.id]) for case in tried],
        left_out=[case for case in cases if case.id not in verdicts],
    )


def judge(verifier: Verifier, cases: Sequence[Case]) -> list[Verdict]:
    """The verdicts of a verifier on cases, whatever their options."""
    return verifier.judge(
        [
            (Question(case.id, case.question, case.gold, metadata=case.metadata), case.response)
            for case in cases
        ]
    )


def corpora() -> list[str]:
    """The names of the shipped corpora."""
    return sorted(path.stem for path in CORPORA.glob("*.jsonl"))


def read_corpus(corpus: str | Path) -> list[Case]:
    """The cases of a shipped corpus, or of a file.

    Raises:
        UnknownNameError: There is neither a shipped corpus nor a file of this name.
        InputError: A line is not a case, or two cases have the same id.
    """
    if str(corpus) in corpora():
        path = CORPORA / f"{corpus}.jsonl"
    else:
        path = Path(corpus)
        if not path.is_file():
            raise UnknownNameError(
                "There is no corpus of this name, and no such file.",
                seen=str(corpus),
                remedy=f"{nearest(str(corpus), corpora())} Or name a file with --corpus. For a "
                "verifier of your own that reads formulas, numbers or letters say --corpus math, "
                "numeric or choice.",
            )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise InputError(f"The corpus can't be read: {error}.", seen=str(path)) from None
    cases = list(_cases(path, lines))
    ids = [case.id for case in cases]
    twice = next((case_id for case_id in ids if ids.count(case_id) > 1), None)
    if not cases or twice is not None:
        what = "holds no case" if not cases else "has two cases of the same id"
        raise InputError(
            f"The corpus {path} {what}.", seen=twice, remedy="See docs/verifiers.md for its form."
        )
    return cases


def _cases(path: Path, lines: Iterable[str]) -> Iterable[Case]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Case.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"{path}, line {number} is not a case: {place or 'the line'}: {first['msg']}.",
                seen=line[:80],
                remedy="See docs/verifiers.md for its form.",
            ) from None


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    failures = [o.failure for o in outcomes]
    return {
        "false_positives": failures.count("false positive"),
        "false_negatives": failures.count("false negative"),
        "unscored": failures.count("unscored"),
    }
