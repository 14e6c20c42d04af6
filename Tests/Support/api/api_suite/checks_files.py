"""Files: ORC-04, ORC-05, ORC-24 to ORC-26, ORC-29 to ORC-31, ORC-42."""

import contextlib
import os
import socket
import tempfile
import time

from .checks_create import FILES
from .client import expect, expect_error
from .suite import check

BOTH = ("", "/projects")


def fetch(context, path, prefix="", project=None):
    """GET of a file; `path` is sent byte for byte."""
    path = path if isinstance(path, bytes) else path.encode()
    return context.client.get(f"{prefix}/{project or context.project}/files/".encode() + path)


@check("ORC-04", "listing: every file with its size, in both spellings")
def listing(context):
    for prefix in BOTH:
        answer = context.client.get(f"{prefix}/{context.project}/files")
        expect(answer.status == 200, f"{answer}")
        expect(set(answer.json()) == {"files"}, f"{answer}")
        files = answer.json()["files"]
        expect(all(set(file) == {"path", "size"} for file in files), f"{answer}")
        paths = [file["path"] for file in files]
        expect(FILES <= set(paths), f"missing {FILES - set(paths)}")
        expect(len(paths) == len(set(paths)), f"twice: {paths}")
        expect(not {"tests", "tests/", ".codex", ".codex/"} & set(paths), f"folders in {paths}")
        for file in files:
            size = len(context.client.read(context.project, file["path"]).encode())
            expect(file["size"] == size, f"size of {file}, read {size}")
        expect_error(context.client.get(f"{prefix}/no-such-project/files"), 404, "Project not found")


@check("ORC-05", "read a file, in both spellings; missing ones and folders are 404")
def reading(context):
    for prefix in BOTH:
        for path in ("app.py", "%61pp%2Epy"):
            answer = fetch(context, path, prefix)
            expect(answer.status == 200, f"{path}: {answer}")
            body = answer.json()
            expect(set(body) == {"path", "contents"} and body["path"] == "app.py", f"{answer}")
            expect("fibonacci" in body["contents"], f"{answer}")
        nested = fetch(context, "tests/test_cli.py", prefix).json()
        expect(nested["path"] == "tests/test_cli.py", f"{nested}")
        for path in ("tests", "tests/", ".codex"):
            expect_error(fetch(context, path, prefix), (404, 400))
        expect_error(fetch(context, "app.py", prefix, "no-such-project"), 404, "Project not found")


@check("ORC-05", "long names and paths are refused, not a fault")
def long_paths(context):
    for path in ("a" * 300, "/".join(["a" * 100] * 42), "/".join(["b"] * 3000)):
        expect_error(fetch(context, path), (400, 404, 414))
    answer = context.client.get(f"/{context.project}/files/" + "c" * 100_000)
    expect_error(answer, 414)


@check("ORC-05", "a file that is not UTF-8 is refused or shown lossily", "workspaces")
def not_text(context):
    with planted(context, "planted-binary") as path:
        with open(path, "wb") as file:
            file.write(b"\xff\xfe\x00binary")
        answer = fetch(context, "planted-binary")
        expect(answer.status == 200 or 400 <= answer.status < 500, f"{answer}")
        if answer.status == 200:
            expect("binary" in answer.json()["contents"], f"{answer}")


@check("ORC-24", "paths that stay inside are allowed")
def inside(context):
    expect(fetch(context, ".codex/result.json").status == 200, "hidden files are readable")
    for path in ("tests/../app.py", "./app.py", "tests/./test_cli.py"):
        answer = fetch(context, path)
        if answer.status == 200:
            expect("fibonacci" in answer.json()["contents"], f"{path}: {answer}")
        else:
            expect_error(answer, (400, 404), "Invalid path" if answer.status == 400 else None)


BLOCKED = [
    "../secrets.txt", "../../etc/passwd", "../../../../../../../../etc/passwd", "%2e%2e/secrets.txt", "%2E%2E/x",
    "..%2fsecrets.txt", "..%2F..%2Fetc%2Fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", ".%2e/x", "%2e./x",
    "tests/../../x", "tests/../../../../etc/passwd", "..", "%2e%2e",
    "/etc/passwd", "//etc/passwd", "%2Fetc%2Fpasswd", "%2fetc/passwd",
    "C:\\Windows\\win.ini", "C:/Windows/win.ini", "C%3A%5CWindows%5Cwin.ini", "c%3A/Windows", "z:%5Cx",
    "\\\\server\\share", "%5C%5Cserver%5Cshare", "%5c%5cserver/share",
    "app.py%00", "%00", "app.py%00.txt", "tests/%00/x",
]


@check("ORC-25", "paths that lead out are 400")
def outside(context):
    for path in BLOCKED:
        for prefix in BOTH:
            try:
                expect_error(fetch(context, path, prefix), 400, "Invalid path")
            except Exception as error:
                raise type(error)(f"{prefix}/…/files/{path}: {error}") from None


@check("ORC-25", "decoded once; what is no escape is a plain name")
def decoded_once(context):
    names = ["%2561pp.py", "tests%252ftest_cli.py", "%252e%252e%252fetc%252fpasswd", "%252Fetc%252Fpasswd", "..%5Cx", "..\\x", "%2525"]
    for path in names + ["%ff", "%c0%ae%c0%ae/x", "%c0%afetc", "%ed%a0%80", "%", "%2", "%zz", "..."]:
        expect_error(fetch(context, path), (400, 404))


@check("ORC-26", "safe but missing is 404")
def missing(context):
    for path in ("does_not_exist.txt", "no/such/folder/file.txt", "app.py/x", "tests/none", "caf%C3%A9", "a%20b"):
        for prefix in BOTH:
            expect_error(fetch(context, path, prefix), 404, "File not found")


