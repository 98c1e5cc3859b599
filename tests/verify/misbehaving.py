"""Comparisons that hang, die, raise or eat memory, as their answer says; run by workers.

If the question has a text, it is a file in which each comparison leaves a line."""

from __future__ import annotations

import os
import signal
import time

from liftmap.errors import InputError
from liftmap.records import Question, Verdict


def compare(question: Question, answer: str) -> Verdict:
    if question.text:
        with open(question.text, "a") as file:
            file.write(f"{answer}\n")
    match answer:
        case "hang":
            while True:
                pass
        case "hang in C":
            return Verdict("right", str(9**9**9))
        case "exit":
            os._exit(3)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raise":
            raise ValueError("broken")
        case "leave":
            raise SystemExit(1)
        case "memory":
            return Verdict("right", str(len(bytearray(10**11))))
        case "sleep for ever":
            time.sleep(1000)
        case "sleep":
            time.sleep(1)
        case "slow":
            time.sleep(0.6)
        case "impossible":
            raise InputError("It can't be done.")
    return Verdict("right" if answer == question.answer else "wrong", answer)


def compare_gold(question: Question) -> Verdict:
    return compare(question, question.answer)


def work(question: Question) -> None:
    """A load that takes half a second of CPU."""
    started = time.process_time()
    while time.process_time() - started < 0.5:
        pass
