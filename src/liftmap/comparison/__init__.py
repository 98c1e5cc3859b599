"""Comparing two models that have answered: tallies, logs or a published matrix in, a verdict out.

Stands beside the study: `read` and `store` give tallies, `stats` does the maths, `report` prints
what comes out.

| module | what is there |
|---|---|
| compare | the comparison of two tallies |
| published | the same for a published before/after matrix of counts |
| planning, plan_record | what a tally can detect, and the cheapest sampling plan |
| result | the record, its JSON and its tables |
| sides | files and tables to matched tallies |
| figures, fitted | the figures from exact counts, and from the joint law |
| guidance | what to do next |
"""
