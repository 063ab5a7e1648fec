import contextlib
import threading

from talk import PATIENCE, connect, end

anna, bob = connect(), connect()
leads, resign = threading.Semaphore(0), threading.Event()
leaders = []


def lead(name):
    leaders.append(name)
    leads.release()
    resign.wait(PATIENCE)


def run(election, name):
    # Whose session ends while it leads is told so by an error, of this kind or that.
    with contextlib.suppress(Exception):
        election.run(lead, name)


first = anna.Election("/kazoo-election", "anna")
second = bob.Election("/kazoo-election", "bob")
threading.Thread(target=run, args=[first, "anna"], daemon=True).start()
leads.acquire(timeout=PATIENCE)
threading.Thread(target=run, args=[second, "bob"], daemon=True).start()
while len(first.contenders()) < 2:
    pass
print("contenders:", first.contenders())
print("leaders:", leaders)
# The session of the leader ends.
end(anna)
print("next:", leads.acquire(timeout=PATIENCE), leaders)
print("contenders:", second.contenders())
resign.set()
end(bob)
