from queue import Queue

from talk import PATIENCE, Events, connect, end

client = connect()
other = connect()
data, children, exists = Events(), Events(), Events()

client.create("/kazoo-watches", b"0")
client.get("/kazoo-watches", watch=data)
client.get_children("/kazoo-watches", watch=children)
client.exists("/kazoo-watches/later", watch=exists)
other.set("/kazoo-watches", b"1")
print("data:", data.next())
other.set("/kazoo-watches", b"2")
other.create("/kazoo-watches/later")
print("children:", children.next())
print("exists:", exists.next())
client.exists("/kazoo-watches/later", watch=exists)
other.set("/kazoo-watches/later", b"x")
print("exists:", exists.next())
client.get("/kazoo-watches/later", watch=data)
other.delete("/kazoo-watches/later")
print("data:", data.next())

values, names = Queue(), Queue()


@client.DataWatch("/kazoo-watches")
def on_data(value, stat):
    values.put((value, stat.version))


print("DataWatch:", values.get(timeout=PATIENCE))
other.set("/kazoo-watches", b"3")
print("DataWatch:", values.get(timeout=PATIENCE))


@client.ChildrenWatch("/kazoo-watches")
def on_children(children):
    names.put(sorted(children))


print("ChildrenWatch:", names.get(timeout=PATIENCE))
other.create("/kazoo-watches/a")
print("ChildrenWatch:", names.get(timeout=PATIENCE))
other.create("/kazoo-watches/b")
print("ChildrenWatch:", names.get(timeout=PATIENCE))
print("left:", data.list, children.list, exists.list)
end(client, other)
