"""The four findings of the study liftmap implements, each held against this run.

Kim, Shrestha, Shrestha, Nepal and Ross, "Reinforcement Learning vs. Distillation" (arXiv
2505.14216). Reads the tables of a study and the roles of its arms; gives paragraphs for the page. A
finding appears here if every claim that decides it holds, does not appear if one fails, and is not
settled otherwise; the rules are those of `claims`, applied to the intervals of the tables. Arms are
found by their role, never by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from liftmap.comparison.rounding import change_text, estimate_of, fixed, percent
from liftmap.comparison.words import margin_text
from liftmap.config import BASE, TEACHER, ResponsesSection, StudyConfig
from liftmap.report import claims
from liftmap.report.claims import Claim, Evidence
from liftmap.report.evidence import (
    AUC_TOLERANCE,
    LENGTH_TOLERANCE,
    Row,
    Run,
    accuracy_rises,
    at_every_difficulty,
    capability_rises,
    capability_stays,
    hardest_gain_nothing,
    indicator_tells_nothing,
    known,
    lost,
    middle_gains_most,
)
from liftmap.report.overview import spread

Word = Literal["appears here", "does not appear here", "not settled here", "not tested here"]


@dataclass(frozen=True)
class Finding:
    """One finding, held against this run.

    Attributes:
        number: 1 to 4.
        title: What it says, in a line.
        predicts: What the study would lead one to expect.
        shows: What this run shows, in a few sentences.
        claims: What it says in parts, each with its evidence.
    """

    number: int
    title: str
    predicts: str
    shows: str
    claims: Sequence[Claim] = field(default_factory=tuple)

    @property
    def word(self) -> Word:
        """Whether it appears: every claim that decides it has to hold."""
        outcome = claims.every(c.outcome for c in self.claims if c.decides)
        if outcome is None:
            return "not tested here"
        words: dict[claims.Outcome, Word] = {
            "holds": "appears here",
            "fails": "does not appear here",
            "unsettled": "not settled here",
        }
        return words[outcome]


@dataclass(frozen=True)
class Roles:
    """Which arms of a study play which part; names of arms in the study's order.

    Attributes:
        rlvr: Reinforcement learning with the verifier's verdict as reward.
        pairs: Matched arms: trained on the base's own right responses, and on an RLVR model's.
        knowledge: Trained on the teacher's right responses to all train questions.
        reasoning: Trained on those to questions that the base already solves.
    """

    rlvr: list[str]
    pairs: list[tuple[str, str]]
    knowledge: list[str]
    reasoning: list[str]


def rules(config: StudyConfig) -> list[str]:
    """The rules of `claims` and `evidence` in words, with this study's margin."""
    margin = margin_text(config.analyse.margin)
    return [
        f"Something rises if its interval lies above zero and not within {margin} of it; it does "
        "not if the interval lies below zero or within the margin.",
        f"Something rises (or gains) by at most {margin} if its interval ends there or below.",
        "The middle gains most if the middle bin with the largest gain leads each of the two "
        "hardest bins and the easiest, with the interval of every lead above zero. Leads, and "
        "differences between two models in a bin, get their intervals from the two that they "
        "compare (Zou and Donner 2008).",
        "A claim about every difficulty holds if it holds in each bin; it fails if one bin "
        "contradicts it, with an interval widened for the number of bins (Bonferroni).",
        f"Longer means by more than {fixed(100 * LENGTH_TOLERANCE, 0)} % of the base's length. An "
        f"indicator tells nothing if its AUC lies within {fixed(AUC_TOLERANCE, 2)} of .5.",
        "Where several checkpoints are asked, all have to bear a claim out; if they contradict "
        "each other, it is not settled.",
    ]


def roles(config: StudyConfig) -> Roles:
    """The parts that a study's enabled arms play."""
    arms = config.enabled_arms()
    rlvr = [n for n, a in arms.items() if a.method == "grpo" and a.reward == "verifier"]
    taught = {n: a.responses for n, a in arms.items() if a.responses and a.responses.of == TEACHER}
    sources = {n: a.responses.of for n, a in arms.items() if a.responses}
    return Roles(
        rlvr=rlvr,
        pairs=[(own, other) for own, other in config.contrasts() if sources[other] in rlvr],
        knowledge=[n for n, r in taught.items() if not _limited(r)],
        reasoning=[n for n, r in taught.items() if _limited(r)],
    )


