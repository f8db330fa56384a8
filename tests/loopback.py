"""A SLURM of the test's own: munged, slurmctld and slurmd on loopback, without systemd or accounting."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scancel", "scontrol", "srun")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])  # daemons stand where only root looks
LINK = Path("/etc/slurm/slurm.conf")  # the plugin's inner srun sees no SLURM_CONF
needs_slurm = pytest.mark.skipif(
    os.geteuid() != 0 or not all(shutil.which(program, path=PATH) for program in PROGRAMS),
    reason="needs root and Debian's slurmctld, slurmd, slurm-client and munge",
)

CONF = """
ClusterName=redose
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,NoShared
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
MinJobAge=3600
KillWait=2
CompleteWait=0
ReturnToService=2
SlurmdParameters=config_overrides
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Slurm:
    """A running SLURM. environment: what its commands need. nodes: n1, n2, ..."""

    def __init__(self, folder: Path, nodes: int, memory: int):
        self.folder, self.nodes = folder, [f"n{k + 1}" for k in range(nodes)]
        for name in ("state", *(f"spool.{node}" for node in self.nodes)):
            (folder / name).mkdir(parents=True)
        controller, *ports = free_ports(1 + nodes)
        lines = [
            f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory={memory}"
            for node, port in zip(self.nodes, ports, strict=True)
        ]
        self.conf = folder / "slurm.conf"
        self.conf.write_text(CONF.format(folder=folder, controller=controller, nodes="\n".join(lines)))
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.conf)}
        self.daemons: list[subprocess.Popen] = []

    def start(self) -> None:
        """Returns when every node is idle."""
        munged = ["munged", "--force", "--foreground", f"--key-file={self.folder}/munge.key"]
        names = {"socket": "munge.sock", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
        self.daemon(*munged, *(f"--{option}={self.folder}/{name}" for option, name in names.items()))
        self.wait(lambda: (self.folder / "munge.sock").exists())
        self.daemon("slurmctld", "-D")
        for node in self.nodes:
            self.daemon("slurmd", "-D", "-N", node)
        self.wait(lambda: set(self.say("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()) == set(self.nodes))

    def daemon(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.out").open("ab") as log:
            self.daemons.append(
                subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    def say(self, *command: str) -> str:
        """Standard output of one of SLURM's commands."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30).stdout

    def wait(self, done, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "\n".join(f.read_text() for f in sorted(self.folder.glob("*.out")))
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends jobs and daemons, in the order of their dependence."""
        self.say("scancel", "--user=root")
        for process in reversed(self.daemons):
            process.terminate()
        for process in reversed(self.daemons):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running(folder: Path, nodes: int = 1, memory: int = 4000) -> Iterator[Slurm]:
    """A SLURM whose files lie in `folder`. memory: MB of each node."""
    assert not LINK.exists(), f"{LINK} is there: this machine has a SLURM of its own"
    slurm = Slurm(folder, nodes, memory)
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.symlink_to(slurm.conf)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
        LINK.unlink()
