"""The lighteval tasks that the logs in ../lighteval were made from."""

from __future__ import annotations

import numpy as np
from lighteval.metrics.metrics_sample import AvgAtN, MajAtN, PassAtK
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc, SamplingMethod


def prompt(line: dict[str, str], task_name: str) -> Doc:
    """A line of questions.jsonl as lighteval's Doc."""
    return Doc(task_name=task_name, query=line["question"], choices=[line["answer"]], gold_index=0)


def metric(name: str, function: AvgAtN | MajAtN | PassAtK) -> SampleLevelMetric:
    """A metric of the name that lighteval's own metrics carry."""
    return SampleLevelMetric(
        metric_name=name,
        sample_level_fn=function,
        category=SamplingMethod.GENERATIVE,
        corpus_level_fn=np.mean,
        higher_is_better=True,
    )


def task(name: str, *metrics: SampleLevelMetric) -> LightevalTaskConfig:
    """A task on the questions beside this file."""
    return LightevalTaskConfig(
        name=name,
        prompt_function=prompt,
        hf_repo="questions",
        hf_subset="default",
        hf_avail_splits=["train"],
        evaluation_splits=["train"],
        generation_size=24,
        stop_sequence=["\n"],
        metrics=list(metrics),
    )


SUFFIX = {"sample_scoring_function": "suffix", "strip_strings": True}
TASKS_TABLE = [
    # Eight responses a question: their share of right ones, and pass@k over them.
    task(
        "kin_avg",
        metric("avg@n:n=8", AvgAtN(n=8, **SUFFIX)),
        metric("pass@k:k=1&n=8", PassAtK(k=1, n=8, **SUFFIX)),
        metric("pass@k:k=4&n=8", PassAtK(k=4, n=8, **SUFFIX)),
    ),
    # Eight responses a question and one verdict, of their majority.
    task("kin_majority", metric("maj@n:n=8", MajAtN(n=8, **SUFFIX))),
]
