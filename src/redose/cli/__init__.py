"""The command `redose`, for people around the workflow: one command a file, registered here.

A command imports what it needs when it is called, so that `redose --help` answers at once.
"""

from typing import Annotated

import typer

from redose.cli import adapt, check, compare, export, new, predict, pseudonym, verify

app = typer.Typer(
    help="""Make and check a study's folder, from ADaM and back; predict patients; verify and compare results.

    The analysis itself is Snakemake's: ./run, or snakemake with .venv activated.""",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("new", help=new.HELP, epilog=new.EXITS)(new.new)
app.command("adapt", help=adapt.HELP, epilog=adapt.EXITS)(adapt.adapt)
app.command("check", help=check.HELP, epilog=check.EXITS)(check.check)
app.command("export", help=export.HELP, epilog=export.EXITS)(export.export)
app.command("predict", help=predict.HELP, epilog=predict.EXITS)(predict.predict)
app.command("pseudonym", help=pseudonym.HELP, epilog=pseudonym.EXITS)(pseudonym.pseudonym)
app.command("verify", help=verify.HELP, epilog=verify.EXITS)(verify.verify)
app.command("compare", help=compare.HELP, epilog=compare.EXITS)(compare.compare)


def version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"redose {version('redose')}")
        raise typer.Exit


@app.callback()
def redose(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass
