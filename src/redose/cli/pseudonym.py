"""`redose pseudonym`: the pseudonyms of patients, for whoever holds the salt and the keys."""

from pathlib import Path
from typing import Annotated

import typer

from redose.cli.terminal import named, printable, sentences, stop

HELP = (
    "Say which pseudonym a patient has under a salt (config: privacy: salt:).\n\n"
    "One line for every patient: pseudonym and key. A pseudonym cannot be turned back into a key; to find a patient "
    "again, print those of a study's folder and look for it: redose pseudonym --salt salt.txt --of data/mine | grep "
    "P-7F3K2A9Q. Nothing is written to a file: a list of pseudonyms and keys is as secret as the salt."
)
EXITS = "[b]Exit code:[/b] 0 printed; 2 not: no such salt, one that could be guessed, no such folder, or no key given."


def pseudonym(
    keys: Annotated[list[str] | None, typer.Argument(metavar="KEY...", help="Keys of patients.")] = None,
    salt: Annotated[Path, typer.Option("--salt", metavar="FILE", help="The file that holds the salt.")] = ...,
    folder: Annotated[
        Path | None, typer.Option("--of", metavar="STUDY_FOLDER", help="All patients of this folder's tables.")
    ] = None,
) -> None:
    """Ends with the exit code of `EXITS`, a line printed for every patient."""
    from redose import pseudonyms, tables

    wanted = [key.strip() for key in keys or [] if key.strip()]
    if folder is not None:
        if not folder.is_dir():
            stop(f"{named(folder)}: there is no such folder; correct the path.")
        with sentences(f"reading {named(folder)}"):
            wanted += sorted(pseudonyms.keys_of(tables.read_tables(folder)[0]))
    if not wanted:
        stop("no patient is named; give keys, or a study's folder with --of.")
    try:
        found = pseudonyms.pseudonyms(pseudonyms.read_salt(salt), wanted)
    except pseudonyms.SaltError as fault:
        stop(str(fault))
    for key in dict.fromkeys(wanted):
        typer.echo(f"{found[key]}  {printable(key)}")
