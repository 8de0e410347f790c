"""The name that somebody probably meant, for a name that is unknown."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """' (did you mean 'x'?)' with the nearest of the known names; empty where none is near."""
    names = {str(each).casefold(): str(each) for each in known}
    near = difflib.get_close_matches(str(name)[:100].casefold(), names, n=1)
    return f" (did you mean '{names[near[0]]}'?)" if near else ""
