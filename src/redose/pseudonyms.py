"""Pseudonyms in the place of patient keys: a keyed hash (HMAC-SHA256) under a secret salt.

Whoever holds the salt and the keys can tell who is who; whoever lacks either cannot, by any amount of trying. The same
key has the same pseudonym wherever the same salt is used.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from redose import contract, problems
from redose.checks import Verdict
from redose.rules import RULES
from redose.tables import Study

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O and U, which are misread
LENGTH = 8  # letters of 5 bits: two of 240 patients collide once in 40 million salts, two of 10,000 once in 20,000
FORM = re.compile(f"P-[{LETTERS}]{{{LENGTH}}}")
REMOVED = "P-"  # of a key in letters whose small forms differ from those of any key
SHORTEST = 32  # characters of a salt
FEWEST = 8  # different characters among them
MAKE = 'python -c "import secrets; print(secrets.token_hex(32))" > salt.txt'
NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?")
ROW = re.compile(r" \(row \d+\)|\brow \d+\b")


class SaltError(ValueError):
    """A salt that cannot be used; its text says where, why and the cure, and nothing of the salt."""


def read_salt(path: Path | str) -> str:
    """The salt in a file: one line of at least `SHORTEST` characters, spaces around it left out."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise SaltError(f"{path}: there is no such file; make a salt: {MAKE}") from None
    except OSError as fault:
        raise SaltError(f"{path}: the salt cannot be read ({fault.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise SaltError(f"{path}: the salt is not UTF-8 text; make another: {MAKE}") from None
    lines = [line.strip() for line in lines if line.strip()]
    if len(lines) != 1:
        held = f"{len(lines)} lines" if lines else "nothing"
        raise SaltError(f"{path}: holds {held}, but a salt is one line; make one: {MAKE}")
    salt = lines[0]
    if len(salt) < SHORTEST or len(set(salt)) < FEWEST:
        counted = f"{len(salt)} characters, {len(set(salt))} of them different"
        least = f"at least {SHORTEST} and {FEWEST}, or it could be guessed"
        raise SaltError(f"{path}: the salt has {counted}; it needs {least}; make one: {MAKE}")
    return salt


def pseudonym(salt: str, key: str) -> str:
    """The pseudonym of one patient key, such as P-7F3K2A9Q."""
    digest = hmac.digest(salt.encode(), key.encode("utf-8", "surrogatepass"), "sha256")
    number = int.from_bytes(digest, "big") >> (256 - 5 * LENGTH)
    return "P-" + "".join(LETTERS[number >> 5 * place & 31] for place in reversed(range(LENGTH)))


def pseudonyms(salt: str, keys: Iterable[str]) -> dict[str, str]:
    """Key -> pseudonym. Raises SaltError where two keys have the same."""
    found = {key: pseudonym(salt, key) for key in sorted(set(keys))}
    if len(set(found.values())) < len(found):
        raise SaltError(f"two of {len(found)} patients have the same pseudonym under this salt; make another: {MAKE}")
    return found


def hidden(study: Study, salt: str) -> Study:
    """The study with pseudonyms for keys in its tables, its description and the problems of reading it.

    Of `patients`, columns that are neither of the contract nor described in `study.yaml` are left out: no model needs
    them, and nobody has said that they do not identify (initials, hospital numbers, dates of birth).
    """
    keys = keys_of(study.tables)
    names = pseudonyms(salt, keys)
    quoted = names | {problems.shown(key): name for key, name in names.items()}  # as the problems write them
    write = replacer(quoted)
    tables = {name: renamed(frame, names, write) for name, frame in study.tables.items()}
    if "patients" in tables:
        tables["patients"] = tables["patients"].drop(columns=undescribed(study))
    found = study.problems.copy()
    for column in found.columns.drop(["row", "severity", "rule"]):
        found[column] = found[column].map(write)
    found["patient"] = study.problems["patient"].map(lambda key: quoted.get(key.strip(), write(key)))
    return replace(study, about=rewritten(study.about, write), tables=tables, problems=found)


def keys_of(tables: dict[str, pd.DataFrame]) -> set[str]:
    """The patient keys in raw tables, as the checks read them: without spaces around them."""
    given = [frame["patient"].str.strip() for frame in tables.values() if "patient" in frame]
    return {key for column in given for key in column if key}


def undescribed(study: Study) -> list[str]:
    """Columns of the raw table patients that are neither of the contract nor described in study.yaml."""
    known = {column.name for column in contract.TABLES["patients"].columns} | set(study.about["covariates"])
    return [name for name in study.tables.get("patients", pd.DataFrame()) if name not in known]


def replacer(names: dict[str, str]) -> Callable[[str], str]:
    """A function that replaces the keys that stand as words of their own in a text, in capitals or small letters.

    A short key, or a number of less than six digits, cannot be told from other words and is left.
    """
    sought = [key for key in names if len(key) >= 6 or (len(key) >= 4 and not NUMBER.fullmatch(key))]
    if not sought:
        return lambda text: text
    words = "|".join(re.escape(key) for key in sorted(sought, key=len, reverse=True))
    pattern = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)
    folded = {key.casefold(): names[key] for key in sought}

    def written(match: re.Match) -> str:
        found = match.group()
        return names.get(found) or folded.get(found.casefold(), REMOVED)

    return lambda text: pattern.sub(written, text)


