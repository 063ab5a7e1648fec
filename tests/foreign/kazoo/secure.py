import sys

from kazoo.security import make_acl

from talk import connect, end, refused, told

secure, authority, certificate, key = sys.argv[2:6]
tls = {"hosts": secure, "use_ssl": True, "ca": authority, "check_hostname": True}
shown = {"certfile": certificate, "keyfile": key, **tls}


def bob(password="secret"):
    return {"sasl_options": {"mechanism": "DIGEST-MD5", "username": "bob", "password": password}}


clients = {
    "nobody": connect(),
    "sasl": connect(**bob()),
    "tls": connect(**tls),
    "sasl over tls": connect(**bob(), **tls),
    "certificate": connect(**shown),
    "both": connect(**bob(), **shown),
}
nobody = clients["nobody"]
nobody.create("/kazoo-bob", b"bob", acl=[make_acl("sasl", "bob", all=True)])
nobody.create("/kazoo-eve", b"eve", acl=[make_acl("x509", "CN=eve", all=True)])


def read(client, path):
    return refused(lambda: client.get(path)[0].decode())


def show():
    for name, client in clients.items():
        print(f"{name}:", read(client, "/kazoo-bob"), "and", read(client, "/kazoo-eve"))


show()
big = bytes(range(256)) * 2048
clients["both"].set("/kazoo-bob", big)
same = clients["sasl"].get("/kazoo-bob")[0] == big
clients["both"].set("/kazoo-bob", b"bob")
print("large data:", same)
print(told())
for client in clients.values():
    client.retry(client.exists, "/")
show()
# A start does not tell, the first call does.
print("wrong password:", refused(connect(**bob("wrong")).get, "/"))
print("wrong password over tls:", refused(connect(**bob("wrong"), **tls).get, "/"))
end(*clients.values())
