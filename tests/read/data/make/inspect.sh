#!/bin/bash
# Makes ../inspect with inspect_ai, offline. Usage: inspect.sh MODEL_FOLDER
set -eu
cd "$(dirname "$0")"
model=$(realpath "$1")
export HF_HUB_OFFLINE=1 INSPECT_LOG_LEVEL=warning
rm -rf ../inspect
inspect eval inspect_kin.py@kin_letters --model hf/base -M "model_path=$model" \
  --log-dir ../inspect --log-format eval --display plain
inspect eval inspect_kin.py@kin_two_scorers --model hf/base -M "model_path=$model" \
  --log-dir ../inspect --log-format json --display plain
