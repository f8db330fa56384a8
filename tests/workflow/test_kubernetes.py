"""What profiles/kubernetes would submit, held against the schema of Kubernetes' own interface. No cluster is asked."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import smallest

PLUGIN = "snakemake_executor_plugin_kubernetes"
# .ci/container.py makes an environment as the container's: it has the plugin, and this one need not
PYTHON = os.environ.get("REDOSE_CONTAINER_PYTHON") or (sys.executable if importlib.util.find_spec(PLUGIN) else None)
NEEDS = "needs rsync, and the plugin of Kubernetes or REDOSE_CONTAINER_PYTHON"
needs_plugin = pytest.mark.skipif(PYTHON is None or shutil.which("rsync") is None, reason=NEEDS)
IMAGE = "registry.example/redose:0.1.0"


@pytest.fixture(scope="module")
def submitted(tmp_path_factory) -> tuple[dict, Path]:
    """(specification of the first job of a study, folder that stands for the volume)."""
    base = tmp_path_factory.mktemp("pods")
    volume, run, jobs = base / "volume", base / "run", base / "jobs"
    (volume / "data/bladder").mkdir(parents=True)
    (volume / "data/bladder/study.yaml").write_bytes((smallest.ROOT / "data/bladder/study.yaml").read_bytes())
    for folder in (run, jobs):
        folder.mkdir()
    site = ["--container-image", IMAGE, "--default-storage-prefix", str(volume)]
    site += ["--kubernetes-persistent-volumes", f"redose:{volume}", "--retries", "0"]
    profile = ["--workflow-profile", str(smallest.ROOT / "profiles/kubernetes")]
    called = [PYTHON, str(smallest.ROOT / "tests/pods.py"), str(jobs), "--snakefile", str(smallest.ROOT / "Snakefile")]
    wanted = "results/bladder/tables/about.json"
    result = subprocess.run(
        [*called, *profile, *site, wanted], cwd=smallest.ROOT, capture_output=True, text=True, timeout=300
    )
    assert "no cluster here" in result.stderr, result.stderr[-4000:]
    (found,) = jobs.glob("*.json")
    return json.loads(found.read_text()), volume


@needs_plugin
@pytest.mark.parametrize("version", ["1.30", "1.35"])
def test_a_job_keeps_the_schema(version, submitted):
    job, _ = submitted
    kubernetes_validate.validate(job, version, strict=True)
    job = json.loads(json.dumps(job))
    job["spec"]["template"]["spec"]["containers"][0]["imagee"] = IMAGE
    with pytest.raises(kubernetes_validate.ValidationError, match="imagee"):
        kubernetes_validate.validate(job, version, strict=True)


@needs_plugin
def test_a_job_has_image_volume_and_what_the_rule_asks_for(submitted):
    job, volume = submitted
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGE and pod["restartPolicy"] == "Never"
    assert container["resources"]["requests"] == {"cpu": "950m", "memory": "1000M"}
    assert {"name": "redose", "mountPath": str(volume)} in container["volumeMounts"]
    assert "--target-jobs 'derive:study=bladder'" in container["args"][1]
    assert job["metadata"]["namespace"] == "default" and job["spec"]["backoffLimit"] == 0


def test_the_two_locks_agree_on_every_package():
    """But for those that only one of them has: results do not depend on where they were made."""
    one, other = (versions(smallest.ROOT / name) for name in ("requirements.lock", "kubernetes.lock"))
    assert len(one.keys() & other.keys()) > 100
    assert {name: (one[name], other[name]) for name in one.keys() & other.keys() if one[name] != other[name]} == {}
    assert "pytest" not in other and "snakemake-storage-plugin-fs" in other


def versions(lock: Path) -> dict[str, str]:
    lines = [line for line in lock.read_text().splitlines() if "==" in line and line[0].isalpha()]
    return dict(line.split(" ")[0].split("==") for line in lines)
