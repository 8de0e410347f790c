"""What recorded environments of fits (`training.environment`) say of each other: may they give other bits?"""

from typing import Any

SAME_RESULT = ("bevatron",)  # of another version with the same LEARNING_VERSION results are the same


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What may give other bits in two environments, each as 'capability AVX2 and AVX512'; empty where nothing may."""
    pairs = {key: (one.get(key), other.get(key)) for key in one | other if key != "versions"}
    some, others = one.get("versions", {}), other.get("versions", {})
    pairs |= {name: (some.get(name), others.get(name)) for name in some | others if name not in SAME_RESULT}
    return [f"{key} {_text(a)} and {_text(b)}" for key, (a, b) in pairs.items() if a != b]


def reproducible(environments: list[dict[str, Any]]) -> bool:
    """Whether a fit whose lives had these environments can be made again bit for bit in one go, in the last one."""
    return all(not differences(one, environments[-1]) for one in environments[:-1])


def describe_environment(environment: dict[str, Any]) -> str:
    """On one line for a person: 'cpu (Intel Xeon, AVX512), 2 threads'."""
    workers = environment["workers"]
    team = f", {workers} workers ({environment['strategy']})" if workers > 1 else ""
    threads = environment["threads"]
    return (
        f"{environment['device']} ({environment['processor']}, {environment['capability']}), "
        f"{threads} thread{'s' if threads > 1 else ''}{team}"
    )


def doubts(runs: list[dict[str, Any]]) -> str:
    """Why a model's runs cannot all be made again bit for bit in one place; '' where they can. Of runs of which nothing
    is recorded nothing is said.
    """
    known = [run for run in runs if run.get("environments")]
    broken = [str(run["seed"]) for run in known if not run.get("reproducible", True)]
    if broken:
        seeds = f"seed{'s' if len(broken) > 1 else ''} {', '.join(broken)}"
        return f"{seeds} went on in another environment than begun: not reproducible bit for bit"
    ends = [run["environments"][-1] for run in known]
    changed = dict.fromkeys(difference for end in ends[1:] for difference in differences(ends[0], end))
    return f"seeds trained in different environments: {', '.join(changed)}" if changed else ""


def _text(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