@contextlib.contextmanager
def planted(context, *names):
    """Paths in the workspace; what lies there afterwards goes."""
    paths = [os.path.join(context.workspace(context.project), name) for name in names]
    try:
        yield paths[0] if len(paths) == 1 else paths
    finally:
        for path in paths:
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)


@contextlib.contextmanager
def outside_folder():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "secret.txt"), "w") as file:
            file.write("SECRET-OUTSIDE")
        yield folder


@check("ORC-29", "links that lead out are 400, and inside they work", "workspaces")
def links(context):
    with outside_folder() as folder, planted(context, "planted-link", "planted-chain") as (link, chain):
        for target, path in (
            (folder + "/secret.txt", "planted-link"), (folder, "planted-link/secret.txt"),
            (os.path.relpath(folder, os.path.dirname(link)), "planted-link/secret.txt"),
            ("/proc/self/environ", "planted-link"), ("/proc/self/cwd", "planted-link/app.py"),
            ("/proc/self/root/etc/passwd", "planted-link"), (folder + "/none", "planted-link"), ("..", "planted-link/x"),
        ):
            os.symlink(target, link)
            answer = fetch(context, path)
            expect(b"SECRET" not in answer.body, f"a link to {target} leaks")
            expect_error(answer, 400, "Invalid path")
            os.symlink("planted-link", chain)
            expect_error(fetch(context, path.replace("-link", "-chain", 1)), 400, "Invalid path")
            os.unlink(chain)
            os.unlink(link)
        os.symlink("tests/test_cli.py", link)
        answer = fetch(context, "planted-link")
        expect(answer.status == 200 and "fibonacci" in answer.json()["contents"], f"a link inside: {answer}")
        os.unlink(link)
        os.symlink("none-inside", link)
        expect_error(fetch(context, "planted-link"), 404, "File not found")
        os.unlink(link)
        os.symlink("planted-chain", link)
        os.symlink("planted-link", chain)
        expect_error(fetch(context, "planted-link"), (400, 404))


@check("ORC-29", "a link that is swapped during reads never leaks", "workspaces")
def swapped(context):
    with outside_folder() as folder, planted(context, "planted-swap", "planted-a", "planted-b") as (name, a, b):
        child = os.fork()
        if child == 0:
            try:
                while True:
                    with open(a, "w") as file:
                        file.write("inside")
                    os.rename(a, name)
                    os.symlink(folder + "/secret.txt", b)
                    os.rename(b, name)
            finally:
                os._exit(1)
        try:
            # For three seconds, and on a busy machine until both have been met.
            begun = time.monotonic()
            seen = set()
            while time.monotonic() - begun < (3 if {200, 400} <= seen else 30):
                answer = fetch(context, "planted-swap")
                expect(b"SECRET" not in answer.body, "a swapped link leaks")
                expect(answer.status in (200, 400, 404), f"{answer}")
                seen.add(answer.status)
            expect({200, 400} <= seen, f"nothing was swapped, only {seen} came")
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


@check("ORC-30", "special files are 404 or 400, at once", "workspaces")
def special_files(context):
    with planted(context, "planted-fifo", "planted-socket") as (fifo, name):
        os.mkfifo(fifo)
        patience, context.client.timeout = context.client.timeout, 10
        listener = socket.socket(socket.AF_UNIX)
        here = os.open(os.path.dirname(name), os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{here}/planted-socket")
            for path in ("planted-fifo", "planted-socket"):
                # The quickest of three: a machine that stands still shows nothing.
                quickest = 10
                for _ in range(3):
                    start = time.monotonic()
                    expect_error(fetch(context, path), (400, 404))
                    quickest = min(quickest, time.monotonic() - start)
                    if quickest < 5:
                        break
                expect(quickest < 5, f"{path} took {quickest:.1f} s")
            expect(context.client.get(f"/{context.project}/files").status == 200, "listing beside a FIFO")
        finally:
            context.client.timeout = patience
            listener.close()
            os.close(here)


@check("ORC-31", "listing follows no link out, and never fails", "workspaces")
def listing_links(context):
    names = ("planted-folder", "planted-file", "planted-loop", "planted-none", "planted-closed", "planted-é")
    with outside_folder() as folder, planted(context, *names) as paths:
        os.symlink(folder, paths[0])
        os.symlink(folder + "/secret.txt", paths[1])
        os.symlink("planted-loop", paths[2])
        os.symlink("nothing", paths[3])
        os.mkdir(paths[4], 0)
        with open(paths[5], "w") as file:
            file.write("x")
        answer = context.client.get(f"/{context.project}/files")
        expect(answer.status == 200, f"{answer}")
        listed = {file["path"] for file in answer.json()["files"]}
        wrong = {path for path in listed if path.startswith(("planted-folder", "planted-file"))}
        expect(not wrong, f"listed {wrong}")
        expect("planted-é" in listed and FILES <= listed, f"missing in {sorted(listed)}")


@check("ORC-42", "a project cannot reach another")
def isolation(context):
    other = context.client.create()["id"]
    for path in (f"../{other}/app.py", f"%2e%2e/{other}/app.py", f"..%2F{other}%2Fapp.py", f"tests/../../{other}/app.py"):
        expect_error(fetch(context, path), 400, "Invalid path")


@check("ORC-42", "nor by a link", "workspaces")
def isolation_by_link(context):
    other = context.client.create()["id"]
    with planted(context, "planted-other") as path:
        for target in (f"../{other}", context.workspace(other)):
            os.symlink(target, path)
            expect_error(fetch(context, "planted-other/app.py"), 400, "Invalid path")
            os.unlink(path)
