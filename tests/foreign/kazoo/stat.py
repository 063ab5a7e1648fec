import time

from talk import connect, end

client = connect()
client.create("/kazoo-stat", b"four")
before = time.time() * 1000
client.set("/kazoo-stat", b"seven !")
client.create("/kazoo-stat/b")
client.create("/kazoo-stat/a", ephemeral=True)
client.delete("/kazoo-stat/b")
client.create("/kazoo-stat/c")
children, stat = client.get_children("/kazoo-stat", include_data=True)
print(*sorted(children))
zxid = stat.czxid
print("mzxid", stat.mzxid - zxid)
print("pzxid", stat.pzxid - zxid)
print("version", stat.version, "cversion", stat.cversion, "aversion", stat.aversion)
print("ephemeralOwner", stat.ephemeralOwner)
print("dataLength", stat.dataLength, "numChildren", stat.numChildren)
print("ctime", 0 <= stat.mtime - stat.ctime < 20000, "mtime", abs(stat.mtime - before) < 20000)
print("same by get:", client.get("/kazoo-stat")[1] == stat)
print("same by exists:", client.exists("/kazoo-stat") == stat)
owner = client.exists("/kazoo-stat/a").ephemeralOwner
print("owner:", owner == client.client_id[0])
end(client)
