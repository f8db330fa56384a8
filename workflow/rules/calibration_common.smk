# Look-ups of the calibration.
CALIBRATION = config["calibration"]
CHUNKS = range(-(-CALIBRATION["simulations"] // CALIBRATION["chunk"]))


def calibration_file(name):
    """A file of the folder of the simulated study, which lies as `folder_of` has it."""
    folder = CALIBRATION["folder"]
    return f"{folder if Path(folder).exists() else os.path.relpath(Path(workflow.basedir, folder))}/{name}"


# all that bears on a simulation; the level of the tests does not, and another one is tried in seconds
CALIBRATION_NEEDS = {name: config[name] for name in ("seed", "model", "priors")} | {"decision": READ_OFF}
CALIBRATION_NEEDS["calibration"] = {name: x for name, x in CALIBRATION.items() if name != "level"}
