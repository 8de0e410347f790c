"""What jobs ask for, in the words that the Slurm plugin itself makes of it."""

import shlex
from types import SimpleNamespace

import pytest
from snakemake_executor_plugin_slurm.submit_string import get_submit_command
from snakemake_executor_plugin_slurm.utils import set_gres_string
from snakemake_executor_plugin_slurm.validation import validate_slurm_extra
from snakemake_executor_plugin_slurm_jobstep import get_gpu_setting, get_node_setting

from bevatron.compute.slurm.job_resources import NAMES, RuleResources
from bevatron.config.sections.resources import RULES, Resources
from bevatron.config.sections.site import Site


class Given(dict):
    """A job's resources as Snakemake has them: a mapping with attributes."""

    __getattr__ = dict.__getitem__


def job(rule: str, needs: dict, attempt: int = 1, **site) -> SimpleNamespace:
    requests = RuleResources(Resources.model_validate({"rules": {rule: {"minutes": 60} | needs}}), Site(**site))
    threads = requests.threads(rule)
    resources = requests.resources(rule, "jets", "feedforward", attempt, threads)
    assert set(resources) == set(NAMES)
    kept = Given({name: value for name, value in resources.items() if value is not None})
    kept.setdefault("slurm_extra", "")
    return SimpleNamespace(resources=kept, threads=threads)


def sbatch(job: SimpleNamespace) -> list[str]:
    """The arguments that the plugin hands to sbatch, read as the shell reads them."""
    validate_slurm_extra(job)
    names = ("run_uuid", "slurm_logfile", "comment_str", "account", "partition", "workdir")
    params = dict.fromkeys(names, "")
    return shlex.split(get_submit_command(job, params) + set_gres_string(job))


def test_a_job_without_gpus_asks_for_cores_memory_and_time_of_one_task():
    arguments = sbatch(job("train", {"cpus": 4, "memory_gb": 2.5, "minutes": 90}))
    assert "--ntasks=1" in arguments
    assert "--cpus-per-task=4" in arguments
    assert arguments[arguments.index("--mem") + 1] == "2500"
    assert arguments[arguments.index("-t") + 1] == "90"
    assert not [argument for argument in arguments if "gpu" in argument or "nodes" in argument]


def test_gpus_of_one_job_lie_on_one_node():
    wanted = job("train", {"cpus": 8, "gpus": 2})
    arguments = sbatch(wanted)
    assert {"--nodes=1", "--gpus=2", "--cpus-per-task=8"} <= set(arguments)
    assert not [argument for argument in arguments if "ntasks" in argument]
    assert get_gpu_setting(wanted) == "--gpus=2"  # and its step gets them
    assert get_node_setting(wanted) == "--nodes=1"


def test_each_of_several_nodes_gets_its_gpus_and_one_task():
    wanted = job("train", {"nodes": 3, "cpus": 8, "gpus": 4}, gpu_type="a100")
    arguments = sbatch(wanted)
    assert {"--nodes=3", "--ntasks=3", "--ntasks-per-node=1", "--gpus-per-node=a100:4", "--gpus=a100:12"} <= set(
        arguments
    )
    assert not [argument for argument in arguments if argument.startswith("--ntasks-per-gpu")]
    assert wanted.resources["mpi"] == "srun"  # the rule's command runs once, on the first node


def test_several_nodes_without_gpus():
    arguments = sbatch(job("search", {"nodes": 2, "cpus": 8}))
    assert {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=8"} <= set(arguments)
    assert not [argument for argument in arguments if "gpu" in argument]


def test_arguments_of_a_site_reach_sbatch_as_they_are_and_not_the_shell():
    arguments = ["--mail-user=a@b; touch x", "--exclude=$(id)"]
    assert set(arguments) <= set(sbatch(job("train", {}, sbatch=arguments)))


def test_jobs_with_gpus_go_to_the_partition_with_gpus():
    site = {"partition": "cpu", "gpu_partition": "gpu", "gpu_type": "a100"}
    assert job("train", {"gpus": 1}, **site).resources["slurm_partition"] == "gpu"
    assert job("train", {}, **site).resources["slurm_partition"] == "cpu"
    assert "gpu_model" not in job("train", {}, **site).resources
    assert job("train", {"gpus": 1}, partition="all").resources["slurm_partition"] == "all"


@pytest.mark.parametrize(
    ("rule", "needs", "options"),
    [
        ("train", {}, "--nodes 1 --workers 1 --cpus 1"),
        ("train", {"cpus": 4, "gpus": 2}, "--nodes 1 --workers 2 --cpus 4 --gpus 2"),
        ("train", {"nodes": 2, "gpus": 2}, "--nodes 2 --workers 4 --cpus 1 --gpus 2"),
        ("train", {"nodes": 2, "cpus": 3}, "--nodes 2 --workers 2 --cpus 3"),
        ("search", {"nodes": 2, "cpus": 3, "gpus": 1}, "--nodes 2 --cpus 3 --gpus 1"),
    ],
)
def test_commands_are_told_what_they_were_given(rule, needs, options):
    assert job(rule, needs).resources["machine"] == options


def test_shards_ask_for_no_number_that_a_batch_job_would_add_up():
    resources = job("simulate", {}).resources
    assert resources["slot"] == 1
    assert not {"nodes", "tasks", "gpu", "request_gpus"} & set(resources)


def test_a_second_attempt_asks_for_more():
    first, second = (job("train", {"memory_gb": 3}, attempt).resources for attempt in (1, 2))
    assert (first["mem_mb"], second["mem_mb"]) == (3000, 6000)
    assert (first["runtime"], second["runtime"]) == (60, 90)
    assert (first["htcondor_request_mem_mb"], second["htcondor_request_mem_mb"]) == (3000, 6000)


OVERRIDES = {
    "jets": {"simulate": {"memory_gb": 8}, "train": {"gpus": 1}},
    "jets/feedforward": {"train": {"nodes": 2}, "search": {"cpus": 9}},
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("overrides", [{}, OVERRIDES])
def test_what_is_constant_is_what_every_job_gets(rule, overrides):
    requests = RuleResources(Resources.model_validate({"overrides": overrides}), Site(account="physics"))
    constant, threads = requests.constant_resources(rule), requests.constant_threads(rule)
    assert {"slurm_account", "qos", "slot"} <= set(constant)
    assert not {"mem_mb", "runtime", "htcondor_request_mem_mb"} & set(constant)
    for study, model in [(None, None), ("sky", "a"), ("jets", None), ("jets", "a"), ("jets", "feedforward")]:
        if threads is not None:
            assert threads == requests.threads(rule, study, model)
        for attempt, n_threads in [(1, 1), (3, 7)]:
            given = requests.resources(rule, study, model, attempt, n_threads)
            assert {name: given[name] for name in constant} == constant


def test_without_overrides_all_is_constant_but_what_grows_from_attempt_to_attempt():
    requests = RuleResources(Resources(), Site())
    assert len(NAMES) - len(requests.constant_resources("simulate")) == 3
    assert requests.constant_threads("simulate") == 1


def test_what_an_override_changes_is_not_constant():
    requests = RuleResources(Resources.model_validate({"overrides": OVERRIDES}), Site())
    assert {"nodes", "mpi", "gpu"}.isdisjoint(requests.constant_resources("train"))
    assert requests.constant_threads("search") is None
