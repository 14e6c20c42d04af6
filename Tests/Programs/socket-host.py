"""A host's process that listens on unix sockets: socket-host.py KIND FOLDER

Started in the workspace; FOLDER is outside of it. Writes where the socket is, and "reached" for each connection; ends with
its input.
"""
import os
import resource
import select
import socket
import sys

kind, folder = sys.argv[1:]
workspace = os.getcwd()
server = socket.socket(socket.AF_UNIX)
others = []
place = workspace + "/s"
if kind == "relative":
    server.bind("s")
elif kind == "at":
    server.bind("@s")
    place = workspace + "/@s"
elif kind == "descriptor":
    server.bind("/proc/self/fd/%d/s" % os.open(".", os.O_RDONLY))
elif kind == "renamed":
    server.bind(folder + "/s")
    os.rename(folder + "/s", "s")
elif kind == "folder renamed":
    os.mkdir(folder + "/old")
    server.bind(folder + "/old/s")
    os.rename(folder + "/old", "new")
    place = workspace + "/new/s"
elif kind == "newline":
    server.bind(workspace + "/a\nb")
    place = workspace + "/a\nb"
elif kind == "linked":
    server.bind(folder + "/s")
    os.link(folder + "/s", "s")
elif kind == "dead end":
    # ENAMETOOLONG for whoever follows the name.
    os.mkdir(folder + "/d")
    server.bind(folder + "/d/s")
    os.unlink(folder + "/d/s")
    os.rmdir(folder + "/d")
    os.symlink("x" * 300, folder + "/d")
elif kind == "many":
    resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
    server.bind(folder + "/s")
    for number in range(4500):
        os.mkdir("%s/%d" % (folder, number))
        other = socket.socket(socket.AF_UNIX)
        other.bind("%s/%d/s" % (folder, number))
        others.append(other)
else:
    sys.exit("socket-host: no such kind")
server.listen(8)
print("listens", flush=True)
print("at " + place.replace("\n", "\\n"), flush=True)
while True:
    for ready in select.select([server, sys.stdin], [], [])[0]:
        if ready is sys.stdin:
            sys.exit()
        connection, _ = server.accept()
        print("reached", flush=True)
        connection.recv(1)
        connection.close()
