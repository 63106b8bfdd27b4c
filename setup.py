"""What pyproject.toml cannot say: the notebooks stand at the top of the repository, and inside the installed package."""

from __future__ import annotations

from pathlib import Path
from shutil import copy

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithNotebooks(build_py):
    """Copies the notebooks into the package that is built; an editable one finds them where they are."""

    def run(self) -> None:
        """Build, then add the notebooks."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib, "forensics", "notebooks")
            target.mkdir(parents=True, exist_ok=True)
            for notebook in sorted(Path("notebooks").glob("*.ipynb")):
                copy(notebook, target)


setup(cmdclass={"build_py": BuildWithNotebooks})
