"""A barrier that is shared with clients of other languages."""

import sys

from talk import PATIENCE, connect, end, told

client = connect()
barrier = client.Barrier(sys.argv[2])
while (word := told()) != "end":
    if word == "set":
        print("set:", barrier.create())
    elif word == "remove":
        print("removed:", barrier.remove())
    elif word == "wait":
        print("through:", barrier.wait(PATIENCE))
    elif word == "try":
        print("through:", barrier.wait(0.2))
end(client)
