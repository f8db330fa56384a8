"""Error and time of Laplace's approximation against NUTS, of joint_step of `redosable`.

    python benchmarks/laplace.py --patients 240

Prints, for every parameter that patients share, by how many posterior sds of NUTS its mean is off, and the ratio of the
sds; then the largest and the median, and the time of either within its process.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import prepared

from redose import files, laplace, priors, sampling
from redose.models import MODELS

DRAWS = 2000
OF_PATIENTS = ("traits", "v")


def compared(exact, approximate) -> list[tuple[float, float, str]]:
    """(mean off by, in sds of NUTS; ratio of sds; name) of every number that patients share."""
    found = []
    for name in exact.data_vars:
        if name in OF_PATIENTS or name not in approximate:
            continue
        x = exact[name].to_numpy().reshape(exact.sizes["chain"] * exact.sizes["draw"], -1)
        y = approximate[name].to_numpy().reshape(approximate.sizes["draw"], -1)
        off, ratio = (y.mean(0) - x.mean(0)) / x.std(0), y.std(0) / x.std(0)
        found += [(off[k], ratio[k], f"{name}[{k}]") for k in range(x.shape[1])]
    return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--patients", type=int, default=240)
    options.add_argument("--cores", type=int, default=2)
    options.add_argument("--posterior", type=Path, help="of NUTS, to compare with; without it NUTS is run")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared.prepare("redosable", "joint_step", asked.patients, {}, folder)
        given, data = files.read_json(folder / "fit.json"), files.read_dataset(folder / "design.nc")
    model = MODELS["joint_step"](data, priors.convert_all(given["priors"]))
    made = sampling.compiled(model)
    started = time.perf_counter()
    approximate = laplace.fit(made, data, DRAWS, 1)
    print(f"Laplace {time.perf_counter() - started:.1f} s after compilation")
    started, how = time.perf_counter(), given["sampling"]
    if asked.posterior:
        exact = files.read_tree(asked.posterior)["posterior"].to_dataset()
    else:
        tree = sampling.drawn(made, model, data, how, 1, "redosable/joint_step", asked.cores)
        exact = tree["posterior"].to_dataset()
        print(f"NUTS {time.perf_counter() - started:.1f} s after compilation")
    found = compared(exact, approximate)
    for off, ratio, name in sorted(found, key=lambda x: -abs(x[0])):
        print(f"{name:28s} off {off:+.2f} sd, sd x {ratio:.2f}")
    off, ratio = np.abs([x[0] for x in found]), np.array([x[1] for x in found])
    print(f"{len(found)} numbers: off by {np.median(off):.2f} sd (median), {off.max():.2f} (most)")
    print(f"sd x {np.median(ratio):.2f} (median), {ratio.min():.2f} to {ratio.max():.2f}")


if __name__ == "__main__":
    main()
