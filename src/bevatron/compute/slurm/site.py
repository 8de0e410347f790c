"""Which batch system this is: the site's file, and what the environment says instead."""

import os
from dataclasses import dataclass
from pathlib import Path

from bevatron.compute.slurm.accounting import keeps_accounts
from bevatron.config.loading.load_resources import load_resources, load_site
from bevatron.config.sections.resources import Resources
from bevatron.config.sections.site import Site
from bevatron.errors import UserError

SITE = Path("profiles/site/site.yaml")
TABLE = Path("config/resources.yaml")
# Slurm's own variables; the executor plugin always names a partition, so that sbatch itself would not look at them.
FROM_ENVIRONMENT = {"SBATCH_ACCOUNT": "account", "SBATCH_PARTITION": "partition"}


def site_file() -> Path | None:
    """The file named by BEVATRON_SITE, else profiles/site/site.yaml below the working folder, else none."""
    named = os.environ.get("BEVATRON_SITE")
    if not named:
        return SITE if SITE.is_file() else None
    path = Path(named).expanduser()
    if not path.is_file():
        raise UserError("BEVATRON_SITE", f"there is no file {path}", "correct the variable, or unset it")
    return path


def find_site() -> Site:
    """The site as its file describes it, with the account and partition that the environment names."""
    site = load_site(site_file())
    named = {key: os.environ[name] for name, key in FROM_ENVIRONMENT.items() if os.environ.get(name)}
    return Site.model_validate({**site.model_dump(), **named}) if named else site


@dataclass(frozen=True)
class ForProfile:
    """What a Snakemake profile takes from the table and the site."""

    jobs: int
    shards_per_job: int
    status_command: str | None


def for_profile() -> ForProfile:
    """Read by profiles/*/config.yaml. Mistakes are told by the workflow, which reads the same files right after."""
    try:
        site, resources = find_site(), load_resources(TABLE, site_file())
    except (UserError, ValueError):
        site, resources = Site(), Resources()
    status = site.status_command or ("sacct" if keeps_accounts() else "squeue")
    return ForProfile(site.jobs, resources.shards.per_job, status)
