"""What can be added to Bevatron by one module that registers a name.

Each registry names the package whose modules it searches; nothing is imported before a name is looked up.
"""

from typing import Annotated

from pydantic import Field

from bevatron.config.loading.registry import Component, Registry
from bevatron.config.sections.section import Section

SOURCES = Registry("source", "bevatron.simulate.sources", versioned=True)
RECIPES = Registry("recipe", "bevatron.prepare.recipes", versioned=True)
ARCHITECTURES = Registry("architecture", "bevatron.models.architectures")
CLAIM_TESTS = Registry("claim test", "bevatron.report.claims")
LEARNERS = Registry("task", "bevatron.training.tasks")

source = SOURCES.register
recipe = RECIPES.register
architecture = ARCHITECTURES.register
claim_test = CLAIM_TESTS.register
learner = LEARNERS.register


class Options(Section):
    """The configuration of one component; `kind` is the name under which it is registered."""

    kind: str = Field(description="the component's registered name")


SourceOptions = Annotated[Options, Component(SOURCES)]
RecipeOptions = Annotated[Options, Component(RECIPES)]
ArchitectureOptions = Annotated[Options, Component(ARCHITECTURES)]
ClaimTestOptions = Annotated[Options, Component(CLAIM_TESTS)]
