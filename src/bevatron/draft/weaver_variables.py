"""`new_variables` of a weaver configuration as derived columns, in an order in which each sees those that it needs."""

from dataclasses import dataclass, field

from bevatron.draft.contents import NamedExpression
from bevatron.draft.names import as_expression, shown
from bevatron.draft.weaver_expressions import NotTranslatedError, translate
from bevatron.expressions import parse


@dataclass
class Variables:
    """derived: translated variables in order. texts: their expressions by name. failed: reasons by name of others."""

    texts: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def of(self, text: object) -> str:
        """The translation of an expression, whose variables count as used from now on.

        Raises NotTranslatedError where it, or a variable that it needs, has no counterpart.
        """
        result = translate(text)
        for name in parse(result, "draft").names:
            if name in self.failed:
                raise NotTranslatedError(f"it needs '{shown(name)}', which has no counterpart")
            self._use(name)
        return result

    def _use(self, name: str) -> None:
        if name in self.texts and name not in self.used:
            self.used.add(name)
            for needed in parse(self.texts[name], "draft").names:
                self._use(needed)

    def entries(self) -> list[NamedExpression]:
        """The derived columns; those that nothing uses as comments."""
        return [
            NamedExpression(name, text, "" if name in self.used else "not used below", active=name in self.used)
            for name, text in self.texts.items()
        ]

    def columns(self, text: str) -> set[str]:
        """The columns of the files that a translated expression reads, by way of its variables too."""
        found: set[str] = set()
        for name in parse(text, "draft").names:
            found |= self.columns(self.texts[name]) if name in self.texts else {name}
        return found


def translate_variables(new_variables: dict[str, object]) -> Variables:
    """All variables; one that names itself is the column of that name."""
    variables = Variables()
    texts: dict[str, str] = {}
    for name, text in new_variables.items():
        if str(text).strip() == name:
            continue
        try:
            if as_expression(name) is None:
                raise NotTranslatedError("no expression can name it")
            texts[name] = translate(text)
        except NotTranslatedError as error:
            variables.failed[name] = str(error)
    waiting = dict(texts)
    while waiting:
        ready = [name for name, text in waiting.items() if not set(parse(text, "draft").names) & set(waiting)]
        if not ready:
            variables.failed.update(dict.fromkeys(waiting, "it needs itself, over others"))
            break
        for name in ready:
            needed = next((n for n in parse(waiting[name], "draft").names if n in variables.failed), None)
            if needed is not None:
                variables.failed[name] = f"it needs '{shown(needed)}', which has no counterpart"
            else:
                variables.texts[name] = waiting[name]
            del waiting[name]
    return variables
