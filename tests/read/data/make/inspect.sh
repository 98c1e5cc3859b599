#!/bin/bash
# Makes ../inspect with inspect_ai, offline. Usage: inspect.sh MODEL_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=$(realpath "$1")
# Worked in a folder apart, so that no path and no revision of this machine gets into the logs.
work=$(mktemp -d)
cp -r "$model" "$work/base"
cp "$here/inspect_kin.py" "$here/serve.py" "$here/questions.jsonl" "$work/"
cd "$work"
# The testbed's tokenizer has no chat template; this one passes the question on as it is.
echo -n '{{ messages[0].content }}' > base/chat_template.jinja
export HF_HUB_OFFLINE=1 INSPECT_LOG_LEVEL=warning
python serve.py base 8123 > ready &
server=$!
trap 'kill $server' EXIT
until grep -q ready ready; do sleep 1; done
options=(--log-dir logs --display plain --no-log-realtime)
# This one through a server, which says why each response stopped; so do hosted models.
LOCAL_BASE_URL=http://127.0.0.1:8123/v1 LOCAL_API_KEY=none inspect eval inspect_kin.py@kin_letters \
  --model openai-api/local/base --max-connections 1 "${options[@]}" --log-format eval
inspect eval inspect_kin.py@kin_two_scorers --model hf/base -M model_path=base \
  "${options[@]}" --log-format json --limit 3-4
mkdir -p "$here/../inspect"
mv logs/* "$here/../inspect/"
cd "$here"
rm -r "$work"
