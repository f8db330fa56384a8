"""Digests are those that sha256sum prints, and of settings those of sorted JSON."""

from redose import digests

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc", FIPS 180-4


def test_of_a_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert digests.of_file(tmp_path / "abc") == ABC


def test_of_files_by_their_place_without_compiled_code(tmp_path):
    for name in ("a.py", "b/c.py", "b/d.txt", "b/__pycache__/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"abc")
    assert digests.of_files(tmp_path, ["**/*.py"]) == {"a.py": ABC, "b/c.py": ABC}


def test_of_settings_does_not_depend_on_their_order():
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert digests.of_settings(one) == digests.of_settings(other)
    assert digests.of_settings(one) != digests.of_settings(one | {"a": 2})
