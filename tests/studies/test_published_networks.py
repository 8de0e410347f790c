"""The networks of the ready studies at their published sizes: they take the data, and have as many weights."""

import pytest
import torch
from study_files import WRITERS
from study_runs import STUDIES

from bevatron.config.loading.load import load_study
from bevatron.config.sections.study import Study
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.network import Network, NetworkSpec
from bevatron.simulate.mapping.missing import names_of

LONGEST = 12  # elements of a list in this test


def input_group(study: Study, name: str) -> InputGroup:
    source = study.simulation.source
    group = source.groups[name]
    if group.layout == "image":
        side = 256 // group.averaged
        return InputGroup((3, side, side), ("channel_0", "channel_1", "channel_2"))
    features = names_of(source, name)
    if group.layout == "list":
        return InputGroup((LONGEST, len(features)), features, is_ragged=True)
    return InputGroup((len(features),), features)


def two_samples(group: InputGroup) -> torch.Tensor | Padded:
    """Drawn numbers; of lists a full one and one with a single element."""
    values = torch.randn((2, *group.shape), generator=torch.Generator().manual_seed(1))
    if not group.is_ragged:
        return values
    values[1, 1:] = 0.0
    return Padded(values, torch.tensor([LONGEST, 1]))


def network(study: Study, model: str) -> Network:
    section = study.models[model]
    groups = {name: input_group(study, name) for name in section.inputs}
    return Network(
        NetworkSpec(section.architecture.model_dump(mode="json"), groups, len(study.task.classes), "none"), {}
    )


@pytest.mark.parametrize("name", WRITERS)
def test_every_network_takes_its_inputs_and_gives_a_number_for_each_class(name):
    study = load_study(name, "paper", STUDIES)
    for model, section in study.models.items():
        made = network(study, model).eval()
        inputs = {group: two_samples(input_group(study, group)) for group in section.inputs}
        with torch.no_grad():
            outputs = made(inputs)
        assert outputs.shape == (2, len(study.task.classes)), model
        assert torch.isfinite(outputs).all(), model


@pytest.mark.parametrize("name", ["top_tagging", "quark_gluon"])
def test_the_particle_flow_network_has_its_published_size(name):
    """82 thousand weights (arXiv:1902.08570): 3-100-100-256 of each particle, 256-100-100-100-2 of their sum.

    Bevatron's network has 100 more, for the fraction of the places that particles take.
    """
    made = network(load_study(name, "paper", STUDIES), "pfn")
    of_each = 3 * 100 + 100 + 100 * 100 + 100 + 100 * 256 + 256
    of_the_sum = 256 * 100 + 100 + 2 * (100 * 100 + 100) + 100 * 2 + 2
    assert of_each + of_the_sum == 82_458
    assert sum(p.numel() for p in made.parameters()) == 82_458 + 100
