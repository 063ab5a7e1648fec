import threading

from talk import PATIENCE, connect, end

one, two = connect(), connect()

print("without a barrier:", one.Barrier("/kazoo-barrier").wait(0))
one.Barrier("/kazoo-barrier").create()
print("behind it:", two.Barrier("/kazoo-barrier").wait(0.2))
through = []
waiter = threading.Thread(
    target=lambda: through.append(two.Barrier("/kazoo-barrier").wait(PATIENCE)))
waiter.start()
print("lifted:", one.Barrier("/kazoo-barrier").remove())
waiter.join(PATIENCE)
print("through:", through)

entered, left = [], []


def work(client, name):
    barrier = client.DoubleBarrier("/kazoo-double", 2, identifier=name)
    barrier.enter()
    entered.append(len(client.get_children("/kazoo-double")))
    barrier.leave()
    left.append(name)


workers = [threading.Thread(target=work, args=[one, "one"]),
           threading.Thread(target=work, args=[two, "two"])]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join(PATIENCE)
# Both nodes and the one that says ready; the other may be about to leave.
print("entered:", len(entered), max(entered))
print("left:", sorted(left))
end(one, two)
