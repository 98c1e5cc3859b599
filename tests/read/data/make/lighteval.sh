#!/bin/bash
# Makes ../lighteval with lighteval, offline. Usage: lighteval.sh MODEL_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=$(realpath "$1")
# Worked in a folder apart, so that no path of this machine gets into the logs.
work=$(mktemp -d)
cp -r "$model" "$work/base"
# lighteval 0.13.0 needs transformers 4, which knows the tokenizer's class by its older name.
sed -i s/TokenizersBackend/PreTrainedTokenizerFast/ "$work/base/tokenizer_config.json"
# lighteval has no setting to sample; the model's own generation config has.
sed -i '1s/{/{"do_sample": true,/' "$work/base/generation_config.json"
mkdir "$work/questions"
cp "$here/questions.jsonl" "$work/questions/"
cp "$here/lighteval_kin.py" "$work/"
cd "$work"
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$work/cache"
# lighteval fetches this file when it starts unless there is one, even for tasks that never read it.
touch "$(python -c 'import importlib.util as u; print(*u.find_spec("lighteval.tasks").submodule_search_locations)')/tasks/tinyBenchmarks.pkl"
lighteval accelerate \
  "model_name=base,max_length=64,batch_size=4,generation_parameters={temperature:1.0,seed:1}" \
  "kin_avg|0,kin_majority|0" \
  --custom-tasks lighteval_kin.py --output-dir out --save-details
mkdir -p "$here/../lighteval"
for file in out/details/base/*/details_*.parquet; do
  name=$(basename "$file")
  mv "$file" "$here/../lighteval/${name//|/_}"
done
cd "$here"
rm -r "$work"
