#!/bin/bash
# Makes ../lm_eval with lm-evaluation-harness, offline. Usage: lm_eval.sh MODEL_FOLDER
set -eu
cd "$(dirname "$0")"
model=$(realpath "$1")
out=$(mktemp -d)
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$out/cache"
for task in kin_greedy kin_repeats kin_pass kin_each kin_choice; do
  python -m lm_eval --model hf --model_args "pretrained=$model,max_length=64" --device cpu \
    --batch_size 8 --include_path . --tasks "$task" --log_samples --output_path "$out" --seed 1
done
mkdir -p ../lm_eval
mv "$out"/*/samples_*.jsonl ../lm_eval/
rm -r "$out"
