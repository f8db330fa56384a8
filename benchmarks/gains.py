"""Gains of the patients of `redosable` against the true ones, after `./run`.

    python benchmarks/gains.py [results/redosable]

Prints, of the expected gain by joint_step and the gain at the simulator's own traits and parameters: correlation, the
share that 90 % bands hold, and by verdict the share that truly gains more than the smallest gain that matters. GVHD is
left out of both: the simulator's has other parameters than the model's.
"""

import sys
from pathlib import Path

import numpy as np
import yaml

from redose import calibration, files, prediction
from redose.decisions import gain

ROOT = Path(__file__).parents[1]
DECISION = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["decision"]


def main(folder: Path) -> None:
    data, about = files.read_dataset(folder / "joint_step/design.nc"), files.read_json(folder / "tables/about.json")
    truth = yaml.safe_load((folder / "source/truth.yaml").read_text(encoding="utf-8"))
    posterior = files.read_tree(folder / "joint_step/posterior.nc")["posterior"].to_dataset()
    both = prediction.thin(posterior, DECISION["ahead"]["draws"]), calibration.true_draws(data, truth)
    of, horizon, ci_prob = DECISION["gain"], DECISION["ahead"]["horizon"], DECISION["ci_prob"]
    guessed, true = (gain.table(gain.simulate(data, x, None, about, DECISION, 1), of, horizon, ci_prob) for x in both)
    r = [np.corrcoef(guessed[name], true["gain"])[0, 1] for name in ("gain", "like_gain")]
    print(f"{len(true)} patients: r {r[0]:.2f}; by covariates alone {r[1]:.2f}")
    inside = (guessed["gain_low"] <= true["gain"]) & (true["gain"] <= guessed["gain_high"])
    print(f"{100 * ci_prob:g} % bands hold {100 * inside.mean():.0f} %")
    for verdict, more in (true["gain"] > of["smallest"]).groupby(guessed["verdict"]):
        print(f"{verdict}: {len(more)}, of whom {100 * more.mean():.0f} % truly gain more than {of['smallest']} days")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results/redosable")
