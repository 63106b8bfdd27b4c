"""Every error that a user can meet, as one tree.

::

    ForensicsError
    ├── UsageError               wrong arguments                                  (exit code 2)
    │   └── CaseError            the case file is missing, unreadable or malformed
    ├── AcquisitionError         evidence could not be read                       (exit code 3)
    │   ├── DatabaseMissing      there is no database at that address             (exit code 2)
    │   ├── DatabaseUnreadable   not a database, corrupt, encrypted, locked, no permission
    │   │   └── DatabaseBusy     the file kept changing while it was being copied
    │   ├── ChainUnreadable      the migrations folder could not be read
    │   ├── EvidenceChanged      a stored file differs from its recorded hash
    │   ├── UnknownTool          no adapter fits; lists what was seen
    │   └── AmbiguousTool        several fit; lists them and how to choose
    ├── ReplayError              the scratch database or its child process failed
    └── ReportError              a notebook failed or produced an unfit report

The text of each is "what happened; what to do next". The command line prints it without a traceback.
"""

from __future__ import annotations


class ForensicsError(Exception):
    """The root: something the user can act on."""

    exit_code = 3

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class UsageError(ForensicsError, ValueError):
    """The arguments do not make sense together."""

    exit_code = 2


class CaseError(UsageError):
    """The case file is missing, unreadable or malformed."""


class AcquisitionError(ForensicsError):
    """Evidence could not be read."""


class DatabaseMissing(AcquisitionError, FileNotFoundError):
    """There is no database at that address."""

    exit_code = 2


class DatabaseUnreadable(AcquisitionError):
    """The address leads to something that is not a readable database."""


class DatabaseBusy(DatabaseUnreadable):
    """The file kept changing while it was being copied."""


class ChainUnreadable(AcquisitionError):
    """The migrations folder could not be read."""


class EvidenceChanged(AcquisitionError):
    """A stored file differs from its recorded hash."""


class UnknownTool(AcquisitionError):
    """No adapter fits what was found."""


class AmbiguousTool(AcquisitionError):
    """Several adapters fit what was found."""


class ReplayError(ForensicsError):
    """The scratch database or its child process failed."""


class ReportError(ForensicsError):
    """A notebook failed or produced an unfit report."""
