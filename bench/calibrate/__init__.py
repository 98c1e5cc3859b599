"""Does liftmap hold what it promises? Attacks in worlds of known truth, counted.

    python -m bench.calibrate                              all attacks, 200 rounds each
    python -m bench.calibrate unscored --rounds 1000       those whose name holds the word
    python -m bench.calibrate --out docs/calibration.md    writes the table into the page

worlds -> judge -> attacks, promises -> run (counts) -> table.
"""
