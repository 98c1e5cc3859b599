"""Writes questions.jsonl, the local data set that all logs beside it were made from.

Run with liftmap's own environment: python questions.py
"""

from __future__ import annotations

import json
from pathlib import Path

from liftmap.tasks.kin import kin

LEVELS = {1.0: 3, 0.6: 2, 0.3: 1, 0.1: 1, 0.0: 1}

questions = kin("test")
chosen = [
    q
    for level, count in LEVELS.items()
    for q in [q for q in questions if q.metadata["level"] == level][:count]
]
answers = sorted({q.answer for q in questions})
lines = [
    json.dumps(
        {
            "id": q.question_id,
            "question": q.text,
            "answer": q.answer,
            # Four names to choose from, for the multiple-choice log; the right one moves about.
            "choices": sorted([q.answer, *[a for a in answers if a != q.answer][i : i + 3]]),
        }
    )
    for i, q in enumerate(chosen)
]
Path(__file__).with_name("questions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
