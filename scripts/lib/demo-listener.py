"""Listens on 127.0.0.1: demo-listener.py PORT-FILE LOG. Writes its port, then one line to LOG for each connection."""
import os
import socket
import sys

with socket.create_server(("127.0.0.1", 0)) as server:
    with open(sys.argv[1] + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.getsockname()[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        connection, _ = server.accept()
        with connection, open(sys.argv[2], "a", encoding="utf-8") as log:
            log.write("connection\n")
