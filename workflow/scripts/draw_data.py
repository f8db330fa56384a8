import pandas as pd

from redose import logs
from redose.figures import flow, style, swimmer, visits
from redose.figures.reading import read

logs.start(snakemake.log[0])
given = snakemake.input
style.save(flow.flow(read(given.flow)), snakemake.output.flow)
style.save(swimmer.swimmer(read(given.histories), pd.read_parquet(given.patients)), snakemake.output.swimmer)
style.save(visits.sampling(read(given.sampling)), snakemake.output.sampling)
