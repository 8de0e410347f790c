"""The recipe `noisy_images`: generated images without noise, with the noise that the study asks for."""

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Count, Name, NonNegative, Section
from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples


class NoisyImages(Section):
    """One input group: images of the source, and what is done to them."""

    of: Name = Field(description="the source's input group with the images")
    noise: NonNegative = Field(default=0.0, description="standard deviation of independent normal noise in each pixel")
    enlarged: Count = Field(default=1, description="times as many pixels a side, by repeating them; before the noise")


@recipe("noisy_images")
class NoisyImagesRecipe:
    """The input groups of `images`, (n, channels, height, width) float32; the source's targets but `split`.

    The noise of a group follows from the seed and the group's name, so that it does not depend on the other groups.
    """

    VERSION = 1

    class Options(kinds.Options):
        images: dict[Name, NoisyImages] = Field(description="by name of the input group, its images", min_length=1)

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of images, such as those of the source `strokes`. Raises UserError for a group that it does
        not have.
        """
        inputs = {}
        for name, how in options.images.items():
            if how.of not in raw.inputs:
                what = f"the source has no input group '{how.of}'{did_you_mean(how.of, raw.inputs)}"
                raise UserError(f"dataset.recipe.images.{name}.of", what, f"it has: {', '.join(raw.inputs)}")
            images = raw.inputs[how.of]
            values = values_of(raw, how.of).repeat(how.enlarged, axis=-2).repeat(how.enlarged, axis=-1)
            if how.noise:
                random = np.random.Generator(np.random.Philox(seed_of("noise", seed, name)))
                values = values + how.noise * random.standard_normal(values.shape)
            inputs[name] = Group(Dense(values.astype(np.float32)), images.features, images.units)
        targets = {name: values for name, values in raw.targets.items() if name != "split"}
        return Samples(inputs, targets, raw.id)

    def images(self, options: Options, source: kinds.Options) -> dict[str, tuple[int, int, int]]:
        """Shapes (channels, height, width) by image group of what `source` has, for `bevatron plan`."""
        channels, height, width = kinds.SOURCES[source.kind]().image_shape(source)
        return {name: (channels, height * how.enlarged, width * how.enlarged) for name, how in options.images.items()}
