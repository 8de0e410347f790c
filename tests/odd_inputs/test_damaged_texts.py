"""A text file with any damage is refused in one line that names it, or is read: never a traceback."""

import shutil

import pytest
from artefact_readers import TEXTS
from damage import damage
from odd_inputs import draws, is_one_line

from bevatron.errors import ConfigurationError, UserError


@pytest.mark.parametrize("name", TEXTS)
def test_a_damaged_text_is_one_line(name, path_of, tmp_path):
    whole = path_of(name)
    folder = tmp_path / "folder"
    shutil.copytree(whole.parent, folder, ignore=shutil.ignore_patterns("*.h5", "*.npz", "ckpt", "net"))
    content, path, others = whole.read_bytes(), folder / name, []
    for number, rng in draws(f"damage {name}", 40):
        path.write_bytes(damage(content, rng))
        try:
            TEXTS[name](path)
        except UserError as error:
            if not (is_one_line(error) or isinstance(error, ConfigurationError)) or str(folder) not in str(error):
                others.append((number, path.read_bytes()[:300], repr(error)))
        except BaseException as error:
            others.append((number, path.read_bytes()[:300], repr(error)))
    assert not others, (len(others), others[:3])
