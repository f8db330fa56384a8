"""The settings of a study as the workflow puts them together from its config files."""

from pathlib import Path

import yaml
from snakemake.utils import update_config, validate

SCHEMA = "workflow/schemas/config.schema.yaml"


def of_study(study: str, root: Path, configs: list[Path], given: dict) -> dict:
    """The config of the workflow in `root`, those of `configs` going before it and `given` before all, with `studies`
    narrowed to one study and what the schema fills in.

    A config that names studies or models runs no others, as workflow/rules/common.smk has it.
    """
    known, own = read(root / "config.yaml"), {}
    for part in (*map(read, configs), given):
        update_config(own, part)
    named = own.get("studies", {}).get(study) or {}
    update_config(known, own)
    found = known["studies"][study]
    if isinstance(named.get("models"), dict):
        found["models"] = {model: found["models"][model] for model in named["models"]}
    known["studies"] = {study: found}
    validate(known, schema=root / SCHEMA)
    return known


def read(path: Path) -> dict:
    """The config file at `path`."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
