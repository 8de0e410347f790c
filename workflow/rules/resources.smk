# What each rule's jobs ask for: config/resources.yaml and the site's file, in the words of Snakemake's plugins.
from functools import cache
from inspect import signature

from bevatron.compute.slurm.job_resources import NAMES, RuleResources
from bevatron.compute.slurm.site import find_site, site_file
from bevatron.config.loading.load_resources import load_resources

try:
    REQUESTS = RuleResources(load_resources(Path(CONFIG).parent / "resources.yaml", site_file()), find_site())
except UserError as error:
    raise WorkflowError(str(error)) from None


# Each batch job has a slot of its own, and is not limited by those of others. The profile says so to the Snakemake that
# submits; to the one inside the job, which else would work on as many shards at once as it sees cores, it is said here.
resource_scopes:
    slot="local",


if workflow.remote_exec:
    workflow.register_resource("slot", 1)


def with_signature(function):
    """The function, with its signature written down: Snakemake asks for it twice for each job, and working it out takes
    longer than the function itself."""
    function.__signature__ = signature(function)
    return function


# Snakemake evaluates each function of each job, some 20 of them for every shard of a large study, and spends more time on
# that than on its graph: what is the same for all jobs of a rule is a value.
def threads_of(rule, least=None):
    """A rule's threads: those of the table, and at least `least` of them."""
    constant = REQUESTS.constant_threads(rule)
    if constant is not None and least is None:
        return constant
    return lambda wildcards: max(
        REQUESTS.threads(rule, wildcards.get("study"), wildcards.get("model")), least(wildcards) if least else 1
    )


def resources_of(rule):
    """A rule's resources; functions where jobs differ, and for memory and time, which grow from attempt to attempt."""
    requests = cache(lambda *job: REQUESTS.resources(rule, *job))

    def value_of(name):
        return with_signature(
            lambda wildcards, attempt, threads: requests(
                wildcards.get("study"), wildcards.get("model"), attempt, threads
            )[name]
        )

    return {name: value_of(name) for name in NAMES} | REQUESTS.constant_resources(rule)
