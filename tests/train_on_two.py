"""Run by torchrun: SFT of the testbed on two processes, watched; prints what each process knows."""

from __future__ import annotations

import sys

from datasets import Dataset
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

import liftmap
from liftmap.testbed import checkpoint_path

model = str(checkpoint_path("base"))
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir=f"{sys.argv[1]}/trainer",
        max_steps=2,
        per_device_train_batch_size=2,
        save_strategy="no",
        use_cpu=True,
        bf16=False,
        report_to="none",
        disable_tqdm=True,
    ),
    train_dataset=Dataset.from_list(
        [{"prompt": "quick : Ann 's boss ?", "completion": " so Zack"}] * 16
    ),
    processing_class=AutoTokenizer.from_pretrained(model),
)
trainer.add_callback(
    liftmap.TrackCallback(
        trainer,
        liftmap.load_questions("kin", "dev"),
        f"{sys.argv[1]}/steps",
        track=liftmap.TrackSection(every=1, questions=10, n=4, stop_after=2, round_size=2),
        sampling=liftmap.SampleSection(max_tokens=24),
        verifying=liftmap.VerifySection(verifier="exact", options={"pattern": r"so (\S+)\s*$"}),
    )
)
trainer.train()
logged = [entry["step"] for entry in trainer.state.log_history if "liftmap/pass@1" in entry]
kind = type(trainer.model_wrapped).__name__
print(f"process {trainer.accelerator.process_index} of {kind} logged {logged}", flush=True)
