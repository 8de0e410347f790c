"""What a forked process does to be like one that has just been started with a command of Bevatron's."""

from typing import Any, NoReturn

from bevatron.compute.process.forked import become


def become_job(template: int, request: dict[str, Any], files: list[int]) -> NoReturn:
    """Carry out the command of a client's request, with its open files, and end as it would. `template`: who forked."""
    name = " ".join(["bevatron", *request["arguments"][1:2]])
    become(template, {**request, "name": name}, files, _main)


def _main() -> None:
    from bevatron.cli import main

    main()
