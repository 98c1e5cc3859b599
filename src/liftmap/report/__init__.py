"""The last stage: tables of a study become one page, a picture and a terminal summary.

Reads tables/*.parquet and environment.json of a study folder; `build` writes report.html. Add a
chart in `charts/`.
"""
