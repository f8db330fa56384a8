"""Everything that can be read in the files of a folder, for tests that look for what must not be there."""

import base64
import html
import io
import re
from pathlib import Path
from urllib.parse import unquote

import h5py
import pandas as pd

ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
EMBEDDED = re.compile(rb"data:[a-z]+/[a-z+.-]+;base64,([A-Za-z0-9+/=]+)")


def written(path: Path) -> str:
    """All text of a file: its name, bytes, and what is embedded in it, escapes of JSON, HTML and addresses resolved,
    and the cells of a Parquet or NetCDF file."""
    content = path.read_bytes()
    found = [path.name, content.decode("utf-8", "replace"), content.decode("utf-16-le", "replace")]
    found += [base64.b64decode(x).decode("utf-8", "replace") for x in EMBEDDED.findall(content)]
    found += [resolved(text) for text in found[1:]]
    if content[:4] == b"PAR1":
        found.append(pd.read_parquet(io.BytesIO(content)).to_csv())
    if content[1:4] == b"HDF":
        found.append("\n".join(of_netcdf(path)))
    return "\n".join(found)


def resolved(text: str) -> str:
    """Text without escapes: \\u00e4, &auml; and %C3%A4 are all ä."""
    return unquote(html.unescape(ESCAPED.sub(lambda match: chr(int(match.group(1), 16)), text)))


def of_netcdf(path: Path) -> list[str]:
    """Names, attributes and text of an HDF5 file."""
    found = []

    def visit(name, entry) -> None:
        found.extend([name, *(str(x) for pair in entry.attrs.items() for x in pair)])
        if isinstance(entry, h5py.Dataset) and entry.dtype.kind in "OSU":
            found.extend(x.decode("utf-8", "replace") if isinstance(x, bytes) else str(x) for x in entry[()].ravel())

    with h5py.File(path) as tree:
        found.extend(str(x) for pair in tree.attrs.items() for x in pair)
        tree.visititems(visit)
    return found


def places(folders: list[Path], words: list[str]) -> set[tuple[str, str]]:
    """(file, word) for every word that can be read in a file below the folders."""
    files = [f for folder in folders for f in sorted(folder.rglob("*")) if f.is_file()]
    return {(f.name, word) for f in files for text in [written(f)] for word in words if word in text}
