"""The kin testbed: a small world of facts, and two tiny models whose knowledge of it is known.

`world` and the modules it feeds make the questions, `corpus` the text, `pretrain` the models;
`checkpoints` holds the two that are shipped.
"""

from __future__ import annotations

from liftmap.testbed.world import CHECKPOINTS, checkpoint_path

__all__ = ["CHECKPOINTS", "checkpoint_path"]
