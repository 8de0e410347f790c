"""What holds for every rule: nothing unquoted in a shell line, and no shell between Snakemake and the command."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_value_in_a_shell_line_is_quoted_and_every_rule_replaces_its_shell():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for shell in re.findall(r"^    shell:\n((?:        .*\n)+)", path.read_text(), re.M):
            assert shell.lstrip().startswith('"exec bevatron '), path
            values = re.findall(r"\{([^}]*)\}", shell)
            # made of numbers in bevatron.compute.slurm.job_resources, several words
            assert [value for value in values if not value.endswith(":q")] in ([], ["resources.machine"]), path
