"""Comparing two models that have answered: tallies, logs or a published matrix in, a verdict out.

The only place that judges: `compare`, an arm of a study, and whoever else asks, ask here. `read`
and `store` give tallies, `stats` does the maths, `analyse` repeats comparisons, `report` shows
them.

    load -> match -> bootstrap -> curve, figures, fitted -> guidance -> result -> tables, words

| module | what is there |
|---|---|
| compare | the comparison of two sources, and of two matched tallies |
| track, follow | a training run over its steps; one that still goes on |
| track_steps, track_ground | the steps read, and put on the questions that all of them answered |
| track_band, track_responses | one band over all steps; length, entropy, truncation |
| track_parts, track_record, track_words | the run as records, JSON, tables and sentences |
| suite, pooled, suite_gate | several benchmarks: a comparison each, pooled, required |
| suite_parts, suite_result | the records of a suite, and its JSON |
| suite_words, suite_tables | its sentences and its table |
| published | the same for a published before/after matrix of counts |
| planning, plan_record | what a tally can detect, and the cheapest sampling plan |
| load | files, tables and response sets to outcomes |
| match | two tallies on their common questions |
| provenance | what the two sides were made from: names, settings, digests |
| bootstrap | weights that depend on ids, clusters and seed alone |
| curve | pass@k on both readings: questions like these, and these questions |
| figures, fitted | the other figures from exact counts, and from the joint law |
| votes | majority vote of the model before |
| guidance | what to do next, as facts |
| parts, result | the records, and the JSON |
| tables, columns | the result as tables; a study's tables are these |
| words, rounding | every sentence and every figure as text |
"""
