"""What the server and the programs logged, read entry by entry, put on the clock of the story.

Nothing is added and no text is changed but what differs from one build to the next: times, process ids, the length of
a session, the paths of this machine. Left out are entries about how the connection was made, and values of parameters.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

PREFIX = "%m [%p] %u@%d "
ENTRY = re.compile(
    r"(?P<at>\S+ \S+) (?P<zone>\S+) \[(?P<pid>\d+)\] (?P<who>\S*@\S*) (?P<level>[A-Z]+):  (?P<text>.*)", re.S
)
BEHIND = ("STATEMENT", "DETAIL", "HINT", "CONTEXT")  # they belong to the entry before, and have its time
KEPT = ("connection authorized: ", "disconnection: ")
DROPPED = ("connection ", "disconnection")
VERSION_ROW = re.compile(r"(?:CREATE TABLE|INSERT INTO|UPDATE) alembic_version", re.I)
TOLD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<text>.*)", re.S)
FRAME = re.compile(r'  File "(?P<path>[^"]+)", (?P<rest>line .*)')


@dataclass
class Line:
    """One entry of a log: of the server with a `pid`, of a program without."""

    text: str
    pid: str = ""
    who: str = ""
    level: str = ""

    @property
    def opens(self):
        """Whether a session begins here."""
        return self.text.startswith("connection authorized: ")

    @property
    def closes(self):
        """Whether a session ends here."""
        return self.text.startswith("disconnection: ")


def server_lines(text, who):
    """The entries of one role in one database, in their order."""
    joined, found = [], []
    for line in text.splitlines():
        if line.startswith("\t") and joined:
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    for line in joined:
        entry = ENTRY.fullmatch(line)
        if entry is None or entry["who"] != who:
            continue
        if entry["level"] == "DETAIL" and entry["text"].lower().startswith("parameters: "):
            continue
        if entry["text"].startswith(DROPPED) and not entry["text"].startswith(KEPT):
            continue
        found.append(Line(entry["text"], pid=entry["pid"], who=who, level=entry["level"]))
    return found


def told_lines(text, home):
    """The entries of a program's log; of a traceback the frames in the project below `home`, and the error."""
    found = []
    for line in text.splitlines():
        entry = TOLD.fullmatch(line)
        if entry:
            found.append(Line(entry["text"]))
        elif found:
            found[-1].text += f"\n{line}"
    for line in found:
        line.text = _traceback(line.text, home)
    return found


def _traceback(text, home):
    """Leave the last traceback, without what differs between machines and versions."""
    head, *blocks = re.split(r"\nTraceback \(most recent call last\):\n", text)
    if not blocks:
        return text
    kept, skipping = [], False
    for line in blocks[-1].splitlines():
        frame = FRAME.fullmatch(line)
        if frame:
            skipping = not frame["path"].startswith(f"{home}/")
            if not skipping:
                kept.append(f'  File "/app/{frame["path"].removeprefix(f"{home}/")}", {frame["rest"]}')
        elif line.startswith("  "):
            if not skipping and line.strip(" ~^"):
                kept.append(line)
        elif not line.startswith("(Background on this error"):
            kept.append(line)
    return "\n".join([head, "Traceback (most recent call last):", *(line for line in kept if line.strip())])


def interleave(server, told):
    """Bring both logs into one order: what a program tells of a migration comes before the migration's statements."""
    if not server:
        return list(told)
    order, waiting = [], list(told)
    failed = [waiting.pop()] if len(waiting) > 1 and "Running upgrade" not in waiting[-1].text else []
    while waiting and not waiting[0].text.startswith("INFO [alembic."):
        order.append(waiting.pop(0))
    rows = any(VERSION_ROW.search(line.text) for line in server)
    made = any("CREATE TABLE alembic_version" in line.text for line in server)

    def next_migration():
        order.append(waiting.pop(0))
        while waiting and (not rows or "Running upgrade" not in waiting[0].text):
            order.append(waiting.pop(0))

    for line in server:
        if line.closes:
            while waiting:
                order.append(waiting.pop(0))
            order += failed
            failed = []
        order.append(line)
        if line.opens:
            while waiting and "Running upgrade" not in waiting[0].text:
                order.append(waiting.pop(0))
            if waiting and not made:
                next_migration()
        elif line.level == "LOG" and VERSION_ROW.search(line.text) and waiting:
            next_migration()
    return order + waiting + failed


class Clock:
    """The clock of one environment's story, with the process ids of its server."""

    def __init__(self):
        self.now = datetime(2025, 1, 1)
        self.pids = {}
        self.begun = {}
        self.count = 0

    def set(self, text):
        self.now = datetime.fromisoformat(text)

    def tick(self):
        """Some milliseconds pass, always the same ones."""
        self.count += 1
        self.now += timedelta(milliseconds=3 + self.count * 5 % 8)
        return self.now.isoformat(" ", "milliseconds")

    def server(self, line):
        """An entry of the server as its log has it."""
        at = self.now.isoformat(" ", "milliseconds") if line.level in BEHIND else self.tick()
        pid = self.pids.setdefault(line.pid, 64 + 3 * len(self.pids))
        text = line.text
        if line.opens:
            self.begun[line.pid] = self.now
        if line.closes:
            lasted = f"session time: 0:00:{(self.now - self.begun[line.pid]).total_seconds():06.3f} "
            text = re.sub(r"session time: \S+ ", lasted, text)
        return f"{at} UTC [{pid}] {line.who} {line.level}:  {text}\n"

    def told(self, line):
        """An entry of a program as its log has it."""
        return f"{self.tick().replace('.', ',')} {line.text}\n"
