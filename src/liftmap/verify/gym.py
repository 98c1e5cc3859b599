"""The gym verifier: the question's own scorer in reasoning-gym says whether a response is right.

A verifier of the `verify` stage. reasoning-gym gives partial credit for form; right is 1.0 alone.
"""

from __future__ import annotations

from liftmap.records import Question, Verdict
from liftmap.tasks.gym import make_items
from liftmap.verify.exact import compiled

WHOLE = r"\A\s*(.*?)\s*\Z"


def gym(question: Question, text: str, *, pattern: str = WHOLE) -> Verdict:
    """Asks the scorer of the item that the question was made from.

    Args:
        question: A question of the gym task.
        text: The response.
        pattern: A regular expression with one group, the answer; its last match counts. By default
            the whole response without outer white space.

    Returns:
        right at a score of 1.0; else wrong. unscored if the question is not of the gym task, or the
        installed reasoning-gym makes another question from the same seed.

    Raises:
        ConfigError: The pattern is no regular expression with one group.
    """
    found = compiled(pattern).findall(text)
    if not found:
        return Verdict("wrong", reason="no answer")
    answer = found[-1].strip()
    about = question.metadata
    if "gym" not in about:
        return Verdict("unscored", answer=answer, reason="no question of the gym task")
    items = make_items(str(about["gym"]), int(about["gym_seed"]), str(about["gym_config"]))
    item = items[int(about["gym_index"])]
    if item["question"].strip() != question.text:
        return Verdict("unscored", answer=answer, reason="another version of reasoning-gym")
    right = answer != "" and items.score_answer(answer, item) == 1.0
    return Verdict("right" if right else "wrong", answer=answer)
