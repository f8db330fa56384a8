"""Effective draws of the sd of three groups by how well their effects are known, in either coordinate of the sd.

    python benchmarks/spreads.py

Group means of a log hazard, normal about their effects with the variance of so many events; effects, sd and a rate
beside them are sampled as models.pooled has them, and 400 standard normal numbers besides, which set the steps as
patients do.
"""

import numpy as np
import nutpie
import pymc as pm
from arviz_stats import ess, rhat

from redose.models import pooled

PRIOR = {"omega": {"sigma": 0.5}}
MEANS = np.array([0.03, -0.1, 0.05])
SHARES = np.array([1.0, 1.2, 0.8])
SAMPLER = {"tune": 200, "draws": 500, "chains": 4, "cores": 1, "target_accept": 0.9, "progress_bar": False}


def model(events: float, resolved: bool) -> pm.Model:
    """Three groups of about so many events each."""
    number = events * SHARES
    told = np.diag(number) - np.outer(number, number) / (number.sum() + 1)
    with pm.Model() as made:
        omega = pooled.spread("omega", PRIOR, told if resolved else None)
        u = pooled.effects("u", 0.0, omega, told, 0.0)
        rate = pm.Normal("rate", 0, 1) / np.sqrt(number.sum()) - (u * number).sum() / number.sum()
        pm.Potential("data", -0.5 * (number * (rate + u - MEANS) ** 2).sum())
        pm.Normal("patients", 0, 1, shape=400)
    return made


def main() -> None:
    print("events resolved seed   bulk ESS   R-hat  divergences")
    for events in (80, 320, 1280, 5000):
        for resolved in (False, True):
            compiled = nutpie.compile_pymc_model(model(events, resolved))
            for seed in (1, 2, 3):
                tree = nutpie.sample(compiled, seed=seed, **SAMPLER)
                omega = tree["posterior"].to_dataset()[["omega"]]
                found = (float(f(omega)["omega"]) for f in (ess, rhat))
                divergent = int(tree["sample_stats"]["diverging"].sum())
                print("{:6d} {!s:>8} {:4d} {:10.0f} {:7.3f} {:12d}".format(events, resolved, seed, *found, divergent))


if __name__ == "__main__":
    main()
