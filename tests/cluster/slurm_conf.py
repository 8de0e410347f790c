"""slurm.conf and gres.conf of the virtual Slurm."""

import socket
from pathlib import Path

# Why these values:
# - config_overrides, linuxproc, task/none: several nodes on one host, in a container without control groups.
# - OverMemoryKill: without control groups it is Slurm's sampling, every second, that ends a job above its memory.
# - KillWait: the time between SIGTERM and SIGKILL in which a fit saves its state, Slurm's default.
# - SlurmdTimeout: a killed node is seen as down after 10 s and not after 5 minutes.
# - cred_expire: what Slurm requeues after a node's failure waits this long, for its default of 120 s otherwise.
# - MinJobAge: ended jobs stay visible to squeue and scontrol, where there is no accounting.
# - LLN: jobs spread over the nodes. What kills nodes does so in the partition `stormy`, beside which others stay calm.
TEMPLATE = """\
ClusterName=virtual
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket,cred_expire=20
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd-%n.pid
SlurmdSpoolDir={root}/spool/%n
StateSaveLocation={root}/state
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd-%n.log
SlurmctldDebug=verbose
SlurmdDebug=verbose
PlugStackConfig=/dev/null
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
AccountingStorageType=accounting_storage/none
MinJobAge=3600
FirstJobId={first_job}
KillWait=30
OverTimeLimit=0
SlurmdTimeout=10
SlurmctldTimeout=30
MessageTimeout=10
ReturnToService=2
InactiveLimit=0
SlurmdParameters=config_overrides
GresTypes=gpu
{nodes}
PartitionName=virtual Nodes={names} Default=YES LLN=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=calm Nodes={first} MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=stormy Nodes={others} MaxTime=INFINITE State=UP OverSubscribe=NO
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Sockets=1 CoresPerSocket={cpus} "
    "ThreadsPerCore=1 RealMemory={memory_mb} Gres=gpu:{gpus} State=UNKNOWN"
)


def write_slurm_conf(
    root: Path, controller_port: int, node_ports: dict[str, int], cpus: int, gpus: int, memory_mb: int, first_job: int
) -> Path:
    """Write etc/slurm.conf and etc/gres.conf below `root`; `node_ports` is the port of each node by its name."""
    host = socket.gethostname().partition(".")[0]
    nodes = [
        NODE.format(name=name, host=host, port=port, cpus=cpus, gpus=gpus, memory_mb=memory_mb)
        for name, port in node_ports.items()
    ]
    first, *others = node_ports
    path = root / "etc" / "slurm.conf"
    path.write_text(
        TEMPLATE.format(
            root=root, host=host, controller_port=controller_port, nodes="\n".join(nodes), names=",".join(node_ports),
            first=first, others=",".join(others), first_job=first_job,
        )
    )  # fmt: skip
    (root / "etc" / "gres.conf").write_text(f"Name=gpu Flags=nvidia_gpu_env File={_fake_gpus(root / 'gpu', gpus)}\n")
    return path


def _fake_gpus(folder: Path, count: int) -> str:
    """Character devices with numbered names, as Slurm wants them: links to /dev/null need no right to make devices."""
    folder.mkdir()
    for number in range(count):
        (folder / f"nvidia{number}").symlink_to("/dev/null")
    return f"{folder}/nvidia[0-{count - 1}]" if count > 1 else f"{folder}/nvidia0"
