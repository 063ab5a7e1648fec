"""How a script talks to the test that started it: facts out, a line in as the sign to go on."""

import logging
import sys
import threading

from kazoo.client import KazooClient

# Silence from here on is printed by the test, with all that was said before.
PATIENCE = 20
logging.basicConfig(stream=sys.stdout, level=logging.CRITICAL)


def connect(**options):
    """A started client of the server that the test has named."""
    client = KazooClient(**{"hosts": sys.argv[1], **options})
    client.start(timeout=PATIENCE)
    return client


def end(*clients):
    for client in clients:
        client.stop()
        client.close()


def refused(call, *arguments, **named):
    """The name of the exception that a call ends with."""
    try:
        return f"no error but {call(*arguments, **named)!r}"
    except Exception as error:  # whatever it is, it is compared
        return type(error).__name__


def told():
    """Waits for a line of the test."""
    line = sys.stdin.readline()
    if not line:
        sys.exit("the test is gone")
    return line.strip()


class Events:
    """Collects events of one-shot and lasting watches, and waits for them."""

    def __init__(self):
        self.arrived = threading.Semaphore(0)
        self.list = []

    def __call__(self, event):
        self.list.append(event)
        self.arrived.release()

    def next(self):
        if not self.arrived.acquire(timeout=PATIENCE):
            sys.exit("no event came")
        event = self.list.pop(0)
        return f"{event.type} {event.state} {event.path}"
