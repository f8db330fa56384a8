"""What R says of a table, where R and the packages are there: Debian's r-base-core and r-cran-<package>."""

import io
import shutil
import subprocess

import pandas as pd
import pytest


def with_r(script: str, table: pd.DataFrame, *packages: str) -> pd.DataFrame:
    """The CSV that an R script prints, given the table as CSV on standard input; skips the test without R."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not here (Debian: r-base-core)")
    for package in packages:
        found = subprocess.run(["Rscript", "-e", f"find.package('{package}')"], capture_output=True)
        if found.returncode:
            pytest.skip(f"R has no {package} here (Debian: r-cran-{package.lower()})")
    command = ["Rscript", "--vanilla", "-e", script]
    done = subprocess.run(command, input=table.to_csv(index=False), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout))
