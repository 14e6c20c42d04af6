"""What the Python tools of this folder share: the project's place, its release executables, an ordinary user's id."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
EXECUTABLES = ("codex-sandbox", "codex-sandboxd", "codex-sandbox-worker")
STRICT_C = ["gcc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]


def copy_executables(folder, source=os.path.join(ROOT, ".build/release")):
    """Copies the release executables of `source` into `folder`, where every user can reach them."""
    for name in EXECUTABLES:
        built = os.path.join(source, name)
        if not os.path.exists(built):
            raise FileNotFoundError(f"{built} is not built; scripts/build builds it")
        shutil.copy2(built, os.path.join(folder, name))
    return os.path.join(folder, EXECUTABLES[0])


def unprivileged_id():
    """The user and group id that common.sh takes for what root hands to an ordinary user."""
    command = f'source "{ROOT}/scripts/lib/common.sh"; unprivileged_id'
    return int(subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.PIPE).stdout)


def give(folder, uid):
    """Makes `uid` the owner of everything in `folder`."""
    for top, folders, files in os.walk(folder):
        for path in [top, *(os.path.join(top, name) for name in [*folders, *files])]:
            os.chown(path, uid, uid, follow_symlinks=False)


def caller_path(path):
    """`path` as the caller of the script meant it: the scripts change folder before Python starts."""
    return os.path.join(os.environ.get("CALLER_DIRECTORY", os.getcwd()), path)
