"""Nothing looks for garbage while a command imports what it needs."""

import gc
import weakref

from bevatron.commands.loading import pause_garbage_collection


class Circle:
    def __init__(self):
        self.itself = self


def test_garbage_is_looked_for_again_afterwards():
    with pause_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    circle = weakref.ref(Circle())
    gc.collect()
    assert circle() is None


def test_garbage_of_a_second_command_is_found():
    with pause_garbage_collection():
        pass
    with pause_garbage_collection():
        circle = weakref.ref(Circle())
    gc.collect()
    assert circle() is None
