import threading

from talk import PATIENCE, connect, end

one, two = connect(), connect()

queue = one.Queue("/kazoo-queue")
for value, priority in [(b"late", 200), (b"first", 100), (b"second", 100), (b"urgent", 1)]:
    queue.put(value, priority=priority)
print("length:", len(two.Queue("/kazoo-queue")))
print(*(two.Queue("/kazoo-queue").get() for _ in range(5)))

locking = one.LockingQueue("/kazoo-locking")
locking.put_all([b"a", b"b"])
print(locking.get(timeout=PATIENCE))
other = two.LockingQueue("/kazoo-locking")
print(other.get(timeout=PATIENCE))
print("consumed:", locking.consume())
print("empty:", locking.get(timeout=0.2))
end(two)
print("given back:", locking.get(timeout=PATIENCE))
print("consumed:", locking.consume(), len(locking))
taken = []
three = connect()
taker = threading.Thread(
    target=lambda: taken.append(three.LockingQueue("/kazoo-locking").get(timeout=PATIENCE)))
taker.start()
locking.put(b"c")
taker.join(PATIENCE)
print("waited for:", taken)
end(one, three)
