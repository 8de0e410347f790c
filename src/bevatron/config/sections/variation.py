"""A systematic variation: the test events as other settings of the source or of the recipe would give them."""

from typing import Any

from pydantic import Field, model_validator

from bevatron.config.sections.section import Section


class Variation(Section):
    """Values merged over `simulation.source` and `dataset.recipe`; nothing is learned from what they give."""

    title: str = Field(default="", description="in tables and figures; default: its name")
    source: dict[str, Any] = Field(
        default={},
        description="merged over simulation.source: other files, or expressions that shift variables. Mappings are "
        "merged key by key, other values are replaced",
    )
    recipe: dict[str, Any] = Field(default={}, description="merged over dataset.recipe in the same way")

    @model_validator(mode="after")
    def _varies_something(self) -> "Variation":
        if not self.source and not self.recipe:
            raise ValueError("give source or recipe: a variation changes one of them")
        for key in ("source", "recipe"):
            if "kind" in getattr(self, key):
                raise ValueError(f"{key}.kind: a variation has the study's own kind; leave it out")
        return self