def _limited(responses: ResponsesSection) -> bool:
    """Whether only questions that the base solves give responses."""
    return responses.base_right_at_least > 0 or responses.matched_with == BASE


def findings(run: Run) -> list[Finding]:
    """The four findings, in the study's order."""
    parts = roles(run.config)
    return [_rlvr(run, parts), _teaching(run, parts), _looks(run, parts), _knowledge(run, parts)]


def _rlvr(run: Run, parts: Roles) -> Finding:
    """Finding 1."""
    title = "RLVR raises accuracy, not capability"
    predicts = (
        "After RLVR questions are answered right more often, but hardly more of them can be "
        "solved; those of middle difficulty gain most, the hardest almost nothing, and some move "
        "out of reach."
    )
    rows = run.checkpoints(parts.rlvr)
    if not rows:
        return Finding(1, title, predicts, _missing("RLVR arm"))
    points = margin_text(run.margin)
    all_claims = [
        Claim("accuracy rises", [accuracy_rises(row, run) for row in rows]),
        Claim(
            f"capability rises by at most {points}", [capability_stays(row, run) for row in rows]
        ),
        Claim(
            "the middle of the difficulty scale gains most in accuracy",
            [middle_gains_most(row, run) for row in rows],
        ),
        Claim(
            f"the hardest questions gain at most {points} of accuracy",
            [hardest_gain_nothing(row, run) for row in rows],
        ),
        Claim("questions move out of reach beyond noise", [lost(r, run) for r in rows], False),
    ]
    return Finding(
        1, title, predicts, " ".join([_both(rows), *spread(run.tables, parts.rlvr)]), all_claims
    )


def _teaching(run: Run, parts: Roles) -> Finding:
    """Finding 2."""
    title = "Responses of the RLVR model teach better than the base's own"
    predicts = (
        "Trained on right responses of the RLVR model, the base becomes more accurate than when "
        "trained on as many of its own right responses to the same questions, which barely move it."
    )
    if not parts.pairs:
        pair = "pair of arms matched on questions and counts, one of them taught by an RLVR model"
        return Finding(2, title, predicts, _missing(pair))
    leads: list[Evidence] = []
    own: list[Evidence] = []
    shows = []
    for before, after in parts.pairs:
        for row in run.rows("contrast", before_arm=before, after_arm=after, k=1) or []:
            by = estimate_of(row, "change")
            seed = "" if row["seed"] is None else f" (seed {row['seed']})"
            text = f"{after} minus {before}{seed}, pass@1: {change_text(by)}"
            leads.append(Evidence(text, claims.rises(by, run.margin)))
            shows.append(f"Accuracy of {after} minus that of {before}{seed}: {change_text(by)}.")
        for row in run.checkpoints([before]):
            by = estimate_of(row, "accuracy_change")
            text = f"{row['model']} minus base, pass@1: {change_text(by)}"
            own.append(Evidence(text, claims.at_most(by, run.margin)))
    taught = run.checkpoints([*dict.fromkeys(arm for pair in parts.pairs for arm in pair)])
    shows.append(_both(taught))
    all_claims = [
        Claim("the RLVR model's responses teach better", leads),
        Claim(f"the base's own responses move it by at most {margin_text(run.margin)}", own, False),
    ]
    return Finding(2, title, predicts, " ".join(shows), all_claims)


def _looks(run: Run, parts: Roles) -> Finding:
    """Finding 3."""
    title = "Better responses are not longer and do not reflect more"
    predicts = (
        "At every difficulty, right responses of the RLVR model are no longer than the base's and "
        "hold fewer reflection phrases; neither trait tells which of a model's responses are right."
    )
    rows = run.checkpoints(parts.rlvr)
    if not rows:
        return Finding(3, title, predicts, _missing("RLVR arm"))
    models = [row["model"] for row in rows]
    share = fixed(100 * LENGTH_TOLERANCE, 0)
    all_claims = [
        Claim(
            f"right responses are at no difficulty longer by more than {share} %",
            [at_every_difficulty(run, model, "tokens") for model in models],
        ),
        Claim(
            "right responses hold fewer reflection phrases at every difficulty",
            [at_every_difficulty(run, model, "reflection") for model in models],
        ),
        *(
            Claim(
                f"{name} does not tell right from wrong responses to a question",
                [indicator_tells_nothing(run, name, model) for model in [BASE, *models]],
                False,
            )
            for name in ("length", "reflection")
        ),
    ]
    return Finding(3, title, predicts, " ".join(_shape(row) for row in rows), all_claims)


