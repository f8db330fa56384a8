"""`redose predict`: what the histories of patients say of the days ahead, from a fit, without a refit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redose.cli.terminal import named, note, printable, sentences, stop

if TYPE_CHECKING:
    import pandas as pd

    from redose.dynamic import Predictor

HELP = (
    "Say what the histories of patients foretell: progression and death with their bands, the MRD of today, "
    "P(above the action threshold), and the day of the next test.\n\n"
    "PREDICTOR is results/STUDY/MODEL/predictor.nc, which the workflow makes of an accepted fit; it holds nothing of "
    "any patient of the trial. PATIENTS is a folder of tables or a JSON file (docs/cli.md). A patient is predicted "
    "from the end of its last interval, which must be censored: that is today. Later infusions are taken as planned."
)
EXITS = (
    "[b]Exit code:[/b] 0 predicted; 1 the patients' tables have errors, or the fit knows nothing of what they hold; "
    "2 no such file, no predictor, or a file that cannot be written."
)
CAUSES = ("progression", "death", "transplant", "new_therapy")


def predict(
    predictor: Annotated[Path, typer.Argument(metavar="PREDICTOR", help="A predictor.nc of the workflow.")],
    patients: Annotated[Path, typer.Argument(metavar="PATIENTS", help="A folder of tables, or a JSON file.")],
    day: Annotated[
        float | None, typer.Option("--day", metavar="DAY", help="Predict from this day, with what was known then.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", metavar="MRD", help="Action threshold, a fraction such as 1e-4, not the fit's own."
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Also write the table as CSV.")] = None,
    curves: Annotated[
        Path | None, typer.Option("--curves", metavar="FILE", help="Also write the curves over the days as CSV.")
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Also write JSON; - writes it to standard output alone."),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.svg", help="Draw one patient, as SVG and PNG.")
    ] = None,
    patient: Annotated[
        str | None, typer.Option("--patient", metavar="KEY", help="The patient that --figure draws; else the first.")
    ] = None,
) -> None:
    """Ends with the exit code of `EXITS`, the table printed and written as asked for."""
    if threshold is not None and not 0 < threshold < 1:
        stop(f"--threshold {threshold:g} is no fraction between 0 and 1; give one such as 1e-4.")
    for path in (predictor, patients):
        if not path.exists():
            stop(f"{named(path)}: there is no such file or folder; correct the path.")
    if day is not None and not 0 <= day < 1e5:
        stop(f"--day {day:g} is no day since day 0; give one such as 90.")
    refuse_inputs(predictor, patients, {"--csv": csv, "--curves": curves, "--json": json_file, "--figure": figure})
    if figure is not None and figure.suffix != ".svg":
        stop(f"--figure {named(figure)}: give a name that ends in .svg; a PNG of that name is written beside it.")
    from redose import files

    with sentences(f"reading {named(patients)}"):
        of = loaded(predictor, threshold)
        known = history(of, patients, day)
    table, lines = told(of, known)
    if json_file == "-":
        typer.echo(as_json(of, table), nl=False)
    else:
        show(of, table)
    with sentences("writing"):
        if csv is not None:
            files.write_table(table, csv)
        if curves is not None:
            files.write_table(lines, curves)
        if json_file not in (None, "-"):
            files.write_text(as_json(of, table), json_file)
        if figure is not None:
            draw(of, table, lines, known, patient, figure)
    raise typer.Exit(0)


def refuse_inputs(predictor: Path, patients: Path, outputs: dict) -> None:
    """Stops where a file that is to be written is one that is read, a folder, or named twice."""
    inside = [f for f in patients.rglob("*") if f.is_file()] if patients.is_dir() else [patients]
    read, named_before = {f.resolve() for f in (predictor, *inside)}, {}
    for option, file in outputs.items():
        if file is None or str(file) == "-":
            continue
        for path in (Path(file).resolve(), *([Path(file).with_suffix(".png").resolve()] * (option == "--figure"))):
            if path in read:
                stop(f"{option} {named(Path(file))} would take the place of a file that is read; give another name.")
            if path.is_dir():
                stop(f"{option} {named(Path(file))} is a folder; give the name of a file.")
            if path in named_before:
                stop(f"{option} and {named_before[path]} name the same file, {named(Path(file))}; give two names.")
            named_before[path] = option


def loaded(path: Path, threshold: float | None) -> "Predictor":
    """The predictor, with another action threshold where one is asked for."""
    from dataclasses import replace
    from math import log10

    from redose import dynamic

    try:
        of = dynamic.read(path)
    except dynamic.PredictorError as fault:
        stop(str(fault))
    return of if threshold is None else replace(of, action=dynamic.Action(log10(threshold), "as asked for"))


def history(of: "Predictor", patients: Path, day: float | None) -> dict:
    """The checked tables of the patients; what was known on `day`, if given."""
    from redose import checks, inquiry, problems
    from redose import history as past

    try:
        verdict = inquiry.read(patients, of.about)
        checks.require(verdict)
    except problems.StudyError as fault:
        typer.echo("\n".join(printable(line) for line in str(fault).splitlines()), err=True)
        raise typer.Exit(1) from None
    for line in warnings_of(verdict):
        note(line)
    if day is None:
        return verdict.tables
    known = past.until(verdict.tables, of.options, day)
    if (verdict.tables["infusions"]["day"] > day).any():
        note(f"infusions after day {day:g} are left out: what was planned on that day is not in the tables.")
    left = len(verdict.tables["patients"]) - len(known["patients"])
    if left:
        note(f"{left} of {len(verdict.tables['patients'])} patients are not at risk on day {day:g}: not predicted.")
    if known["patients"].empty:
        raise typer.Exit(1)
    return known


def warnings_of(verdict) -> list[str]:
    """What the checks remark, in words for predictions: rows after today are planned infusions, or not read."""
    after = verdict.problems["rule"] == "after_follow_up"
    said = [f"{m}; {c}." for m, c in verdict.problems.loc[~after, ["message", "cure"]].itertuples(index=False)]
    for column, words in (("infusions", "taken as planned"), ("mrd", "not read: it comes after today")):
        rows = verdict.problems[after & verdict.problems["file"].str.contains(column)]
        said += [f"{column} of patient {r.patient} on day {r.value}: {words}." for r in rows.itertuples()]
    return said


def told(of: "Predictor", known: dict) -> tuple["pd.DataFrame", "pd.DataFrame"]:
    """The predictions; a sentence and exit code 1 where the fit knows nothing of what the tables hold."""
    from redose import covariates, dynamic

    try:
        return dynamic.predict(of, known)
    except covariates.DesignError as fault:
        note(str(fault))
        raise typer.Exit(1) from None


def show(of: "Predictor", table: "pd.DataFrame") -> None:
    """The predictions for people: a few lines for every patient, and what they mean."""
    for row in table.to_dict("records"):
        for line in lines_of(of, row):
            typer.echo(printable(line))
    band = f"{100 * of.settings['ci_prob']:.0f} % bands"
    typer.echo(f"{of.study}/{of.model}: means over draws with {band}; MRD is that of the model, not a reading.")
    if of.action is not None and "p_above" in table:
        typer.echo(f"action threshold: {10**of.action.tau:.1e} ({of.action.regime})")
        days = f"{of.settings['latest']:g} days at the latest"
        typer.echo(f"next test: when P(MRD above the threshold) reaches {of.settings['due']:g}, after {days}")


def probability(x: float) -> str:
    """Two decimals, and never 0 or 1."""
    return "<0.01" if x < 0.005 else ">0.99" if x > 0.995 else f"{x:.2f}"


def lines_of(of: "Predictor", row: dict) -> list[str]:
    """One patient in words; its reason where there is no prediction."""
    if row["state"] != "progression-free":
        return [f"{row['patient']}: no prediction: {row['reason']}"]
    head = f"{row['patient']}: day {row['today']:g}"
    if "mrd" in row:
        head += ", MRD {:.1e} ({:.1e} to {:.1e})".format(*(10 ** row[n] for n in ("mrd", "mrd_low", "mrd_high")))
    found = [head]
    if "p_above" in row:
        above = probability(row["p_above"])
        when = "on" if row["next_test_by"] == "due" else "at the latest on"
        found.append(f"  P(above the action threshold) {above}, next test {when} day {row['next_test']:g}")
    days = of.settings["days"]
    for cause in (c for c in CAUSES if f"{c}_{days[0]}" in row):
        risks = (
            "{} d {} ({} to {})".format(d, *(probability(row[f"{cause}_{d}{s}"]) for s in ("", "_low", "_high")))
            for d in days
        )
        found.append(f"  {cause.replace('_', ' ')} within {', '.join(risks)}")
    return found + ([f"  note: {row['reason']}"] if row["reason"] else [])


def as_json(of: "Predictor", table: "pd.DataFrame") -> str:
    """The table as JSON; docs/cli.md documents the keys."""
    import json
    from importlib.metadata import version

    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    action = None if of.action is None else {"log10": of.action.tau, "regime": of.action.regime}
    content = {"redose": version("redose"), "study": of.study, "model": of.model, "ci_prob": of.settings["ci_prob"]}
    return json.dumps(content | {"action": action, "patients": rows}, indent=2, default=float) + "\n"


def draw(of: "Predictor", table, lines, known: dict, patient: str | None, path: Path) -> None:
    """The figure of one patient. A sentence and exit code 2 for a patient without a prediction."""
    from redose import dynamic
    from redose.figures import dynamic as figures
    from redose.figures import style

    free = table[table["state"] == "progression-free"]
    key = patient if patient is not None else (free["patient"].iloc[0] if len(free) else None)
    if key not in set(free["patient"]):
        stop(f"--patient {printable(key)}: there is no prediction of that patient; choose one of the table above.")
    mine = dynamic.part(known, [key])
    tau = None if of.action is None else of.action.tau
    own, curve = (x[x["patient"] == key] for x in (table, lines))
    title = f"{key}: {of.study}/{of.model}, day {own['today'].item():g}, {100 * of.settings['ci_prob']:.0f} % bands"
    style.save(figures.ahead(own, curve, mine, tau, title), path)
