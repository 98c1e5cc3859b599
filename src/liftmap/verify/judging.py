"""The verifier with its options bound: judges one response, or many with each answer judged once.

Thoughts are set apart here, once, so that every verifier, a plug-in too, sees the answer alone.
Used by the `verify` and `train` stages, so that what is measured and what is rewarded are judged by
the same call. Takes questions and texts, gives verdicts; reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

from liftmap.errors import LiftmapError
from liftmap.records import ENDED_WHILE_THINKING, NO_COMPARISON, Question, Verdict
from liftmap.verify.steps import NO_ANSWER, Exhausted, TwoSteps
from liftmap.verify.thinking import USUAL, ThinkingRule, set_apart

Judge = Callable[[Question, str], Verdict]
Compare = Callable[[Question, str], Verdict]
# What makes two responses one to a verifier: question, gold answer, and the text or a digest of it.
Key = tuple[str, str, str | bytes]

# The verdicts that a two-step verifier remembers; some 100 MB with answers of ordinary length.
REMEMBERED = 200_000
# An answer longer than this is a digest in the key, and its verdict keeps its beginning only.
LONG = 1000
_UNFINISHED = Verdict("wrong", reason=ENDED_WHILE_THINKING)


class Verifier:
    """A verifier of any kind with its options bound.

    Attributes:
        rule: A plain verifier, (question, text) -> verdict, or the two steps of one that judges in
            worker processes. Verdicts of the latter are remembered as long as the verifier lives.
        thinking: How thoughts are told from the answer.
    """

    def __init__(self, rule: Judge | TwoSteps, thinking: ThinkingRule = USUAL) -> None:
        self.rule = rule
        self.thinking = thinking
        self._known: dict[Key, Verdict] = {}
        # Whether the gold answer can be compared with itself within the limits.
        self._golds: dict[tuple[str, str], bool] = {}

    def __call__(self, question: Question, text: str) -> Verdict:
        """The verdict of one response."""
        return self.judge([(question, text)])[0]

    def judge(
        self, pairs: Sequence[tuple[Question, str]], reasoning: Sequence[str] | None = None
    ) -> list[Verdict]:
        """The verdicts of many responses, each distinct (question, answer) judged once.

        Args:
            pairs: Questions and texts of responses, thoughts included.
            reasoning: For each, what a server gave apart from the text as reasoning; None: nothing.

        Returns:
            A verdict for each pair, in their order. A response that ends while thinking is wrong,
            with that reason. Where the verifier itself fails it is unscored with the reason, never
            wrong.

        Raises:
            LiftmapError: The verifier can't work at all.
        """
        given = reasoning if reasoning is not None else [""] * len(pairs)
        parts = [
            set_apart(text, self.thinking, thought)
            for (_, text), thought in zip(pairs, given, strict=True)
        ]
        judged = iter(
            self._judge_answers(
                [
                    (question, part.answer)
                    for (question, _), part in zip(pairs, parts, strict=True)
                    if part.state != "unfinished"
                ]
            )
        )
        return [_UNFINISHED if part.state == "unfinished" else next(judged) for part in parts]

    def _judge_answers(self, pairs: Sequence[tuple[Question, str]]) -> list[Verdict]:
        if isinstance(self.rule, TwoSteps):
            return self._judge_in_steps(self.rule, pairs)
        found: dict[Key, Verdict] = {}
        verdicts = []
        for question, text in pairs:
            key = (question.question_id, question.answer, text)
            if key not in found:
                found[key] = _verdict(self.rule, question, text)
            verdicts.append(found[key])
        return verdicts

    def _judge_in_steps(
        self, steps: TwoSteps, pairs: Sequence[tuple[Question, str]]
    ) -> list[Verdict]:
        keys: list[Key | Verdict] = []
        asked: dict[Key, tuple[Question, str]] = {}
        found: dict[Key, Verdict] = {}
        for question, text in pairs:
            try:
                answer = steps.extract(question, text)
            except LiftmapError:
                raise
            except Exception as error:
                keys.append(_failed(error))
                continue
            if answer is None:
                keys.append(Verdict("wrong", reason=NO_ANSWER))
                continue
            key = (question.question_id, question.answer, _short(answer))
            keys.append(key)
            if key in self._known:
                found[key] = self._known[key]
            else:
                asked.setdefault(key, (question, answer))
        outcomes = _compare_all(steps.compare, list(asked.values()), steps)
        spent = [q for (q, _), o in zip(asked.values(), outcomes, strict=True) if _ran_out(o)]
        self._try_golds(steps, spent)
        for (key, (question, answer)), outcome in zip(asked.items(), outcomes, strict=True):
            if isinstance(outcome, Exhausted):
                # Not remembered: it may have been this machine's fault.
                found[key] = _with_answer(self._exhausted(question, outcome), answer)
            else:
                found[key] = _with_answer(outcome, answer)
                if outcome.label != "unscored":
                    self._known[key] = found[key]
        while len(self._known) > REMEMBERED:
            # The oldest; responses come question by question, so it is the least likely to return.
            self._known.pop(next(iter(self._known)))
        return [key if isinstance(key, Verdict) else found[key] for key in keys]

    def _try_golds(self, steps: TwoSteps, questions: Sequence[Question]) -> None:
        """Compares the gold answers of these questions with themselves, each once."""
        if steps.compare_gold is None:
            return
        tried = {_gold_key(q): q for q in questions if not self._golds.get(_gold_key(q))}
        outcomes = _compare_all(
            partial(_compare_gold, steps.compare_gold),
            [(question, question.answer) for question in tried.values()],
            steps,
        )
        for key, outcome in zip(tried, outcomes, strict=True):
            self._golds[key] = isinstance(outcome, Verdict) and outcome.label != "unscored"

    def _exhausted(self, question: Question, reached: Exhausted) -> Verdict:
        """Wrong where the gold answer does not reach the limit that the response reached."""
        if self._golds.get(_gold_key(question), False):
            return Verdict("wrong", reason=f"{NO_COMPARISON} {reached.limit}")
        return Verdict(
            "unscored", reason=f"{NO_COMPARISON} {reached.limit}, not even of the gold answer"
        )


def _compare_all(
    compare: Compare, pairs: Sequence[tuple[Question, str]], steps: TwoSteps
) -> list[Verdict | Exhausted]:
    """The outcomes of comparisons in worker processes."""
    if not pairs:
        return []
    # Imported here: plain verifiers work on systems without what workers need.
    from liftmap.verify.pool import compare_all

    return compare_all(compare, pairs, steps.seconds, steps.load)


def _ran_out(outcome: Verdict | Exhausted) -> bool:
    return isinstance(outcome, Exhausted)


def _gold_key(question: Question) -> tuple[str, str]:
    return question.question_id, question.answer


def _compare_gold(
    compare: Callable[[Question], Verdict], question: Question, answer: str
) -> Verdict:
    """A comparison of the pool that is of the gold answer with itself."""
    return compare(question)


def _verdict(rule: Judge, question: Question, text: str) -> Verdict:
    """One verdict of a plain verifier; one that fails gives `unscored` with the reason."""
    try:
        return rule(question, text)
    except LiftmapError:
        raise
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> Verdict:
    return Verdict("unscored", reason=f"{type(error).__name__}: {error}")


def _short(answer: str) -> str | bytes:
    if len(answer) <= LONG:
        return answer
    return blake2b(answer.encode(errors="surrogatepass"), digest_size=16).digest()


def _with_answer(verdict: Verdict, answer: str) -> Verdict:
    """The verdict with the answer that it is about, or the beginning of a long one."""
    shown = verdict.answer or answer
    if len(shown) > LONG:
        shown = shown[:LONG] + "..."
    return Verdict(verdict.label, shown, verdict.reason)
