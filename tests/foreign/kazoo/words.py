from talk import connect, end

client = connect()
client.create("/kazoo-words", ephemeral=True)
print(client.command(b"ruok"))
mode = [line for line in client.command(b"srvr").splitlines() if line.startswith("Mode:")]
print(*mode)
print(client.command(b"isro"))
print("version", client.server_version() >= (3, 4), len(client.server_version()))
counts = dict(line.split("\t", 1) for line in client.command(b"mntr").splitlines() if "\t" in line)
print("mntr", counts["zk_server_state"], int(counts["zk_ephemerals_count"]) >= 1,
      int(counts["zk_num_alive_connections"]) >= 1, int(counts["zk_znode_count"]) >= 4)
conf = dict(line.split("=", 1) for line in client.command(b"conf").splitlines() if "=" in line)
print("conf", conf["tickTime"], conf["minSessionTimeout"], conf["maxSessionTimeout"])
envi = client.command(b"envi").splitlines()
print("envi", envi[0], any(line.startswith("zookeeper.version=") for line in envi))
session = f"{client.client_id[0]:#x}"
print("cons", f"sid={session}" in client.command(b"cons"))
print("dump", session in client.command(b"dump"), "/kazoo-words" in client.command(b"dump"))
stat = client.command(b"stat")
print("stat", "Clients:" in stat, "Node count:" in stat)
client.exists("/kazoo-words", watch=lambda event: None)
print("wchs", "Total watches:" in client.command(b"wchs"))
print("wchc", session in client.command(b"wchc"), "/kazoo-words" in client.command(b"wchc"))
print("wchp", "/kazoo-words" in client.command(b"wchp"))
print("srst", client.command(b"srst").strip())
print("crst", client.command(b"crst").strip())
end(client)
