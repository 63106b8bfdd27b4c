"""What runs inside the child process that replays migrations: standard library only, Python 3.9 and newer.

Nothing here imports the rest of ``forensics``: the child may be the project's own interpreter, which does not have it.
``boot.py`` is the file that is started; it makes this folder a package under a private name, so that no module of the
project is hidden by one of ours.
"""
