"""One short job: does a node see this folder, this Python, and its GPUs?"""

import json
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bevatron.config.sections.resources import JobResources
from bevatron.doctor.case import Case, ask
from bevatron.doctor.finding import Finding, bad, good, note

# Run by the node's own Python of this environment: reads what was written here, and answers in a file of its own.
ON_THE_NODE = """
import json, shutil, socket, subprocess, sys
question, answer = sys.argv[1:]
try:
    gpus = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True).stdout.count("GPU ")
except OSError:
    gpus = None
import bevatron
with open(answer, "w") as file:
    json.dump({"word": open(question).read(), "node": socket.gethostname(), "gpus": gpus}, file)
"""
QUEUE_SECONDS = 300
LATENCY_SECONDS = 60  # profiles/cluster: latency-wait


def probe(case: Case) -> Iterator[Finding]:
    """A job of one core in each partition of the table; with GPUs where the table asks for them."""
    tried = set()
    for _, needs, _ in case.jobs():
        partition = (needs.gpus and case.site.gpu_partition) or case.site.partition
        if (partition, bool(needs.gpus)) not in tried:
            tried.add((partition, bool(needs.gpus)))
            yield from _one_job(case, partition, needs)


def _one_job(case: Case, partition: str | None, needs: JobResources) -> Iterator[Finding]:
    what = f"a job in {partition or 'the default partition'}" + (" with a GPU" if needs.gpus else "")
    word = secrets.token_hex(8)
    folder = case.folders[0]
    question, answer = folder / f".bevatron-question-{word}", folder / f".bevatron-answer-{word}"
    command = ["srun", "--immediate=240", "-n1", "-c1", "-t2", "--mem=500", "--quiet"]
    command += [f"--partition={partition}"] if partition else []
    command += [f"--account={case.site.account}"] if case.site.account else []
    command += [f"--qos={case.site.qos}"] if case.site.qos else []
    command += [f"--constraint={case.site.constraint}"] if case.site.constraint else []
    if needs.gpus:
        command += [f"--gpus={case.site.gpu_type}:1" if case.site.gpu_type else "--gpus=1"]
    try:
        question.write_text(word)
        done = ask(*command, sys.executable, "-c", ON_THE_NODE, str(question), str(answer), seconds=QUEUE_SECONDS)
        if not done.ok:
            yield bad(what, done.text, "if it only waited in the queue, try again; else see what the line says")
            return
        yield from _judge(what, _read(answer), word, folder, needs)
    finally:
        for path in (question, answer):
            with suppress(OSError):
                path.unlink()


def _judge(what: str, reply: dict | None, word: str, folder: Path, needs: JobResources) -> Iterator[Finding]:
    if reply is None or reply["word"] != word:
        yield bad(what, f"the node does not write into this {folder}", "work in a folder that the nodes share")
        return
    yield good(what, f"{reply['node']} sees {folder} and runs this Python")
    if needs.gpus and not reply["gpus"]:
        yield note(what, "nvidia-smi shows no GPU on the node", "see whether the partition's GPUs are NVIDIA's")


def _read(answer: Path) -> dict | None:
    """What the node wrote, which a network file system may show a little later."""
    end = time.monotonic() + LATENCY_SECONDS
    while time.monotonic() < end:
        with suppress(OSError, ValueError):
            return json.loads(answer.read_text())
        time.sleep(0.5)
    return None
