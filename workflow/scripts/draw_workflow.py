from redose import logs
from redose.figures import style, workflow

logs.start(snakemake.log[0])
graph = snakemake.params.graph
style.save(workflow.workflow(graph["jobs"], graph["edges"]), snakemake.output[0])
