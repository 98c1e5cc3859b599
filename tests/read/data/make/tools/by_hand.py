"""Files of the four sums as tools write them that do not install here, by their sources.

    python make/tools/by_hand.py OUT

Read between July and November 2026 in NVIDIA-NeMo/RL (nemo_rl/evals/eval.py, algorithms/grpo.py),
NVIDIA-NeMo/Skills, NVIDIA-NeMo/Gym, NVIDIA-NeMo/Evaluator (engine/artifacts.py), rllm-org/rllm
(eval/results.py), evaleval/every_eval_ever (instance_level_eval.schema.json), sail-sg/oat
(oat/learners/base.py), PrimeIntellect-ai/verifiers before 0.4, LeapLabTHU/limit-of-RLVR and
passk-inference 0.3.1.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from sums import Try, tries


def lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def document(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1))


def chat(t: Try) -> list[dict[str, str]]:
    return [{"role": "user", "content": t.prompt}, {"role": "assistant", "content": t.text}]


def main(out: Path) -> None:
    made = tries()
    for seed in range(3):
        lines(
            out / "nemo_skills" / f"output-rs{seed}.jsonl",
            (
                {
                    "problem": t.prompt,
                    "expected_answer": t.gold,
                    "generation": t.text,
                    "num_generated_tokens": 9,
                    "predicted_answer": t.answer or None,
                    "symbolic_correct": t.right,
                }
                for t in made
                if t.index == seed
            ),
        )
    lines(
        out / "nemo_rl" / "val_data_step40.jsonl",
        ({"content": [chat(t)], "rewards": [float(t.right)], "idx": i} for i, t in enumerate(made)),
    )
    document(
        out / "nemo_rl_eval" / "evaluation_data.json",
        {
            "evaluation_data": [
                {
                    "prompt": t.prompt,
                    "response": t.text,
                    "reward": float(t.right),
                    "message_log": str(chat(t)),
                    "extra_env_info": str({"ground_truth": t.gold}),
                    "sample_index": i,
                }
                for i, t in enumerate(made)
            ]
        },
    )
    lines(
        out / "nemo_gym" / "rollouts.jsonl",
        (
            {
                "responses_create_params": {"input": [{"role": "user", "content": t.prompt}]},
                "response": {
                    "id": f"resp_{i}",
                    "model": "org/model",
                    "object": "response",
                    "status": "incomplete" if t.cut else "completed",
                    "incomplete_details": {"reason": "max_output_tokens"} if t.cut else None,
                    "output": [
                        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                        {
                            "type": "message",
                            "role": "assistant",
                            "content": [{"type": "output_text", "text": t.text}],
                        },
                    ],
                    "usage": {"input_tokens": 12, "output_tokens": 9, "total_tokens": 21},
                },
                "reward": float(t.right),
                "expected_answer": t.gold,
                "extracted_answer": t.answer or None,
                "_ng_task_index": t.question,
                "_ng_rollout_index": t.index,
            }
            for i, t in enumerate(made)
        ),
    )
    folder = out / "nemo_evaluator"
    lines(
        folder / "results.jsonl",
        (
            {
                "problem_idx": t.question,
                "repeat": t.index,
                "reward": float(t.right),
                "scorer_rewards": {},
                "model_response": t.text,
                "extracted_answer": t.answer or None,
                "expected_answer": t.gold,
                "scoring_details": {"method": "exact_match"},
                "metadata": {},
                "tokens": 21,
                "latency_ms": 1.0,
            }
            for t in made
        ),
    )
    document(folder / "eval-20261101T000000Z-sums.json", {"run_id": "eval", "n_results": 12})
    document(
        out / "rllm" / "sums_model_20261101_000000.json",
        {
            "dataset_name": "sums",
            "model": "org/model",
            "agent": "math",
            "score": 0.5,
            "total": 12,
            "correct": 6,
            "errors": 0,
            "timestamp": "20261101_000000",
            "attempts": 3,
            "items": [
                {
                    "idx": t.question,
                    "attempt": t.index,
                    "task_id": None,
                    "reward": float(t.right),
                    "is_correct": t.right,
                    "error": None,
                    "signals": {},
                    "termination_reason": "env_done",
                }
                for t in made
            ],
        },
    )
    lines(
        out / "every_eval_ever" / "5917cc37_samples.jsonl",
        (
            {
                "schema_version": "0.3.0",
                "evaluation_id": "sums/org_model/1762000000",
                "model_id": "org/model",
                "evaluation_name": "sums",
                "sample_id": f"sums_{t.question}",
                "sample_hash": hashlib.sha256((t.prompt + t.gold).encode()).hexdigest(),
                "interaction_type": "single_turn",
                "input": {"raw": t.prompt, "reference": [t.gold]},
                "output": {"raw": [t.text]},
                "answer_attribution": [
                    {
                        "turn_idx": 0,
                        "source": "output.raw",
                        "extracted_value": t.answer,
                        "extraction_method": "regex",
                        "is_terminal": True,
                    }
                ],
                "evaluation": {"score": float(t.right), "is_correct": t.right},
                "token_usage": {"input_tokens": 12, "output_tokens": 9, "total_tokens": 21},
            }
            for t in made
        ),
    )
    document(
        out / "oat" / "eval_results" / "30.json",
        [
            {
                "input": t.prompt,
                "output": t.text,
                "scores": float(t.right),
                "format_input": f"<|im_start|>user\n{t.prompt}<|im_end|>\n",
                "reference": t.gold,
                "generator": "org/model",
            }
            for t in made
        ],
    )
    lines(
        out / "verifiers_v0" / "results.jsonl",
        (
            {
                "example_id": t.question,
                "task": "sums",
                "prompt": chat(t)[:1],
                "completion": chat(t)[1:],
                "answer": t.gold,
                "reward": float(t.right),
                "metrics": {"correct_answer": float(t.right), "format": 1.0},
                "is_truncated": t.cut,
                "error": None,
            }
            for t in made
        ),
    )
    groups = [list(group) for _, group in groupby(made, key=lambda t: t.question)]
    lines(
        out / "qwen_math" / "test_qwen25-math-cot_-1_seed0_t1.0_s0_e-1.jsonl",
        (
            {
                "idx": group[0].question,
                "question": group[0].prompt,
                "gt_cot": "",
                "gt": group[0].gold,
                "answer": group[0].gold,
                "code": [t.text for t in group],
                "pred": [t.answer for t in group],
                "report": [None] * 3,
                "score": [t.right for t in group],
                "finish_reason": ["length" if t.cut else "stop" for t in group],
            }
            for group in groups
        ),
    )
    lines(
        out / "passk_inference" / "base.jsonl",
        ({"id": f"p{g[0].question}", "c": sum(t.right for t in g), "n": 3} for g in groups),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
