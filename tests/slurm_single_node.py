"""A real Slurm cluster with this machine as its only node, for the duration of a test."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from debian import install

# file in which every Slurm command looks for its configuration, whatever its environment
SITE = Path("/etc/slurm/slurm.conf")
# With config_overrides, the node offers the CPUs and the memory given here, more than this machine may have.
CONFIGURATION = """\
ClusterName=single
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
MinJobAge=600
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def single_node_slurm(folder: Path) -> Iterator[None]:
    """Run the Slurm daemons in `folder` and end them afterwards. If Slurm is missing, install it (Debian, as root)."""
    if not Path("/usr/sbin/slurmctld").exists():
        install("slurm-wlm", "munge")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    places = {
        "host": socket.gethostname().split(".")[0],
        "folder": folder,
        "controller_port": free_port(),
        "node_port": free_port(),
    }
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(**places))
    SITE.parent.mkdir(exist_ok=True)
    SITE.unlink(missing_ok=True)
    SITE.symlink_to(configuration)
    munge = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
    with ExitStack() as stack:
        stack.callback(SITE.unlink)
        for daemon in (
            ["/usr/sbin/munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munge],
            ["/usr/sbin/slurmctld", "-D"],
            ["/usr/sbin/slurmd", "-D"],
        ):
            stack.enter_context(running(daemon, folder / f"{Path(daemon[0]).name}.out"))
        deadline = time.monotonic() + 60
        state = ["sinfo", "--noheader", "--format=%T"]
        while "idle" not in subprocess.run(state, capture_output=True, text=True, check=False).stdout:
            assert time.monotonic() < deadline, "\n".join(log.read_text() for log in folder.glob("*.out"))
            time.sleep(1)
        yield


@contextmanager
def running(daemon: list[str], log: Path) -> Iterator[None]:
    """Run a daemon in the background, and end it afterwards. log: file for its output."""
    with log.open("w") as file:
        process = subprocess.Popen(daemon, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def free_port() -> int:
    """A port on which no process listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
