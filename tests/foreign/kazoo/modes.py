from talk import connect, end, refused

client = connect()
print(client.create("/kazoo-modes", b"persistent"))
print(client.create("/kazoo-modes/s-", sequence=True))
print(client.create("/kazoo-modes/e", ephemeral=True))
print(client.create("/kazoo-modes/es-", ephemeral=True, sequence=True))
path, stat = client.create("/kazoo-modes/with-stat", b"four", include_data=True)
print(path, stat.version, stat.dataLength, stat.czxid == stat.mzxid == stat.pzxid)
print(client.create("/kazoo-modes/deep/er/node", makepath=True))
print("again:", refused(client.create, "/kazoo-modes"))
print("no parent:", refused(client.create, "/kazoo-modes/absent/x"))
print("below an ephemeral:", refused(client.create, "/kazoo-modes/e/x"))

owner = client.client_id[0]
print("owners:", *(client.exists(f"/kazoo-modes/{name}").ephemeralOwner == owner
                   for name in ("e", "es-0000000002", "s-0000000000")))
other = connect()
print("before:", *sorted(other.get_children("/kazoo-modes")))
end(client)
print("after:", *sorted(other.get_children("/kazoo-modes")))
end(other)
