"""Mends how pynetdicom 3.0 lets a caller and its own reactor thread take turns. To be imported wherever it is used.

A caller clears `_reactor_checkpoint`, and then trusts `_is_paused` that the reactor stands still while it waits for its answer. But
that flag also stands for a moment after the reactor was let go, and while it has not looked at the checkpoint yet: on a busy
machine both then read the same queue, the reactor takes the answer for a request, and the association ends. Here the
checkpoint is not cleared before the reactor really waits at it.
"""

import threading

from pynetdicom.association import Association

PATIENCE_SECONDS = 60


class Checkpoint:
    """What `threading.Event` is to the reactor, and to those who stop it."""

    def __init__(self, reactor):
        self.reactor, self.changed = reactor, threading.Condition()
        self.is_open, self.is_waiting = True, False

    def is_set(self):
        return self.is_open

    def set(self):
        with self.changed:
            self.is_open = True
            self.changed.notify_all()

    def clear(self):
        with self.changed:
            self.is_open = False
            if threading.current_thread() is self.reactor:
                return
            # Whoever ends the association meanwhile opens it.
            if not self.changed.wait_for(lambda: self.is_waiting or self.is_open, PATIENCE_SECONDS):
                raise TimeoutError("pynetdicom's reactor does not come to its checkpoint")

    def wait(self):
        with self.changed:
            self.is_waiting = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.is_open)
            self.is_waiting = False


def take_turns(self, *arguments, begin=Association.__init__, **named):
    begin(self, *arguments, **named)
    self._reactor_checkpoint = Checkpoint(self)


Association.__init__ = take_turns
