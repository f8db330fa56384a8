"""One fit in a process of its own, timed from inside: `python benchmarks/one_fit.py FOLDER STAGE`, called by fit.py.

FOLDER holds what `prepared.prepare` wrote. STAGE: `compile` stops there; `warm` samples a few draws, so that the next
process finds every cache full, and times the gradient and its floor; `whole` makes the fit and writes posterior.nc.
Each writes STAGE.json: seconds of the imports, of building and compiling the model, within nutpie, and of the rest.
"""

import sys
import time

BEGUN = time.perf_counter()

from pathlib import Path  # noqa: E402

import floor  # noqa: E402
import gradient  # noqa: E402
import nutpie  # noqa: E402

from redose import files, priors, sampling  # noqa: E402
from redose.models import MODELS  # noqa: E402

IMPORTED = time.perf_counter()
FEW = {"tune": 30, "draws": 30}


def counting(sample, spent: list[float]):
    """`nutpie.sample`, its seconds added to `spent`: the program itself keeps no time."""

    def sampled(*arguments, **options):
        started = time.perf_counter()
        tree = sample(*arguments, **options)
        spent.append(time.perf_counter() - started)
        return tree

    return sampled


def main(folder: Path, stage: str, cores: int) -> None:
    given, data = files.read_json(folder / "fit.json"), files.read_dataset(folder / "design.nc")
    model = MODELS[given["model"]](data, priors.convert_all(given["priors"]))
    made = sampling.compiled(model, given["sampling"].get("backend", "numba"))
    found = {"imports": IMPORTED - BEGUN, "compile": time.perf_counter() - IMPORTED}
    if stage != "compile":
        spent: list[float] = []
        nutpie.sample = counting(nutpie.sample, spent)
        how = given["sampling"] | (FEW if stage == "warm" else {})
        name = f"{given['study']}/{given['model']}"
        seed, started = sampling.seed_of(given["seed"], given["study"], given["model"], "fit"), time.perf_counter()
        tree = sampling.drawn(made, model, data, how, seed, name, cores)
        if stage == "whole":
            files.write_tree(tree, folder / "posterior.nc")
        found |= {"sample": sum(spent), "rest": time.perf_counter() - started - sum(spent)}
    if stage == "warm":
        counts = gradient.counted(model)
        found |= {"gradient": gradient.gradient_time(made), "floor": floor.floor_time(counts), "counts": counts}
    files.write_json(found, folder / f"{stage}.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
