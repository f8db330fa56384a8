"""SHA-256 digests of files and settings."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def of_file(path: Path) -> str:
    """SHA-256 of a file, as sha256sum prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(root: Path, patterns: Iterable[str]) -> dict:
    """Path below `root` -> SHA-256, of the files that match."""
    files = {f for pattern in patterns for f in root.glob(pattern) if f.is_file() and "__pycache__" not in f.parts}
    return {f.relative_to(root).as_posix(): of_file(f) for f in sorted(files)}


def of_settings(settings: dict) -> str:
    """SHA-256 of the settings as sorted JSON."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