def renamed(frame: pd.DataFrame, names: dict[str, str], write: Callable[[str], str]) -> pd.DataFrame:
    """A raw table with pseudonyms for keys in the column patient and, as words, in headings and in other text."""
    made = {}
    for column in frame:
        cells = frame[column]
        if column == "patient":
            made[column] = cells.map(lambda key: names.get(key.strip(), key))
        else:
            texts = {text: text if NUMBER.fullmatch(text.strip()) else write(text) for text in cells.unique()}
            made[write(column)] = cells.map(texts)
    return pd.DataFrame(made, index=frame.index, dtype=object)


def rewritten(value, write: Callable[[str], str]):
    """A description, all texts in it rewritten."""
    if isinstance(value, dict):
        return {write(name): rewritten(x, write) for name, x in value.items()}
    if isinstance(value, list):
        return [rewritten(x, write) for x in value]
    return write(value) if isinstance(value, str) else value


def of_checked(tables: dict[str, pd.DataFrame], salt: str) -> dict[str, pd.DataFrame]:
    """Checked tables with pseudonyms for keys; as they are where all keys are pseudonyms already."""
    keys = set(tables["patients"]["patient"])
    if all(FORM.fullmatch(key) for key in keys):
        return tables
    names = pseudonyms(salt, keys)
    found = {name: frame.assign(patient=frame["patient"].map(names)) for name, frame in tables.items()}
    return {name: contract.finished(name, frame) for name, frame in found.items()}


def kept(verdict: Verdict) -> Verdict:
    """The verdict as results and logs may keep it: without rows and in the order of the pseudonyms, as a row says which
    patient of the file it is; of a study that fails the rules alone, as its cells may hold anything, also a key that
    slipped into another column."""
    found = verdict.problems.assign(row=pd.array([pd.NA] * len(verdict.problems), dtype="Int64"))
    if verdict.passed:
        found["message"] = found["message"].map(lambda text: ROW.sub(another_row, text))
    else:
        found["message"] = found["rule"].map(lambda rule: f"breaks the rule: {RULES[rule].meaning.rstrip('.')}")
        found = found.assign(cure="`redose check` says what and in which row", value="", column="", at="")
    found = found.sort_values(["severity", "file", "rule", "patient", "message"], kind="stable", ignore_index=True)
    return replace(verdict, problems=found)


def another_row(match: re.Match) -> str:
    return "" if match.group().startswith(" ") else "another row"
