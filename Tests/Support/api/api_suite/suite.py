"""The checks in their order, and what they share."""

import os

from .client import Wrong

CHECKS = []


def check(row, title, needs=None):
    """Registers a check; `needs` is "workspaces" where it puts files into a workspace."""

    def register(function):
        CHECKS.append((row, title, needs, function))
        return function

    return register


class Context:
    def __init__(self, client, base, workspace_root=None):
        self.client, self.base, self.workspace_root = client, base, workspace_root
        self._project = None

    @property
    def project(self):
        """A project that checks share; they only read it, or plant files of their own names."""
        if self._project is None:
            self._project = self.client.create()["id"]
        return self._project

    def workspace(self, project):
        return os.path.join(self.workspace_root, project)


def run(context, write, only=None):
    """Runs all checks; returns how many failed."""
    failed = 0
    for row, title, needs, function in CHECKS:
        if only and row not in only:
            continue
        if needs == "workspaces" and not context.workspace_root:
            write(f"-- {row} {title} (not tried: needs --workspace-root)")
            continue
        try:
            function(context)
        except Wrong as wrong:
            failed += 1
            write(f"no {row} {title} ({' '.join(str(wrong).split())})")
        except (OSError, KeyError, TypeError, AttributeError, IndexError) as error:
            failed += 1
            write(f"no {row} {title} (the answer could not be looked at: {error!r})")
        else:
            write(f"ok {row} {title}")
    return failed
