import threading

from talk import PATIENCE, connect, end

clients = [connect() for _ in range(3)]


def count(client):
    counter = client.Counter("/kazoo-counter", default=100)
    for _ in range(10):
        counter += 2
    counter -= 1


threads = [threading.Thread(target=count, args=[client]) for client in clients]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(PATIENCE)
print("counter:", clients[0].Counter("/kazoo-counter", default=100).value)
fraction = clients[0].Counter("/kazoo-fraction", default=1.5)
fraction += 0.25
print("fraction:", clients[1].Counter("/kazoo-fraction", default=1.5).value)
end(*clients)
