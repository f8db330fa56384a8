"""A fit as the workflow would make it, up to its design, in a folder for one_fit.py."""

import tempfile
from pathlib import Path

import pandas as pd
import yaml

from redose import checks, design, examples, files, settings, simulate, tables

ROOT = Path(__file__).parents[1]


def settings_of(study: str) -> dict:
    """The repository's own config, narrowed to one study; pbc has a file of its own."""
    own = ROOT / "data" / study / "config.yaml"
    return settings.of_study(study, ROOT, [own] if own.exists() else [], {})


def read(study: str, entry: dict, patients: int | None) -> tuple[dict[str, pd.DataFrame], dict]:
    """(checked tables, study.yaml) of an example, simulated with so many patients where it is simulated."""
    source = ROOT / entry["folder"]
    with tempfile.TemporaryDirectory() as folder:
        if entry["source"] == "simulate":
            protocol = yaml.safe_load((source / "simulation.yaml").read_text(encoding="utf-8"))
            wanted = {"patients": {"count": patients}} if patients else {}
            simulate.write(*simulate.simulate(simulate.protocol_with(protocol, wanted)), folder)
        else:
            examples.derive(study, folder)
        given = tables.read_study(source / "study.yaml", Path(folder), study)
        found = checks.check(given)
    checks.require(found)
    return found.tables, given.about


def prepare(study: str, model: str, patients: int | None, changes: dict, folder: Path) -> None:
    """Writes design.nc and fit.json (study, model, priors, sampling, seed, limits of acceptance) to `folder`.

    changes: of the sampling, by its names; None leaves what the config says.
    """
    config = settings_of(study)
    entry = config["studies"][study]
    own = entry["models"][model]
    options = config["model"] | {"estimand": entry["estimand"]} | {k: v for k, v in own.items() if k != "sampling"}
    found, about = read(study, entry, patients)
    files.write_tree(design.build(found, about, model, options, config["priors"]), folder / "design.nc")
    how = config["sampling"] | own.get("sampling", {}) | {k: v for k, v in changes.items() if v is not None}
    given = {name: config[name] for name in ("priors", "seed", "acceptance")}
    files.write_json(given | {"study": study, "model": model, "sampling": how}, folder / "fit.json")
