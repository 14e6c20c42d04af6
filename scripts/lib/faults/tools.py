"""Builds the two C programs that the suite needs."""
import glob
import os
import subprocess
from dataclasses import dataclass

import project


@dataclass(frozen=True)
class Tools:
    """Paths of the compiled programs; every user may execute them."""

    injector: str
    probe: str


def build(folder):
    """Compiles injector and probe into `folder`."""
    injector, probe = os.path.join(folder, "inject-fault"), os.path.join(folder, "probe")
    sources = sorted(glob.glob(os.path.join(project.ROOT, "Tests/Programs/probe*.c")))
    if not sources:
        raise FileNotFoundError("Tests/Programs/probe*.c: the program that says what a worker is and can do")
    subprocess.run([*project.STRICT_C, "-o", injector, os.path.join(project.ROOT, "scripts/lib/inject-fault.c")],
                   check=True)
    subprocess.run([*project.STRICT_C, "-std=gnu11", "-D_GNU_SOURCE", "-static", "-pthread", "-o", probe, *sources],
                   check=True)
    return Tools(injector, probe)
