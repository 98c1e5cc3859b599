r"""Other tools' rules for answers, to be set beside liftmap's on the same cases.

    PYTHONPATH=DIR python -m bench.graders math < cases.jsonl

prints a JSON object: for each grader right, wrong or unscored for each case. `bench.attacks` calls
it as a process of its own, as these need another version of antlr4 than math-verify is used with:

    pip install --no-deps --target DIR lm-eval==0.4.13 antlr4-python3-runtime==4.11.0

- math-verify: parse the gold answer, parse the response, verify.
- lm-eval 0.4.13: the functions and patterns of its own task files, read from the package. `until`
  strings and the prompts that ask for a form play no part.
- Qwen2.5-Math: the rules of evaluation/parser.py and evaluation/grader.py (github.com/QwenLM/
  Qwen2.5-Math, commit 29a82a8), stated anew here. Left out: latex2sympy2 as a third parser, numbers
  in words, and of its list of units what none of our cases has.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import multiprocessing
import re
import resource
import sys
from collections.abc import Callable
from math import isclose
from pathlib import Path
from types import ModuleType
from typing import Any

import sympy
import yaml
from math_verify import parse, verify
from sympy.parsing.latex import parse_latex
from sympy.parsing.sympy_parser import parse_expr

# (gold, response) -> whether it is right
Grader = Callable[[str, str], bool]
CASE_SECONDS = 10.0
CASE_BYTES = 4 << 30


def math_verify(gold: str, response: str) -> bool:
    return bool(verify(parse(f"${gold}$"), parse(response)))


# lm-evaluation-harness


def lm_eval_file(path: str) -> Path:
    found = importlib.util.find_spec("lm_eval")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("lm-eval is not there; see the head of bench/graders.py")
    return Path(found.submodule_search_locations[0]) / "tasks" / path


def lm_eval_task(name: str) -> ModuleType:
    """The functions of a task, without the rest of the package."""
    found = importlib.util.spec_from_file_location(name, lm_eval_file(f"{name}/utils.py"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def gsm8k(filter_name: str) -> Grader:
    """Its filters: the first or last match of a pattern, equal but for what is ignored."""
    task = yaml.safe_load(lm_eval_file("gsm8k/gsm8k.yaml").read_text())
    ignored = task["metric_list"][0]["regexes_to_ignore"]
    steps = next(f["filter"] for f in task["filter_list"] if f["name"] == filter_name)
    pattern = re.compile(steps[0]["regex_pattern"])
    place = steps[0].get("group_select", 0)

    def plain(text: str) -> str:
        for expression in ignored:
            text = re.sub(expression, "", text)
        return text.lower()

    def grade(gold: str, response: str) -> bool:
        matches = pattern.findall(response)
        if not matches:
            return False
        match = matches[place]
        if isinstance(match, tuple):
            match = next(part for part in match if part)
        return plain(match.strip()) == plain(gold)

    return grade


def hendrycks() -> Grader:
    task = lm_eval_task("hendrycks_math")

    def grade(gold: str, response: str) -> bool:
        doc = {"solution": rf"\boxed{{{gold}}}"}
        return bool(task.process_results(doc, [response])["exact_match"])

    return grade


def minerva() -> Grader:
    """The metric exact_match; the other one, math_verify, is math-verify as above."""
    task = lm_eval_task("minerva_math")

    def grade(gold: str, response: str) -> bool:
        answer = task.normalize_final_answer(task.get_unnormalized_answer(response))
        return bool(task.is_equiv(answer, task.normalize_final_answer(gold)))

    return grade


# Qwen2.5-Math

UNITS = (
    "cm|m|km|kg|g|feet|ft|inches|inch|meters?|litres?|liters?|hours?|minutes?|seconds?|days?|years?"
    "|degrees?|percent|units?|square|cubic|am|pm|by|per|a|c|d|g|h|l|o|s|t"
)


def qwen(gold: str, response: str) -> bool:
    return qwen_equal(qwen_normal(qwen_answer(response)), qwen_normal(gold))


def qwen_answer(text: str) -> str:
    """The answer of a response: few-shot phrase, last box, "answer is", or the last number."""
    if "final answer is $" in text and "$. I hope" in text:
        said = text.split("final answer is $", 1)[1].split("$. I hope", 1)[0]
    elif "boxed" in text:
        said = text.rsplit("boxed", 1)[1]
        said = braced(said) if said.startswith("{") else said.split("$")[0]
    elif "he answer is" in text:
        said = text.rsplit("he answer is", 1)[1]
    elif "final answer is" in text:
        said = text.rsplit("final answer is", 1)[1]
    else:
        numbers = re.findall(r"-?\d*\.?\d+", text.replace(",", ""))
        said = numbers[-1] if numbers else ""
    said = re.sub(r"\n\s*", "", said.strip())
    return said.removeprefix(":").removesuffix(".").removesuffix("/")


def braced(text: str) -> str:
    depth = 0
    for place, sign in enumerate(text):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            return text[1:place]
    return text[1:]


def qwen_normal(text: str) -> str:
    text = text.strip().replace("\n", "").rstrip(".").replace("\\!", "")
    text = re.sub(r"\\begin\{array\}\{.*?\}", r"\\begin{pmatrix}", text)
    text = text.replace("\\end{array}", "\\end{pmatrix}").replace("bmatrix", "pmatrix")
    text = re.sub("[td]frac", "frac", text)
    text = re.sub(r"\\(n|l|g)eq", r"\\\1e", text)
    text = re.sub(r"\\left|\\right", "", text).replace("\\{", "{").replace("\\}", "}")
    text = re.sub(r"\\text\{.*?\}$", "", text).strip() or text
    for _ in range(2):
        text = re.sub(rf"(^|\W)(?:{UNITS})($|\W)", r"\1\2", text) or text
    text = re.sub(r"\^\{?\\circ\}?|\\\$|\$|\\\(|\\\)", "", text)
    text = re.sub(r"\\text\{(.*?)\}", r"\1", text)
    text = re.sub(r"[xyz](?:=|\\in|\\to)", "", text)
    text = re.sub(r"\\?%", "", text).replace("(-\\infty,\\infty)", "\\mathbb{R}")
    text = text.replace(" .", " 0.").replace("{.", "{0.")
    text = text.replace("and", "").replace("\\mathbf", "")
    text = re.sub(r"\\mbox\{.*?\}", "", text)
    text = re.sub(r"(\d+)\.0*(?!\d)", r"\1", text)
    if text.startswith("."):
        text = "0" + text
    if text.count("=") == 1 and len(text.split("=")[0]) <= 2:
        text = text.split("=")[1]
    text = re.sub(r"\\sqrt(\w+)", r"\\sqrt{\1}", text).replace(" ", "")
    text = re.sub(r"\\frac([^{])([^{])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac([^{])\{", r"\\frac{\1}{", text)
    return re.sub(r"^(-?\d+)/(-?\d+)$", r"\\frac{\1}{\2}", text)


def qwen_equal(answer: str, gold: str) -> bool:
    """As texts, as numbers (within 1e-4, or a percentage), part by part, or by sympy."""
    if answer.strip().lower() == gold.strip().lower():
        return True
    letters = re.findall(r"\b([A-E])\b", answer.upper())
    if re.fullmatch("[A-E]", gold) and letters and letters[-1] == gold:
        return True
    numbers = qwen_number(answer), qwen_number(gold)
    if numbers[0] is not None and numbers[1] is not None:
        for value in (numbers[1] / 100, numbers[1], numbers[1] * 100):
            if isclose(value, numbers[0], rel_tol=1e-4):
                return True
    if not answer:
        return False
    bare = [re.sub("[{}()]", "", text).lower() for text in qwen_bare(answer, gold)]
    if bare[0] == bare[1]:
        return True
    if all(re.match(r"[(\[].+[)\]]", text) for text in (answer, gold)):
        return qwen_parts(answer[1:-1].split(","), gold[1:-1].split(","))
    if all(re.fullmatch(r"\\begin\{pmatrix\}.*\\end\{pmatrix\}", text) for text in (answer, gold)):
        rows = [text[15:-13].split("\\\\") for text in (answer, gold)]
        return len(rows[0]) == len(rows[1]) and all(
            qwen_parts(one.split("&"), other.split("&")) for one, other in zip(*rows, strict=True)
        )
    if answer.count("=") == gold.count("=") == 1:
        one, other = ("{} - ({})".format(*text.split("=")) for text in (answer, gold))
        return qwen_symbolic(one, other) or qwen_symbolic(f"-({one})", other)
    for text, counterpart, swap in ((answer, gold, False), (gold, answer, True)):
        named = text.count("=") == 1 and len(text.split("=")[0].strip()) <= 2
        if named and "=" not in counterpart:
            value = text.split("=")[1]
            return qwen_equal(counterpart, value) if swap else qwen_equal(value, counterpart)
    return qwen_symbolic(answer, gold)


def qwen_bare(answer: str, gold: str) -> tuple[str, str]:
    square = answer.startswith("[") and answer.endswith("]")
    round_ = answer.startswith("(") and answer.endswith(")")
    if (square and not (gold.startswith("(") and gold.endswith(")"))) or (
        round_ and not (gold.startswith("[") and gold.endswith("]"))
    ):
        return answer.strip("[]()"), gold.strip("[]()")
    return answer, gold


def qwen_parts(answers: list[str], golds: list[str]) -> bool:
    return len(answers) == len(golds) and all(map(qwen_equal, answers, golds))


def qwen_number(text: str) -> float | None:
    text = text.replace(",", "")
    for digits, divisor in ((text, 1), (text.removesuffix("%").removesuffix("\\"), 100)):
        try:
            return float(digits) / divisor
        except ValueError:
            if not text.endswith("%"):
                return None
    return None


def qwen_symbolic(answer: str, gold: str) -> bool:
    one, other = qwen_parsed(answer), qwen_parsed(gold)
    checks: tuple[Callable[[], Any], ...] = (
        lambda: str(one) == str(other) or one == other,
        lambda: one.equals(other) or sympy.simplify(one - other) == 0,
        lambda: abs(one.lhs - one.rhs).equals(abs(other.lhs - other.rhs)),
        lambda: isclose(float(sympy.N(one)), float(sympy.N(other)), rel_tol=1e-4),
    )
    return any(succeeds(check) for check in checks)


def qwen_parsed(text: str) -> Any:
    # parse_expr evaluates Python: the cases are our own, and each runs in a process of its own.
    for parser in (parse_latex, parse_expr):
        for form in (text.replace("\\\\", "\\"), text):
            try:
                return parser(form)
            except Exception:
                continue
    return text


def succeeds(check: Callable[[], Any]) -> bool:
    try:
        return bool(check())
    except Exception:
        return False


def graders(corpus: str) -> dict[str, Grader]:
    """The graders that are used for such questions."""
    if corpus == "numeric":
        return {
            "math-verify 0.9.0": math_verify,
            "lm-eval gsm8k, strict-match": gsm8k("strict-match"),
            "lm-eval gsm8k, flexible-extract": gsm8k("flexible-extract"),
            "Qwen2.5-Math's rules": qwen,
        }
    return {
        "math-verify 0.9.0": math_verify,
        "lm-eval hendrycks_math": hendrycks(),
        "lm-eval minerva_math, exact_match": minerva(),
        "Qwen2.5-Math's rules": qwen,
    }


def verdict(grade: Grader, gold: str, response: str) -> str:
    """Right or wrong; unscored if the grader raises or exhausts time or memory."""
    ours, theirs = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (CASE_BYTES, CASE_BYTES))
        theirs.send("right" if grade(gold, response) else "wrong")

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    theirs.close()
    try:
        return str(ours.recv()) if ours.poll(CASE_SECONDS) else "unscored"
    except EOFError:
        return "unscored"
    finally:
        process.kill()
        process.join()


def main(corpus: str) -> int:
    logging.disable(logging.CRITICAL)
    cases = [json.loads(line) for line in sys.stdin]
    verdicts = {}
    for name, grade in graders(corpus).items():
        # What a grammar loads on first use is loaded once, not in each process.
        grade(
            r"\frac{1}{2}",
            r"Final Answer: The final answer is $\boxed{x+1}$. I hope it is correct.",
        )
        verdicts[name] = [verdict(grade, case["gold"], case["response"]) for case in cases]
    print(json.dumps(verdicts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
