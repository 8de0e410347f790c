"""Writes the golden files again: `python tests/golden/write_golden.py [--same-version] [COMPONENT ...]`.

A component is written like 'source_jets'; absent: all. Where the output differs from the file's and the version does
not, nothing is written: raise VERSION first. --same-version writes all the same, for a version that nobody has used.
"""

import json
import sys
import tempfile
from pathlib import Path

from golden_cases import GENERATORS, class_of, components, made, path_of
from golden_summary import differences, summary_of

from bevatron.errors import UserError


def content_of(component: str) -> dict:
    """What the component's golden file says; UserError where it cannot run here."""
    found = class_of(component)
    with tempfile.TemporaryDirectory() as folder:
        samples = {case: summary_of(samples) for case, samples in made(component, Path(folder)).items()}
    versions = found().versions() if component.startswith("source ") else {}
    made_with = {name: str(version) for name, version in versions.items() if name in GENERATORS}
    return {"component": component, "version": found.VERSION, "made_with": made_with, "samples": samples}


def main(arguments: list[str]) -> int:
    same, names = "--same-version" in arguments, [name for name in arguments if name != "--same-version"]
    status = 0
    for component in components():
        path = path_of(component)
        if names and path.stem not in names:
            continue
        try:
            content = content_of(component)
        except (UserError, ModuleNotFoundError) as error:  # of a package that is an extra
            print(f"{component}: left out, as it cannot run here: {error}")
            continue
        before = json.loads(path.read_text()) if path.is_file() else None
        if before and before["version"] == content["version"] and before["made_with"] == content["made_with"]:
            if not differences(content["samples"], before["samples"]):
                print(f"{component}: unchanged")
                continue
            if not same:
                print(f"{component}: its output has changed: raise VERSION of {class_of(component).__qualname__} first")
                status = 1
                continue
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        print(f"{component}: written, version {content['version']}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
