from redose import files, logs
from redose.figures import kinetics, mrd, style, thresholds
from redose.figures.reading import read

logs.start(snakemake.log[0])
given, decision = snakemake.input, snakemake.params.decision
about = files.read_json(given.about)
lods = {name: assay["lod"] for name, assay in about["assays"].items() if "lod" in assay}
draws = thresholds.draws_of(files.read_tree(given.prior), files.read_tree(given.posterior))
style.save(mrd.trajectories(read(given.trajectories)), snakemake.output.trajectories)
style.save(mrd.below_lod(read(given.below)), snakemake.output.below)
style.save(kinetics.kinetics(read(given.kinetics), about), snakemake.output.kinetics)
curve, table, risks, horizon = read(given.curve), read(given.table), decision["risks"], decision["risk_horizon"]
style.save(thresholds.thresholds(curve, table, draws, risks, horizon, lods), snakemake.output.threshold)
