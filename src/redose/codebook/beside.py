"""Entries of what stands beside a dossier, of the calibration and of the benchmark."""

from redose.codebook.columns import NUMBER, File, count, flag, number, text

FILES = (
    File(
        "report/<table>.csv",
        "Rows as in the table of the dossier whose caption names the file; tables that no other file holds",
        (
            text("<heading>", "text of the cell, as shown under that heading"),
            number(f"<heading>{NUMBER}", "the number behind the text, by which the dossier sorts"),
        ),
    ),
    File(
        "run_times.csv",
        "One row per job behind the dossier; it differs from run to run",
        (
            text("rule", "rule of the workflow"),
            text("job", "model, fold or chunk of the job; empty where the study has one such job"),
            number("wall_s", "time from start to end", "s"),
            number("peak_mb", "largest resident memory", "MiB"),
            number("cpu_s", "processor time", "s"),
            number("load_percent", "mean load, 100 being one core", "%"),
        ),
    ),
    File(
        "dictionary.csv",
        "One row per file and column of the study's results, this table",
        (
            text("file", "file, or family of files, below the folder of the study"),
            text("column", "column, or family of columns; empty in the row that says what a row of the file is"),
            text("type", "type of the column"),
            text("unit", "its unit"),
            text("meaning", "what it says"),
        ),
    ),
    File(
        "../calibration/ranks.csv",
        "One row per simulated trial and quantity",
        (
            count("simulation", "number of the simulation"),
            text("quantity", "name of the quantity"),
            number("truth", "its true value"),
            number("median", "posterior median"),
            number("low", "lower end of the band"),
            number("high", "upper end of the band"),
            number("pit", "rank of the true value among the draws, spread over 0 to 1"),
            flag("accepted", "whether the gate accepted the fit"),
            text("reason", "why not"),
        ),
        "calibration",
    ),
    File(
        "../calibration/verdict.csv",
        "One row per quantity and test",
        (
            text("quantity", "name of the quantity"),
            text("test", "ecdf of the ranks, or coverage of central intervals of so many percent"),
            number("value", "share of the true values covered; empty for ecdf"),
            count("simulations", "simulations whose fit was accepted"),
            number("p", "p-value of the test"),
            number("p_adjusted", "the same adjusted for the number of tests (Holm)"),
            flag("calibrated", "whether it stays above the level of the config"),
        ),
        "calibration",
    ),
    File(
        "../benchmark/benchmark.csv",
        "One row per section, case and measure; it differs from run to run",
        (
            text("section", "what was measured: fit, rstanarm, regimes, checks or start"),
            text("case", "study, model and number of patients of a fit; settings of the others"),
            text("measure", "name of the measure"),
            number("value", "its value, in the unit of the next column"),
            text("unit", "s, us, ns, GB, 1/s; empty for counts and ratios"),
            text("note", "what else is to be known: a parameter, numbers counted, the load of the machine"),
            text("machine", "class of the host, and cores that the process may use"),
            text("versions", "of Python and of the packages that a result may depend on"),
        ),
        "benchmark",
    ),
)
