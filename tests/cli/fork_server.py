"""A process with tinynet imported, which forks one for each command: `python fork_server.py FD`.

A forked process has streams, an environment and a folder of its own, and ends as any Python
process does; it only saves the half second of the imports. What happens while Python starts, and
while tinynet is imported, needs a process that is started anew.
"""

import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
import warnings

MODULES = """
    rich.console tinynet_cli.main tinynet_cli.progress tinynet.commands.check tinynet.commands.diff
    tinynet.commands.exchange tinynet.commands.inspect tinynet.commands.plugins.conformance
    tinynet.commands.plugins.doctor tinynet.prediction.generation tinynet.run.fine_tuning
    tinynet.run.training_run tinynet.spec.schema
"""
"""Imported in advance; none of them reads the metadata of installed distributions."""


def serve(connection):
    """Fork a process for each request; return in that process, with its arguments."""
    while True:
        message, streams, _, _ = socket.recv_fds(connection, 2**20, 3)
        if not message:
            sys.exit()
        request = json.loads(message)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the threads of BLAS, which forks as well
            child = os.fork()
        if not child:
            connection.close()
            adopt(streams, request)
            return request["words"]
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def adopt(streams, request):
    """Give this process its streams, folder, environment and path."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # As Python opens them when it starts: buffered as a file or a terminal is.
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    os.chdir(request["folder"])
    before = paths()
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[1:1] = [path for path in paths() if path not in before]
    importlib.invalidate_caches()


def paths():
    return list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))


if __name__ == "__main__":
    sys.path[0] = ""  # as of `python -c`
    for module in MODULES.split():
        importlib.import_module(module)
    from tinynet import builtin, registry

    for found in pkgutil.walk_packages(builtin.__path__, "tinynet.builtin."):
        importlib.import_module(found.name)
    gc.freeze()  # A collection would copy the memory that processes share.
    assert not registry.default.cache_info().currsize, "it must find what each process has"
    words = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv[:] = ["-c", *words]
    from tinynet_cli.main import main

    main()
