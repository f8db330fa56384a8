"""The config behind a dossier, as a reader can read and use it again."""

from pathlib import PurePath

import yaml

SECRET = "salt"  # of pseudonyms: whoever knows it can undo them
HIDDEN, ELSEWHERE = "(not shown)", "(a place on the machine of the run)"
STYLE = {"sort_keys": False, "allow_unicode": True, "width": 110}


def readable(settings: dict) -> str:
    """The settings as YAML, in the order of the config, without secrets and places of the machine."""
    return yaml.safe_dump(shown(settings), default_flow_style=None, **STYLE)


def shown(value):
    """`value` with what is not to be shown replaced by a word, at any depth."""
    if isinstance(value, dict):
        return {name: HIDDEN if SECRET in str(name) and x else shown(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(x) for x in value]
    return ELSEWHERE if isinstance(value, str) and outside(value) else value


def outside(text: str) -> bool:
    """Whether a word of the config is a path beyond the folder of the run."""
    return PurePath(text).is_absolute() or text.startswith(("~", "..")) or text[1:3] == ":\\"
