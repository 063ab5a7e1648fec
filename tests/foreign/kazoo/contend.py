"""Takes a lock again and again, from many threads with a session each, and claims in the tree what it believes to hold.

A claim is one transaction: ROOT/held, which nobody else may have, or ROOT/sharing/NAME of who reads, and an entry of the
ledger that names the claimant, its node, and the node's czxid. Each waits for a line before it begins.
"""

import os
import random
import sys
import threading
import traceback

from kazoo.recipe.lock import Lock, ReadLock, WriteLock

from talk import connect, end, told


class CuratorLock(Lock):
    """Names its nodes so that Curator reads a number at their end."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-"]


# To be alone, and to share.
LOCKS = {"kazoo": [Lock], "curator": [CuratorLock], "kazoo-rw": [WriteLock, ReadLock]}
# One of so many writes, if others can read.
WRITES = 4
# A sign of life.
SIGN = 50
# Every so many rounds, it first leaves the queue again if it is not its turn at once: others lose whom they wait for.
IMPATIENT = 4

root, name, layout, contenders, rounds = sys.argv[2:7]


def claim(client, who, node, shared):
    mark = f"{root}/sharing/{who}" if shared else f"{root}/held"
    _, stat = client.get(f"{root}/lock/{node}")
    transaction = client.transaction()
    transaction.create(mark, ephemeral=True)
    transaction.create(f"{root}/ledger/{who},{node},{stat.czxid:x},", sequence=True)
    for result in transaction.commit():
        if isinstance(result, Exception):
            raise result
    client.delete(mark)


def work(client, who):
    try:
        locks = [kind(client, f"{root}/lock", who) for kind in LOCKS[layout]]
        for turn in range(1, int(rounds) + 1):
            lock = locks[0 if random.randrange(WRITES) == 0 else -1]
            if not (turn % IMPATIENT == 0 and lock.acquire(blocking=False)) and not lock.acquire():
                raise RuntimeError("not acquired")
            claim(client, who, lock.node, isinstance(lock, ReadLock))
            lock.release()
            if turn % SIGN == 0:
                print(who, turn)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        print("failed", who)
        sys.stdout.flush()
        os._exit(1)


clients = [connect(timeout=60) for _ in range(int(contenders))]
threads = [threading.Thread(target=work, args=[client, f"{name}-{at}"])
           for at, client in enumerate(clients)]
print("ready")
for thread in threads:
    told()
    thread.start()
for thread in threads:
    thread.join()
end(*clients)
print("done")
