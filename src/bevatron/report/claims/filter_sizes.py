"""Claims about what filters leave of an image: exact ones."""

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count, Integer, Section
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import ArithmeticOptions
from bevatron.report.results.measured import Measurements


class FilteredImage(Section):
    """A square image, the square filter that scans it, and the side of the image it is said to make."""

    side: Count = Field(le=1000, description="side of the image")
    filter: Count = Field(le=1000, description="side of the filter")
    padding: Integer = Field(default=0, ge=0, le=1000, description="pixels of zero added on each side of the image")
    result: Count = Field(description="side of the convolved image, as the source says")

    @model_validator(mode="after")
    def _filter_fits(self) -> "FilteredImage":
        if self.filter > self.side + 2 * self.padding:
            raise ValueError(f"filter: {self.filter} pixels do not fit into {self.side + 2 * self.padding}")
        return self


@claim_test("filter_sizes")
class FilterSizes:
    """Each filter, with a stride of one, makes an image of the side claimed: by n + 2 p - m + 1, and by scanning an
    image whose pixels all differ. The filter has weight one in its centre and zero elsewhere: what it returns is the
    image without a border of (m - 1) / 2 - p pixels, value by value.
    """

    EXACT = True  # nothing is measured

    class Options(ArithmeticOptions):
        """Images and filters, such as the rows of a table."""

        rows: list[FilteredImage] = Field(description="images and filters, of odd sides", min_length=1)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare what filters make of images with what the claim says of it."""
        conditions, found = [], []
        for row in options.rows:
            by_rule, made, keeps_pixels = _scan(row)
            right = by_rule == made == row.result and keeps_pixels
            padding = f" padded by {row.padding}" if row.padding else ""
            name = f"{row.side} × {row.side}{padding} with {row.filter} × {row.filter}"
            conditions.append(
                Condition((), 1.0 if right else -float(abs(made - row.result) or 1), f"{name}, as claimed")
            )
            found.append(f"{name} → {made}" + ("" if made == row.result else f", claimed {row.result}"))
        sentence = f"Sides of the convolved images: {'; '.join(found)}."
        return decide(conditions, [], sentence, options, measurements)


def _scan(row: FilteredImage) -> tuple[int, int, bool]:
    """The side by the rule; the side of what the filter makes; whether that is the image, less the border."""
    import torch
    from torch.nn import functional

    image = torch.arange(1.0, row.side**2 + 1, dtype=torch.float64).reshape(1, 1, row.side, row.side)
    weights = torch.zeros(1, 1, row.filter, row.filter, dtype=torch.float64)
    weights[..., row.filter // 2, row.filter // 2] = 1.0
    made = functional.conv2d(image, weights, padding=row.padding)
    border = (row.filter - 1) // 2 - row.padding
    expected = functional.pad(image, [-border] * 4)  # a negative border adds zeros
    return row.side + 2 * row.padding - row.filter + 1, made.shape[-1], torch.equal(made, expected)
