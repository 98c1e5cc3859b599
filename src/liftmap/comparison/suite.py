"""Several benchmarks at once: one comparison each, pooled, and what training did to old ones.

Above `compare`, which judges each benchmark: finds the benchmarks of both sides (`read.suites`),
compares those in common, pools them (`pooled`), adjusts p-values for their number (Holm) and
answers what is required (`suite_gate`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date as Date
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from liftmap.comparison.checks import withheld_by
from liftmap.comparison.compare import all_checks, answer_rules, compare_loaded
from liftmap.comparison.gate import answer_change, level_of_each
from liftmap.comparison.load import JudgedBy, Source
from liftmap.comparison.loaded_pair import LoadedPair, load_pair
from liftmap.comparison.options import Options
from liftmap.comparison.parts import Answer
from liftmap.comparison.pooled import BenchmarkPair, Over, pooled_change
from liftmap.comparison.provenance import name_of_model
from liftmap.comparison.result import Comparison
from liftmap.comparison.suite_gate import SuiteAnswer, SuiteRule, asked_of, parse_suite_rules
from liftmap.comparison.suite_parts import Benchmark, Group, PooledBenchmarks
from liftmap.comparison.suite_result import Suite
from liftmap.errors import InputError, LiftmapError, UnknownNameError
from liftmap.read.suites import LeftOut, SuiteFiles, find_benchmarks
from liftmap.registry import nearest
from liftmap.stats.multiple import holm
from liftmap.stats.verdict import MeasuredChange, conclude

# Where the benchmarks of one side are, or the results of each by name.
SuiteSource = str | Path | Mapping[str, Source]


def suite(
    before: SuiteSource,
    after: SuiteSource,
    *,
    old: Sequence[str] = (),
    k: int | None = None,
    margin: float = 0.01,
    level: float = 0.95,
    seed: int = 0,
    cluster: str | None = None,
    law_resamples: int = 0,
    resamples: int = 1000,
    min_responses: int | None = None,
    verifier: str | None = None,
    metric: str | None = None,
    think_end: str | None = None,
    verifier_options: Mapping[str, Any] | None = None,
    columns: Mapping[str, str] | None = None,
    right_at: float | None = None,
    require: Sequence[str] = (),
    skip_unreadable: bool = False,
    date: Date | None = None,
) -> Suite:
    """Compares two models on several benchmarks.

    Args:
        before: The model that one starts from: a folder with a file or a folder a benchmark, a
            folder of logs of several tasks, a file whose rows name their task, a model of a study
            as `STUDY:MODEL`, or results by the name of their benchmark.
        after: The trained model, likewise; benchmarks are matched by name.
        old: Names of benchmarks that the training was not for: their change is forgetting.
        k: Number of tries of capability, for every benchmark; default the most that each supports.
        margin: As in `compare`.
        level: As in `compare`.
        seed: As in `compare`.
        cluster: As in `compare`.
        law_resamples: As in `compare`; by default none, since a suite shows no figure of the law.
        resamples: As in `compare`.
        min_responses: As in `compare`.
        verifier: As in `compare`.
        metric: As in `compare`.
        think_end: As in `compare`.
        verifier_options: As in `compare`.
        columns: As in `compare`; `task` too, the column that tells benchmarks apart.
        right_at: As in `compare`.
        require: Rules as in `compare`, of every benchmark; or of one, as `gsm8k: accuracy >= -1`,
            of the old or new ones (`old: accuracy >= -2`), or of the mean over benchmarks
            (`pooled: accuracy >= 0`).
        skip_unreadable: Leave out files that can't be read, and say so, instead of refusing.
        date: As in `compare`.

    Returns:
        A comparison a benchmark, and what they come to together.

    Raises:
        LiftmapError: As in `compare`; no benchmark is common to both sides, or a name in `old` or
            in a rule is not one of them.
    """
    options = Options(
        k, margin, "study", level, seed, law_resamples, resamples, min_responses=min_responses
    )
    options.check()
    rules = parse_suite_rules(require)
    judged: JudgedBy = {
        "verifier": verifier,
        "metric": metric,
        "think_end": think_end,
        "verifier_options": verifier_options,
        "columns": columns,
        "right_at": right_at,
    }
    sides: list[Mapping[str, Source]] = []
    left_out: list[LeftOut] = []
    for side in (before, after):
        sources, rest = _sources(side, columns, skip_unreadable=skip_unreadable)
        sides.append(sources)
        left_out += rest
    names = _common(sides[0], sides[1], left_out)
    _check_old(old, names)
    pairs: dict[str, LoadedPair] = {}
    for name in names:
        try:
            pairs[name] = load_pair(
                sides[0][name],
                sides[1][name],
                judged,
                cluster=cluster,
                min_responses=min_responses,
            )
        except LiftmapError as error:
            if not skip_unreadable:
                raise _of_benchmark(name, error) from error
            left_out.append(LeftOut(name, "unreadable", str(error)))
    if not pairs:
        raise InputError(
            "No benchmark of the suite can be read.",
            seen=[each.name for each in left_out][:5],
            remedy="Leave --skip-unreadable out to see why.",
        )
    names_of_sides = _side_names(before, after)
    return suite_of(pairs, options, old, rules, tuple(left_out), names_of_sides, date)


def suite_of(
    pairs: Mapping[str, LoadedPair],
    options: Options,
    old: Sequence[str] = (),
    rules: Sequence[SuiteRule] = (),
    left_out: tuple[LeftOut, ...] = (),
    names: tuple[str, str] = ("before", "after"),
    date: Date | None = None,
) -> Suite:
    """`suite` for results that are read already.

    Args:
        pairs: The two sides of each benchmark, matched.
        options: How each comparison is made.
        old: As in `suite`.
        rules: What is required.
        left_out: What was not compared.
        names: What the two models are called, where the results do not say it alike.
        date: As in `compare`.

    Raises:
        InputError: k is above the responses of a benchmark, or a rule names none of them.
    """
    # A rule that is about nothing is refused before anything is computed.
    asked_of(rules, {name: name in old for name in pairs})
    comparisons: dict[str, Comparison] = {}
    for name, pair in pairs.items():
        try:
            comparisons[name] = compare_loaded(pair, options, date=date)
        except InputError as error:
            raise _of_benchmark(name, error) from error
    p_values = np.array(
        [
            [np.nan if axis.p_value is None else axis.p_value for axis in _axes(comparison)]
            for comparison in comparisons.values()
        ]
    )
    adjusted = holm(p_values.ravel()).reshape(p_values.shape)
    benchmarks = tuple(
        Benchmark(name, name in old, comparison, *(None if np.isnan(p) else float(p) for p in row))
        for (name, comparison), row in zip(comparisons.items(), adjusted, strict=True)
    )
    strata = _strata(pairs, options)
    groups: dict[Group, list[BenchmarkPair]] = {"all": list(strata.values())}
    if any(each.old for each in benchmarks):
        groups["new"] = [strata[each.name] for each in benchmarks if not each.old]
        groups["old"] = [strata[each.name] for each in benchmarks if each.old]
    overs: tuple[Over, ...] = ("benchmarks", "questions")
    first = next(iter(comparisons.values()))
    return Suite(
        benchmarks,
        tuple(
            _pooled(of, members, over, options)
            for of, members in groups.items()
            if members
            for over in overs
        ),
        before=_model([each.before.model for each in comparisons.values()]) or names[0],
        after=_model([each.after.model for each in comparisons.values()]) or names[1],
        left_out=left_out,
        level=options.level,
        margin=options.margin,
        seed=options.seed,
        family=int(np.isfinite(p_values).sum()),
        gate=answer_suite_rules(rules, pairs, options, old),
        date=first.date,
    )


def _axes(comparison: Comparison) -> tuple[Any, Any]:
    return comparison.verdict.accuracy, comparison.verdict.capability


def _model(models: Sequence[str | None]) -> str | None:
    """The model where all benchmarks name the same one."""
    named = set(models)
    return name_of_model(str(models[0])) if len(named) == 1 and models[0] else None


def _side_names(before: SuiteSource, after: SuiteSource) -> tuple[str, str]:
    """What the two sides are called: by their folders, as far up as it takes to tell them apart."""
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return "before", "after"
    parts = [PurePath(side).parts for side in (before, after)]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if names[0] != names[1]:
            return names[0], names[1]
    return "before", "after"


def _pooled(
    of: Group, members: Sequence[BenchmarkPair], over: Over, options: Options
) -> PooledBenchmarks:
    most = min(each.pair.most for each in members)
    k = most if options.k is None else min(most, options.k)

    def change(tries: int) -> MeasuredChange:
        return pooled_change(members, tries, over, level=options.level, seed=options.seed)

    accuracy = change(1)
    capability = change(k) if k > 1 else None
    return PooledBenchmarks(
        of,
        over,
        len(members),
        sum(each.pair.questions for each in members),
        k,
        accuracy.figure,
        None if capability is None else capability.figure,
        conclude(accuracy, capability, margin=options.margin, level=options.level),
    )


def answer_suite_rules(
    rules: Sequence[SuiteRule],
    pairs: Mapping[str, LoadedPair],
    options: Options,
    old: Sequence[str] = (),
) -> tuple[SuiteAnswer, ...]:
    """The answers to rules, by intervals that hold together over all rules and benchmarks.

    Args:
        rules: The rules.
        pairs: As in `suite_of`.
        options: As in `suite_of`.
        old: As in `suite`.

    Raises:
        InputError: A rule names none of the benchmarks.
    """
    asked = asked_of(rules, {name: name in old for name in pairs})
    if not asked:
        return ()
    level = level_of_each(options.level, len(asked))
    answers: dict[tuple[SuiteRule, str | None], Answer] = {}
    for name, pair in pairs.items():
        of_benchmark = [rule for rule, benchmark in asked if benchmark == name]
        given = answer_rules(
            [rule.rule for rule in of_benchmark],
            pair.tallies,
            options,
            all_checks(pair.tallies, pair.checks),
            level,
        )
        answers |= {(rule, name): each for rule, each in zip(of_benchmark, given, strict=True)}
    of_mean = [rule for rule, benchmark in asked if benchmark is None]
    strata = list(_strata(pairs, options).values()) if of_mean else []
    for rule in of_mean:
        k, measured = rule.rule.k, None
        if k is not None and k <= min(each.pair.most for each in strata):
            measured = pooled_change(strata, k, "benchmarks", level=level, seed=options.seed)
        answers[rule, None] = answer_change(rule.rule, measured)
    return tuple(SuiteAnswer(rule, name, answers[rule, name]) for rule, name in asked)


def _strata(pairs: Mapping[str, LoadedPair], options: Options) -> dict[str, BenchmarkPair]:
    """Each benchmark as a stratum."""
    return {
        name: BenchmarkPair.of(
            name,
            pair.tallies,
            resamples=options.resamples,
            level=options.level,
            seed=options.seed,
            withheld=withheld_by(
                all_checks(pair.tallies, pair.checks), "like-these", bounded=pair.tallies.bounded
            ),
        )
        for name, pair in pairs.items()
    }


def _sources(
    side: SuiteSource, columns: Mapping[str, str] | None, *, skip_unreadable: bool
) -> tuple[Mapping[str, Source], tuple[LeftOut, ...]]:
    """The results of one side by benchmark, and what is left out of it."""
    if isinstance(side, Mapping):
        return side, ()
    files: SuiteFiles = find_benchmarks(side, skip_unreadable=skip_unreadable, columns=columns)
    return files.benchmarks, files.left_out


def _common(
    before: Mapping[str, Source], after: Mapping[str, Source], left_out: list[LeftOut]
) -> list[str]:
    """The benchmarks on both sides; those on one side alone are added to what is left out.

    Raises:
        InputError: There is none.
    """
    common = [name for name in before if name in after]
    if not common:
        raise InputError(
            "The two sides have no benchmark in common.",
            seen={"before": sorted(before)[:8], "after": sorted(after)[:8]},
            remedy="Benchmarks are matched by the name of their task, file or folder, without its "
            "date: give both sides the same names. A single pair is for liftmap compare.",
        )
    left_out += [LeftOut(name, "before only") for name in before if name not in after]
    left_out += [LeftOut(name, "after only") for name in after if name not in before]
    return common


def _check_old(old: Sequence[str], names: Sequence[str]) -> None:
    for name in old:
        if name not in names:
            raise UnknownNameError(
                "There is no benchmark of this name on both sides.",
                seen=name,
                remedy=nearest(name, names),
            )


def _of_benchmark(name: str, error: LiftmapError) -> LiftmapError:
    """The same error, which says of which benchmark it is."""
    return InputError(f"{name}: {error.what}", seen=error.seen, remedy=error.remedy)
