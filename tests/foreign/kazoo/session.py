from queue import Queue

from talk import PATIENCE, Events, connect, end, told

changes = Queue()
client = connect(timeout=4)
client.create("/kazoo-session", b"mine", ephemeral=True)
data = Events()
client.get("/kazoo-session", watch=data)
client.add_listener(changes.put)
session = client.client_id[0]
print(f"session {session}")
print("timeout", client._session_timeout)

print(told())
print(changes.get(timeout=PATIENCE))
print(changes.get(timeout=PATIENCE))
print("same session:", client.client_id[0] == session)
print("still there:", client.get("/kazoo-session")[0])
# Kazoo gives its one-shot watches up with the connection.
print("watch:", data.next())

print(told())
# Suspended, lost, connected again; the first may not be told when the others follow at once.
states = [changes.get(timeout=PATIENCE)]
while states[-1] != "CONNECTED":
    states.append(changes.get(timeout=PATIENCE))
print("lost among:", "LOST" in states)
print("another session:", client.client_id[0] != session)
print("gone:", client.exists("/kazoo-session"))
end(client)
