"""`data.json`: what the test split holds, without any network, written by `bevatron observables`."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from bevatron.store.records.metrics import MeasuredRecord
from bevatron.store.records.record import Finite, Record, Whole, YesNo, check_made_for, publish_record, read_record

Content = Whole | Finite  # a number of samples, or a sum of weights


class ObservableRecord(Record):
    """One observable's histogram, class by class; '' is the class of a study without classes."""

    title: str = Field(description="the observable's title")
    unit: str = Field(description="unit of its values; '' of a pure number")
    log: YesNo = Field(description="whether the figure's vertical axis is logarithmic")
    splits: Literal["test", "all"] = Field(
        default="test", description="the splits that it was measured on: the test split, or all of them"
    )
    edges: tuple[Finite, ...] = Field(min_length=2, description="edges of the histogram's bins")
    counts: dict[str, tuple[Content, ...]] = Field(
        description="samples in each bin, by class; as all counts below sums of weights, where samples have weights"
    )
    errors: dict[str, tuple[Finite, ...]] | None = Field(
        default=None,
        description="of samples with weights, or of which several are of one event: sqrt(Σw²) of each bin, w being the "
        "weight of an event's samples in it together, by class",
    )
    below: dict[str, Content] = Field(description="samples below the first edge, by class")
    above: dict[str, Content] = Field(description="samples above the last edge, by class")
    missing: dict[str, Content] = Field(description="samples without the element, by class")
    samples: dict[str, Content] = Field(description="all samples, by class")
    roc: dict[str, tuple[Finite, ...]] | None = Field(
        default=None, description="of a classification: fraction of each background kept by a cut from below, by class"
    )


class PixelsRecord(Record):
    """One channel of an image: its pixels that hold something."""

    step: tuple[Whole, ...] = Field(description="distance of each pixel from the one before, in C order")
    value: tuple[Finite, ...] = Field(description="content of each pixel")


class ImageRecord(Record):
    """One image of the test split."""

    id: str = Field(description="id of the sample")
    label: str | None = Field(description="class of the sample; null in a detection")
    channels: tuple[PixelsRecord, ...] = Field(description="the image's channels")


class ImagesRecord(Record):
    """A few images of one input group."""

    shape: tuple[Whole, Whole] = Field(description="height and width of the images as they are here")
    rebin: Whole = Field(description="pixels a side of the dataset's images that became one")
    features: tuple[str, ...] = Field(description="names of the channels")
    units: tuple[str, ...] = Field(description="units of the channels")
    images: tuple[ImageRecord, ...] = Field(description="the images")


class PointsRecord(Record):
    """Samples of a regression, evenly spread over the split."""

    x: tuple[Finite, ...] = Field(description="the feature along the figure's axis")
    targets: dict[str, tuple[Finite, ...]] = Field(description="every scalar target, by name")
    target: str = Field(description="the target that is learned")
    truth: str | None = Field(description="the target without noise, where the study names one")


class DataRecord(MeasuredRecord):
    """All of data.json; its metrics are `<observable>.<metric>`."""

    REFUSAL: ClassVar[str] = "holds no observables"

    observables: dict[str, ObservableRecord] = Field(description="histograms of the study's observables, by name")
    examples: dict[str, ImagesRecord] = Field(description="images of each input group that holds images")
    points: PointsRecord | None = Field(description="points of a regression; null in every other task")


def write_data(path: Path, data: DataRecord) -> None:
    """Publishes data.json, atomically."""
    publish_record(path, data)


def read_data(path: Path, study: str) -> DataRecord:
    """data.json of `study`.

    Raises UserError as `read_record`, and for the data of another study.
    """
    command = f"bevatron observables {study}"
    data = read_record(path, DataRecord, command)
    check_made_for(path, data, command, study=study)
    return data
