"""Files that are written whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xarray as xr


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A temporary name in the folder of `path`; it takes the place of `path` when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """An empty temporary folder beside `path`; it takes the place of `path` when the block ends without an error."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_tree(tree: xr.DataTree | xr.Dataset, path: str | Path) -> None:
    """Writes a DataTree or Dataset as NetCDF (HDF5)."""
    with whole(path) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")


def read_tree(path: str | Path) -> xr.DataTree:
    """The DataTree at `path`, in memory, without how the file stored it: xarray 2025.6 does not write what it read of
    a dimension of no extent."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        return tree.load().map_over_datasets(xr.Dataset.drop_encoding)


def read_dataset(path: str | Path) -> xr.Dataset:
    """The Dataset at `path`, in memory, without how the file stored it."""
    return xr.load_dataset(path, engine="h5netcdf").drop_encoding()


def write_text(text: str, path: str | Path) -> None:
    """Writes `text` as UTF-8."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: dict, path: str | Path) -> None:
    """Writes JSON with sorted keys and an end of line."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> dict:
    """The JSON object at `path`."""
    return json.loads(Path(path).read_text())


def write_table(table, path: str | Path) -> None:
    """Writes a DataFrame as CSV without its index."""
    with whole(path) as temporary:
        table.to_csv(temporary, index=False)


def write_parquet(table, path: str | Path) -> None:
    """Writes a DataFrame as Parquet without its index."""
    with whole(path) as temporary:
        table.to_parquet(temporary, index=False)
