"""What is written is whole, and what was read can be written again."""

import numpy as np
import pytest
import xarray as xr

from redose import files


@pytest.fixture
def data() -> xr.Dataset:
    """Numbers of patients and of covariates of which there are none, with names and attributes."""
    found = {"age": ("patient", [61.0, 47.5]), "beta": (("patient", "covariate"), np.empty((2, 0)))}
    return xr.Dataset(found, coords={"patient": ["a", "b"]}, attrs={"seed": "1"})


@pytest.mark.parametrize("of", [["age", "beta"], ["age"]])
def test_a_part_of_a_dataset_that_was_read_can_be_written_again(of, data, tmp_path):
    files.write_tree(data, tmp_path / "first.nc")
    files.write_tree(files.read_dataset(tmp_path / "first.nc")[of], tmp_path / "second.nc")
    xr.testing.assert_identical(files.read_dataset(tmp_path / "second.nc"), data[of])


@pytest.mark.parametrize("of", [["age", "beta"], ["age"]])
def test_a_part_of_a_tree_that_was_read_can_be_written_again(of, data, tmp_path):
    tree = xr.DataTree.from_dict({"posterior": data, "sample_stats": data[["age"]]})
    files.write_tree(tree, tmp_path / "first.nc")
    part = xr.DataTree.from_dict({"posterior": files.read_tree(tmp_path / "first.nc")["posterior"].to_dataset()[of]})
    files.write_tree(part, tmp_path / "second.nc")
    xr.testing.assert_identical(files.read_tree(tmp_path / "second.nc")["posterior"].to_dataset(), data[of])


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path):
    files.write_text("whole", tmp_path / "a.txt")
    with pytest.raises(KeyboardInterrupt), files.whole(tmp_path / "a.txt") as part:
        part.write_text("ha")
        raise KeyboardInterrupt
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"
