"""Components found by name: a component is one module that registers itself when it is imported."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from bevatron.config.loading import project_modules
from bevatron.config.sections.section import Section
from bevatron.errors import UserError
from bevatron.near_names import did_you_mean

T = TypeVar("T")


class Registry:
    """The components of one kind: `word` says what they are, `package` where their modules lie.

    A component carries its own configuration as the attribute `Options`, a `Section`. The package is named by a
    string and imported on first use, so that the configuration depends on no component. A component whose module has
    its name is found without importing the others, some of which take a second. Components of the user's project
    (`project_modules`) are found in the same way, and cannot take a name of Bevatron's own.

    versioned: each component has a whole number `VERSION`, which is raised when its output changes.
    """

    def __init__(self, word: str, package: str, versioned: bool = False):
        self.word, self.package, self.versioned = word, package, versioned
        self._components: dict[str, Any] = {}
        self._discovered = False
        project_modules.when_replaced(self._forget_the_project)

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: remember a component under `name`; UserError for one without the version that it must have."""

        def remember(component: T) -> T:
            known = self._components.get(name)
            if project_modules.is_project_component(component):
                self._check_name(name, component)
            elif known is not None and known.__module__ != component.__module__:
                raise ValueError(f"{self.word} '{name}' is registered by {known.__module__} already")
            if self.versioned:
                self._check_version(name, component)
            self._components[name] = component
            return component

        return remember

    def _check_name(self, name: str, component: Any) -> None:
        """Raises UserError for a project's component that would not be found by its name, or hides Bevatron's own."""
        where = f"{self.word} '{name}' ({component.__module__}.{component.__qualname__})"
        module = component.__module__.rpartition(".")[2]
        if name != module:
            what = f"is in the module {module}.py; the module of a project's component has the component's name"
            raise UserError(where, what, f"rename the file to {name}.py, or register '{module}'")
        if self._has_own(name):
            raise UserError(where, f"Bevatron has the {self.word} '{name}' already", "choose another name")

    def _has_own(self, name: str) -> bool:
        known = self._components.get(name)
        if known is not None and not project_modules.is_project_component(known):
            return True
        return importlib.util.find_spec(f"{self.package}.{name}") is not None

    def _forget_the_project(self) -> None:
        self._discovered = False
        for name, component in list(self._components.items()):
            if project_modules.is_project_component(component):
                del self._components[name]

    def _check_version(self, name: str, component: Any) -> None:
        version = getattr(component, "VERSION", None)
        if type(version) is not int or version < 1:
            found = "has no VERSION" if version is None else f"has the VERSION {version!r}"
            raise UserError(
                f"{self.word} '{name}' ({component.__module__}.{component.__qualname__})",
                f"{found}, which must be an integer of at least 1",
                "write VERSION = 1 into its class, and raise it whenever its output changes for the same settings",
            )

    def names(self) -> list[str]:
        """The names of all components, sorted; imports every module of the package."""
        self._discover()
        return sorted(self._components)

    def __getitem__(self, name: str) -> Any:
        self._find(name)
        return self._components[name]

    def __contains__(self, name: object) -> bool:
        self._find(name)
        return name in self._components

    def _find(self, name: object) -> None:
        """Import the module of that name, or all of them if it is not there."""
        if name in self._components:
            return
        if isinstance(name, str) and name.isidentifier():
            module = f"{self.package}.{name}"
            if importlib.util.find_spec(module) is not None:
                importlib.import_module(module)
            if project_modules.has_module(name):
                project_modules.import_module(name)
        if name not in self._components:
            self._discover()

    def _discover(self) -> None:
        if self._discovered:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        for name in project_modules.module_names():
            project_modules.import_module(name)
        self._discovered = True


class Component:
    """Pydantic field type `Annotated[Section, Component(REGISTRY)]`: a mapping whose `kind` chooses its schema.

    The validated value is the component's own `Options`, which has the field `kind`.
    """

    def __init__(self, registry: Registry):
        self.registry = registry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        return core_schema.no_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda v: v.model_dump(mode="json")),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Any:
        choices = []
        for name in self.registry.names():
            options = self.registry[name].Options.model_json_schema()
            definitions = options.pop("$defs", {})
            if definitions:
                options["$defs"] = definitions
            options["properties"] = {"kind": {"const": name}, **options.get("properties", {})}
            options["properties"]["kind"] = {"const": name, "description": f"the {self.registry.word}'s name"}
            options["required"] = ["kind", *(k for k in options.get("required", []) if k != "kind")]
            options["title"] = f"{self.registry.word}: {name}"
            choices.append(_inline_definitions(options))
        return {"oneOf": choices}

    def _validate(self, value: Any) -> Section:
        if isinstance(value, Section):
            return value
        kind = value.get("kind") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in self.registry:
            return self.registry[kind].Options.model_validate(value)
        names = ", ".join(self.registry.names())  # not before: it imports all of them
        if not isinstance(value, dict):
            raise PydanticCustomError("component", "expected a mapping with 'kind', one of: {names}", {"names": names})
        if kind is None:
            message = "the key 'kind' is missing; allowed: {names}"
            raise PydanticCustomError("component_kind", message, {"names": names})
        near = did_you_mean(kind, self.registry.names())
        unknown = {"word": self.registry.word, "kind": repr(kind)[:100], "near": near, "names": names}
        raise PydanticCustomError("component_kind", "unknown {word} {kind}{near}; allowed: {names}", unknown)


def _inline_definitions(schema: dict) -> dict:
    """A component's schema with its local definitions put in place, so that it can stand inside another schema."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node and node["$ref"].startswith("#/$defs/"):
                others = {k: v for k, v in node.items() if k != "$ref"}
                return {**resolve(definitions[node["$ref"].removeprefix("#/$defs/")]), **others}
            return {k: resolve(v) for k, v in node.items()}
        if isinstance(node, list):
            return [resolve(v) for v in node]
        return node

    return resolve(schema)
