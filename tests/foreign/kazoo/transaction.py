from talk import connect, end

client = connect()
client.create("/kazoo-multi", b"0")

transaction = client.transaction()
transaction.check("/kazoo-multi", version=0)
transaction.create("/kazoo-multi/a", b"a")
transaction.create("/kazoo-multi/s-", sequence=True)
transaction.set_data("/kazoo-multi", b"1")
transaction.delete("/kazoo-multi/a")
check, created, sequential, stat, deleted = transaction.commit()
print(check, created, sequential, stat.version, deleted)
print(*client.get_children("/kazoo-multi"))

transaction = client.transaction()
transaction.create("/kazoo-multi/b", b"b")
transaction.set_data("/kazoo-multi", b"2", version=7)
transaction.delete("/kazoo-multi/absent")
print(*(type(result).__name__ for result in transaction.commit()))
print(client.exists("/kazoo-multi/b"), client.get("/kazoo-multi")[0])

transaction = client.transaction()
transaction.check("/kazoo-multi/absent", version=0)
transaction.create("/kazoo-multi/c")
print(*(type(result).__name__ for result in transaction.commit()))

with client.transaction() as transaction:
    transaction.create("/kazoo-multi/d")
print(client.exists("/kazoo-multi/d") is not None)
end(client)