def _knowledge(run: Run, parts: Roles) -> Finding:
    """Finding 4."""
    title = "A teacher's knowledge raises capability, its way of reasoning alone does not"
    predicts = (
        "Distillation from a teacher raises accuracy and capability; with the teacher's responses "
        "to questions that the base already solves, it raises accuracy alone."
    )
    if not parts.knowledge and not parts.reasoning:
        return Finding(4, title, predicts, _missing("arm that learns from a teacher"))
    full, partial = run.checkpoints(parts.knowledge), run.checkpoints(parts.reasoning)
    points = margin_text(run.margin)
    all_claims = [
        Claim("all responses: accuracy rises", [accuracy_rises(row, run) for row in full]),
        Claim("all responses: capability rises", [capability_rises(row, run) for row in full]),
        Claim(
            "responses to solved questions: accuracy rises",
            [accuracy_rises(row, run) for row in partial],
        ),
        Claim(
            f"responses to solved questions: capability rises by at most {points}",
            [capability_stays(row, run) for row in partial],
        ),
        *_unknown(run, full, partial),
    ]
    shows = [_both([*full, *partial])]
    if not full:
        shows.append(_missing("distillation arm with the teacher's responses to all questions"))
    if not partial:
        shows.append(_missing("distillation arm limited to questions that the base solves"))
    if len(parts.reasoning) > 1:
        needed = {a: run.config.arms[a].responses for a in parts.reasoning}
        often = ", ".join(f"{a} {r.base_right_at_least}" for a, r in needed.items() if r)
        shows.append(
            "Solved means right at least so many times out of "
            f"{run.config.sample.n_train}: {often}."
        )
    return Finding(4, title, predicts, " ".join(shows), all_claims)


def _unknown(run: Run, full: Sequence[Row], partial: Sequence[Row]) -> list[Claim]:
    """Beside finding 4: facts that the base does not know, where the task knows which they are."""
    rows = run.rows("knowledge", knowledge="unknown")
    if not rows:
        return []
    most = max(row["k"] for row in rows)
    changes = {row["model"]: estimate_of(row, "change") for row in rows if row["k"] == most}
    beside = []
    for says, some, rule in (
        ("all responses: facts unknown to the base are learned", full, claims.rises),
        ("responses to solved questions: such facts stay unknown", partial, claims.at_most),
    ):
        seen = [
            Evidence(
                f"{m}, pass@{most} on these: {change_text(changes[m])}",
                rule(changes[m], run.margin),
            )
            for m in (row["model"] for row in some)
            if m in changes and known(changes[m])
        ]
        beside.append(Claim(says, seen, False))
    return beside


def _change_of(row: Row, axis: str) -> str:
    """The change of one axis with its interval."""
    return change_text(estimate_of(row, f"{axis}_change"))


def _both(rows: Sequence[Row]) -> str:
    """The two changes of checkpoints, a sentence each."""
    return " ".join(
        f"Accuracy of {row['model']} changes by {_change_of(row, 'accuracy')}, capability "
        f"(pass@{row['k']}) by {_change_of(row, 'capability')}."
        for row in rows
    )


def _shape(row: Row) -> str:
    """Length and phrases of a checkpoint's right responses in a sentence."""
    return (
        f"Right responses of {row['model']} have {fixed(row['tokens'])} tokens on average, the "
        f"base's {fixed(row['tokens_before'])}; {percent(row['reflection'])} % and "
        f"{percent(row['reflection_before'])} % of them hold a reflection phrase."
    )


def _missing(role: str) -> str:
    return f"This study has no {role}, so it does not test this."
