"""The base of every configuration section, and the number types they share."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import PydanticCustomError

MOST = 10**12  # of anything that is counted: more is a slip of the hand


def _no_truth_value(value: Any) -> Any:
    """Pydantic takes true for 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("kind", "must be a number, found {found}", {"found": str(value).lower()})
    return value


# Strict: pydantic would take true, '3' and 3.0 for whole numbers.
Integer = Annotated[int, Field(strict=True, ge=-MOST, le=MOST)]
Real = Annotated[float, BeforeValidator(_no_truth_value)]
Fraction = Annotated[Real, Field(ge=0.0, le=1.0)]
Positive = Annotated[Real, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[Real, Field(ge=0.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MOST, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Section(BaseModel):
    """A part of the configuration: typed, described, immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WithLaterKeys(Section):
    """A section with keys, `LATER`, that at their default leave digests and seeds as they were before these keys."""

    LATER: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        unused = {key for key in self.LATER if getattr(self, key) == fields[key].get_default()}
        return {key: value for key, value in handler(self).items() if key not in unused}
