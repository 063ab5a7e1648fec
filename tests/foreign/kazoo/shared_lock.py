"""A lock that is shared with clients of other languages, by Curator's names."""

import sys

from kazoo.recipe.lock import Lock

from talk import PATIENCE, connect, end, told


class CuratorLock(Lock):
    _NODE_NAME = "-lock-"


client = connect()
lock = CuratorLock(client, sys.argv[2], "kazoo", extra_lock_patterns=["-lock-"])
while (word := told()) != "end":
    if word == "acquire":
        print("acquired:", lock.acquire(timeout=PATIENCE))
    elif word == "try":
        print("acquired:", lock.acquire(blocking=False))
    elif word == "release":
        print("released:", lock.release())
end(client)
