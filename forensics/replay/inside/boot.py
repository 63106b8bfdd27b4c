"""Start the child: ``python -S -s boot.py`` with the configuration as the first line of standard input.

Nothing of the project runs before the isolation is in place: ``-S`` keeps the interpreter from reading ``.pth`` files,
and `site.main` is called afterwards, inside.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from typing import Any, BinaryIO

PACKAGE = "_forensics_inside"


def main() -> None:
    """Take the pipes away from the standard streams, enter the isolation, and serve."""
    requests: BinaryIO = os.fdopen(os.dup(0), "rb")
    replies: BinaryIO = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [item for item in sys.path if os.path.abspath(item) != folder]
    sys.dont_write_bytecode = True
    config: dict[str, Any] = json.loads(requests.readline())
    spec = importlib.util.spec_from_file_location(
        PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    importlib.import_module(PACKAGE + ".serve").serve(config, requests, replies)


if __name__ == "__main__":
    main()
