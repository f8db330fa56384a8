from redose import files, logs
from redose.figures import mrd, style, thresholds
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
lods = {name: assay["lod"] for name, assay in files.read_json(given.about)["assays"].items() if "lod" in assay}
draws = thresholds.draws_of(files.read_tree(given.prior), files.read_tree(given.posterior))
style.save(mrd.trajectories(read(given.trajectories)), snakemake.output.trajectories)
style.save(mrd.below_lod(read(given.below)), snakemake.output.below)
curve, table, risks, horizon = read(given.curve), read(given.table), decision["risks"], decision["risk_horizon"]
style.save(thresholds.thresholds(curve, table, draws, risks, horizon, lods), snakemake.output.threshold)
