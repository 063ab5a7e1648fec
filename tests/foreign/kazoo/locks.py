import threading

from talk import PATIENCE, connect, end, refused

clients = [connect() for _ in range(4)]
holders, most, order = [], [], []


def hold(client, name):
    with client.Lock("/kazoo-lock", name):
        holders.append(name)
        most.append(len(holders))
        order.append(name)
        client.exists("/kazoo-lock")
        holders.remove(name)


lock = clients[0].Lock("/kazoo-lock", "main")
print("taken:", lock.acquire(timeout=PATIENCE))
threads = [threading.Thread(target=hold, args=[client, f"c{at}"])
           for at, client in enumerate(clients[1:])]
for thread in threads:
    thread.start()
while len(lock.contenders()) < 4:
    pass
print("in line:", sorted(lock.contenders()))
queue = lock.contenders()[1:]
print("busy:", clients[1].Lock("/kazoo-lock").acquire(blocking=False))
print("busy for long:", refused(clients[1].Lock("/kazoo-lock").acquire, timeout=0.2))
lock.release()
for thread in threads:
    thread.join(PATIENCE)
print("at once at most:", max(most), "in order:", order == queue)

semaphore = clients[0].Semaphore("/kazoo-semaphore", max_leases=2)
print("lease:", semaphore.acquire(timeout=PATIENCE))
print("lease:", clients[1].Semaphore("/kazoo-semaphore", max_leases=2).acquire(timeout=PATIENCE))
third = clients[2].Semaphore("/kazoo-semaphore", max_leases=2)
print("no lease:", third.acquire(blocking=False))
semaphore.release()
print("lease:", third.acquire(timeout=PATIENCE))

read = clients[0].ReadLock("/kazoo-rw")
print("read:", read.acquire(timeout=PATIENCE))
second = clients[1].ReadLock("/kazoo-rw")
print("read:", second.acquire(timeout=PATIENCE))
write = clients[2].WriteLock("/kazoo-rw")
print("no write:", write.acquire(blocking=False))
read.release()
second.release()
print("write:", write.acquire(timeout=PATIENCE))
end(*clients)
