"""The models: each page has `build(data, prior) -> pm.Model`, priors and likelihood read top to bottom.

Nothing outside this package makes a random variable. `MODELS` names them as the config does.
"""

from collections.abc import Callable

from redose.models import gvhd, intervals, joint

MODELS: dict[str, Callable] = {
    "intervals": intervals.build,
    "joint_value": joint.build,
    "joint_slope": joint.build,
    "joint_value_slope": joint.build,
    "joint_step": joint.build,
    "gvhd": gvhd.build,
}
