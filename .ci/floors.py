"""Checks the environment of .ci/floors: each direct dependency has its lowest version, and they work together."""

import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

import arviz
import numpy as np
import nutpie
import pymc as pm
from packaging.requirements import Requirement
from packaging.version import Version

EXTRAS = ("adam", "examples", "test")  # as .ci/floors installs them


def lines(project: dict) -> list[str]:
    """The requirements of the project and of its extras, without the engines of clusters, which are not installed."""
    return project["dependencies"] + [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]


def check_versions() -> None:
    """Stop unless each floor is the version that is installed; a floor that no release meets proves nothing."""
    wrong = []
    for line in lines(tomllib.loads(Path("pyproject.toml").read_text())["project"]):
        requirement = Requirement(line)
        (floor,) = (Version(part.version) for part in requirement.specifier if part.operator == ">=")
        lowest = Version(version(requirement.name))
        if lowest != floor:
            wrong.append(f"{requirement.name} from {floor} to {lowest}")
    if wrong:
        raise SystemExit(f"pyproject.toml: floors that cannot be installed; raise {', '.join(wrong)}.")


def check_sampling() -> None:
    """Stop unless a censored model samples and its posterior survives NetCDF."""
    measured = np.maximum(np.random.default_rng(1).normal(size=20), -0.5)
    with pm.Model(coords={"sample": np.arange(20)}) as model:
        mean = pm.Normal("mean")
        pm.Censored("y", pm.Normal.dist(mean, 1.0), lower=-0.5, upper=None, observed=measured, dims="sample")
    drawn = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=100, tune=100, chains=2, cores=2, seed=1, progress_bar=False
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "posterior.nc"
        drawn.to_netcdf(file, engine="h5netcdf")
        read = arviz.from_netcdf(file)
        np.testing.assert_array_equal(read["posterior"]["mean"].to_numpy(), drawn["posterior"]["mean"].to_numpy())
        read.close()


check_versions()
check_sampling()
print(f"floors hold: PyMC {version('pymc')}, ArviZ {version('arviz')}, Snakemake {version('snakemake')}")
