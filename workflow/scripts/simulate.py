from pathlib import Path

import yaml

from redose import logs, simulate

logs.start(snakemake.log[0])
protocol = yaml.safe_load(Path(snakemake.input[0]).read_text())
simulate.write(*simulate.simulate(protocol), Path(snakemake.output[0]))
