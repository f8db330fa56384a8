"""The joint model of pbcseq by rstanarm's stan_jm, measured as fit.py measures ours: `python benchmarks/rstanarm.py`.

Needs R with rstanarm (Debian: r-cran-rstanarm, r-cran-data.table); without it one line says so, and the table is empty.
The same 312 patients and 1,945 samples, current value, random intercept and slope, sex in both submodels; stan_jm's own
priors and baseline hazard (B-splines on the log scale, 6 coefficients), its default sampler settings.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

import fit
import numpy as np
import pandas as pd
import prepared
import processes
import rows
import xarray as xr
from rows import Measure

from redose import diagnostics, survival

PROGRAM = str(Path(__file__).with_suffix(".R"))


def missing() -> str:
    """Why rstanarm cannot be measured here; empty where it can."""
    if not shutil.which("Rscript"):
        return "there is no Rscript"
    asked = ["Rscript", "-e", "stopifnot(requireNamespace('rstanarm'), requireNamespace('data.table'))"]
    return "R lacks rstanarm or data.table" if subprocess.run(asked, capture_output=True).returncode else ""


def write_data(folder: Path) -> None:
    """samples.csv and patients.csv, of the checked tables of pbc."""
    tables, _ = prepared.read("pbc", prepared.settings_of("pbc")["studies"]["pbc"], None)
    sex = tables["patients"].set_index("patient")["sex"]
    burden, intervals = tables["burden"], tables["intervals"]
    samples = pd.DataFrame({"patient": burden["patient"], "year": burden["day"] / survival.YEAR})
    samples["log_bilirubin"], samples["sex"] = np.log(burden["burden"]), burden["patient"].map(sex)
    samples.to_csv(folder / "samples.csv", index=False)
    patients = pd.DataFrame({"patient": intervals["patient"], "sex": intervals["patient"].map(sex)})
    patients["years"] = (intervals["end_day"] - intervals["start_day"]) / survival.YEAR
    patients["died"] = intervals["outcome"].isin(["death", "transplant"]).astype(int)
    patients.to_csv(folder / "patients.csv", index=False)


def measures(folder: Path, spent: processes.Spent) -> list[Measure]:
    """Of draws.csv and sampler.csv of a folder."""
    draws, sampler = pd.read_csv(folder / "draws.csv"), pd.read_csv(folder / "sampler.csv")
    each = [part.drop(columns="chain") for _, part in draws.groupby("chain")]
    values = {name: (("chain", "draw"), np.stack([part[name] for part in each])) for name in each[0]}
    population = diagnostics.summarise(xr.DataTree.from_dict({"posterior": xr.Dataset(values)}), 0.9)
    return [
        Measure("wall time, whole process", spent.wall, "s", rows.load()),
        Measure("processor time, whole process", spent.cpu, "s"),
        Measure("peak memory", spent.peak, "GB"),
        Measure("sampling", sampler["seconds"].max(), "s", "longest chain, warm-up included"),
        *fit.efficiency(population, spent.wall, sampler["seconds"].max()),
        Measure("divergences", sampler["divergent"].sum()),
        Measure("leapfrog steps a draw", sampler["steps"].mean()),
        Measure("draws", len(draws), note=f"chains {len(sampler)}"),
    ]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--chains", type=int, default=2)
    options.add_argument("--iterations", type=int, default=1000, help="of a chain, the first half warm-up")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--table", help="CSV to write")
    asked = options.parse_args()
    why, found = missing(), []
    if why:
        print(f"rstanarm is not measured: {why}.")
    else:
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder))
            numbers = map(str, (asked.chains, asked.iterations, asked.seed))
            spent = processes.timed("--vanilla", PROGRAM, folder, *numbers, program="Rscript")
            found = measures(Path(folder), spent)
    rows.say(rows.table("rstanarm", "pbc stan_jm", found), asked.table)


if __name__ == "__main__":
    main()
