"""Snakemake with profiles/kubernetes where no cluster is: `python tests/pods.py FOLDER [arguments of snakemake]`.

What the executor would submit is written to FOLDER as JSON, a job a file, and taken as refused. Run by a Python that
has the executor's plugin, such as the container's.
"""

import json
import sys
from pathlib import Path

import kubernetes
from snakemake.cli import main

FOLDER = Path(sys.argv[1])


class Refused(kubernetes.client.rest.ApiException):
    """What the executor reports of a job that the cluster does not take."""


def take(self, namespace: str, body: object, **_: object) -> None:
    """Writes a job as it would go to the cluster."""
    job = kubernetes.client.ApiClient().sanitize_for_serialization(body)
    job |= {"apiVersion": "batch/v1", "kind": "Job"}
    job["metadata"]["namespace"] = namespace
    (FOLDER / f"{job['metadata']['name']}.json").write_text(json.dumps(job))
    raise Refused(status=403, reason="no cluster here")


kubernetes.config.load_kube_config = lambda: None
kubernetes.client.CoreV1Api.create_namespaced_secret = lambda self, namespace, body: None
kubernetes.client.CoreV1Api.delete_namespaced_secret = lambda self, name, namespace, body: None
kubernetes.client.BatchV1Api.create_namespaced_job = take
main(sys.argv[2:])
