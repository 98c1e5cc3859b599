"""GRPO by TRL on the shipped testbed, measured while it trains; README.md shows what comes out."""

from datasets import Dataset
from transformers import AutoTokenizer
from trl import GRPOConfig, GRPOTrainer

import liftmap
from liftmap.testbed import checkpoint_path
from liftmap.verify import make_verifier

model = str(checkpoint_path("base"))
judging = liftmap.VerifySection(verifier="exact", options={"pattern": r"so (\S+)\s*$"})
verifier = make_verifier(judging.verifier, judging.options)
questions = {q.question_id: q for q in liftmap.load_questions("kin", "train")}


def reward(completions, question_id, **_):
    """1 for a right response, 0 for a wrong one."""
    pairs = [(questions[q], text) for q, text in zip(question_id, completions, strict=True)]
    return [verdict.reward for verdict in verifier.judge(pairs)]


trainer = GRPOTrainer(
    model=model,
    reward_funcs=reward,
    args=GRPOConfig(
        output_dir="trainer",
        max_steps=20,
        save_steps=10,
        learning_rate=1e-3,
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=24,
        use_cpu=True,
        bf16=False,
        report_to="none",
        seed=1,
    ),
    train_dataset=Dataset.from_list(
        [{"prompt": q.text, "question_id": q.question_id} for q in questions.values()]
    ),
    processing_class=AutoTokenizer.from_pretrained(model, padding_side="left"),
)
trainer.add_callback(
    liftmap.TrackCallback(
        trainer,
        liftmap.load_questions("kin", "dev"),
        "steps",
        track=liftmap.TrackSection(every=10, questions=60),
        sampling=liftmap.SampleSection(max_tokens=24),
        verifying=judging,
    )
)
trainer.train()

for entry in trainer.state.log_history:
    if "liftmap/pass@1" in entry:
        figures = (f"{name} {entry[f'liftmap/{name}']:.3f}" for name in ("pass@1", "pass@16"))
        print(f"step {entry['step']}:", *figures, f"{entry['liftmap/tokens']} tokens")
