"""Nothing looks for garbage while a command imports what it needs."""

import gc
import weakref

from bevatron.commands.loading import loading


class Circle:
    def __init__(self):
        self.itself = self


def test_garbage_is_looked_for_again_afterwards():
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    circle = weakref.ref(Circle())
    gc.collect()
    assert circle() is None


def test_garbage_of_a_second_command_is_found():
    with loading():
        pass
    with loading():
        circle = weakref.ref(Circle())
    gc.collect()
    assert circle() is None
