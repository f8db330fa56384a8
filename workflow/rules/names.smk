# Names in the config that redose does not know, each with its place and the nearest name that it does know.
import difflib

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError


def unknown_names(config, schema):
    """One sentence for every name in `config` that `schema` does not allow where it stands."""
    for error in Draft202012Validator(schema).iter_errors(config):
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            place = ".".join(str(name) for name in error.absolute_path) or "top level"
            for name in sorted(set(error.instance) - set(known), key=str):
                near = difflib.get_close_matches(str(name), known, n=1)
                cure = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}."
                yield f"config: {place}: unknown name {name!r}; {cure}"


def refuse_unknown_names(config, schema_file):
    """Stops with all unknown names at once: Snakemake's own message prints the config, and the name drowns in it."""
    found = list(unknown_names(config, yaml.safe_load(Path(schema_file).read_text(encoding="utf-8"))))
    if found:
        raise WorkflowError("\n".join(found))
