"""Lines -> finished entries: what belongs together is joined, session by session, with a bounded memory."""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from forensics.clock import Instant
from forensics.logs.entry import GRAVE, Entry, Learnt, Line, Unfinished
from forensics.logs.formats import formats
from forensics.logs.lines import LONGEST
from forensics.logs.telling import statement_in, tell
from forensics.logs.transport import unwrap

_OPEN = 64  # entries that wait for more lines
_LANES = 64  # services whose lines are told apart in one file
_SESSIONS = 256  # sessions whose last statement is remembered
_SAMPLE, _SAMPLE_SIZE = 400, 1024 * 1024
_FIRST, _LAST = 30, 90  # lines kept of an entry without end: a traceback says it last
_GATHERED = 1000  # lines of one record
_JOINED = re.compile(r"connection authorized: user=.*? database=(?P<database>\S+)")
_TRACE = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One finished entry. ``after`` is the last time seen before it where it has none of its own."""

    number: int
    at: Instant | None
    level: str
    actor: str
    message: str
    session: str = ""
    database: str = ""
    statement: str = ""
    code: str = ""
    runner: str = ""
    echo: bool = False
    after: Instant | None = None


@dataclass(slots=True)
class Census:
    """What was not understood: how many lines, the first of them, and how many were cut out of long entries."""

    unknown: int = 0
    first: int = 0
    cut: int = 0

    def miss(self, number: int, lines: int = 1) -> None:
        """Count lines of no known format."""
        self.first = self.first or number
        self.unknown += lines


@dataclass(slots=True)
class _Open:
    number: int
    entry: Entry
    lane: _Lane
    at: Instant | None
    after: Instant | None
    lines: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST))
    parts: dict[str, list[str]] = field(default_factory=dict)
    last: str = ""
    size: int = 0
    traced: bool = False
    closed: bool = False

    def add(self, text: str, census: Census) -> None:
        """Take a line that goes on with this entry, or with the last part of it."""
        own = self.entry.tabbed and text.startswith("\t")
        text = text[1:] if own else text
        if self.last:
            if self.size < LONGEST:
                self.parts[self.last].append(text)
                self.size += len(text) + 1
            else:
                census.cut += 1
        elif len(self.lines) < _FIRST or (own and self.size < LONGEST):
            self.lines.append(text)
            self.size += len(text) + 1
        else:
            census.cut += len(self.tail) == _LAST
            self.tail.append(text[:4000])
        self.traced = self.traced or text.startswith(_TRACE)


@dataclass(slots=True)
class _Lane:
    """The lines of one service."""

    runner: str
    learnt: Learnt = field(default_factory=Learnt)
    last: _Open | None = None
    open: dict[str, _Open] = field(default_factory=dict)
    gathered: list[Line] = field(default_factory=list)
    size: int = 0
    time: Instant | None = None
    statements: OrderedDict[str, str] = field(default_factory=OrderedDict)
    databases: OrderedDict[str, str] = field(default_factory=OrderedDict)


def read(lines: Iterable[tuple[int, str]], *, zone: str, census: Census) -> Iterator[Told]:
    """Yield the entries of numbered lines in their order; what was not understood is counted in ``census``.

    Memory does not grow with the file. An exception of ``lines`` comes through after the entries before it.
    """
    stream = unwrap(lines, zone)
    lanes: dict[str, _Lane] = {}
    queue: deque[_Open] = deque()
    trouble: Exception | None = None

    def guarded() -> Iterator[Line]:
        nonlocal trouble
        try:
            yield from stream
        except (OSError, EOFError, zlib.error) as error:
            trouble = error

    source = guarded()
    head = _sample(source)
    _learn(head, lanes)
    for line in chain(head, source):
        lane = _lane(lanes, line.runner)
        for taken, entry in _recognised(line, lane, census):
            _place(taken, entry, lane, queue, census)
        while queue and (queue[0].closed or len(queue) > _OPEN):
            yield _finished(queue.popleft())
    for lane in lanes.values():
        if lane.gathered:
            census.miss(lane.gathered[0].number, len(lane.gathered))
    while queue:
        yield _finished(queue.popleft())
    if trouble is not None:
        raise trouble


def _sample(source: Iterator[Line]) -> list[Line]:
    found: list[Line] = []
    size = 0
    for line in islice(source, _SAMPLE):
        found.append(line)
        size += len(line.text)
        if size > _SAMPLE_SIZE:
            break
    return found


def _learn(head: list[Line], lanes: dict[str, _Lane]) -> None:
    by_lane: dict[int, tuple[_Lane, list[Line]]] = {}
    for line in head:
        lane = _lane(lanes, line.runner)
        by_lane.setdefault(id(lane), (lane, []))[1].append(line)
    for lane, seen in by_lane.values():
        for item in formats():
            item.learn(seen, lane.learnt)


def _lane(lanes: dict[str, _Lane], runner: str) -> _Lane:
    found = lanes.get(runner)
    if found is None:
        if len(lanes) >= _LANES:  # names that never come again, as syslog has them: the first lane takes them all
            return next(iter(lanes.values()))
        found = lanes[runner] = _Lane(runner=runner)
    return found


def _recognised(line: Line, lane: _Lane, census: Census) -> Iterator[tuple[Line, Entry | None]]:
    """Yield a line with its entry, or None where it begins none; a record over several lines comes at its end."""
    if not lane.gathered:
        found = _first_match(line, lane)
        if isinstance(found, Unfinished):
            lane.gathered, lane.size = [line], len(line.text)
        else:
            yield line, found
        return
    lane.gathered.append(line)
    lane.size += len(line.text) + 1
    start = lane.gathered[0]
    if '"' in line.text:
        whole = Line(
            number=start.number, text="\n".join(item.text for item in lane.gathered), zone=line.zone, at=start.at,
            runner=line.runner,
        )  # fmt: skip
        found = _first_match(whole, lane)
        if not isinstance(found, Unfinished):
            lane.gathered = []
            yield whole, found
            return
    if len(lane.gathered) > _GATHERED or lane.size > LONGEST * 4:
        census.miss(start.number, len(lane.gathered))
        lane.gathered = []


def _first_match(line: Line, lane: _Lane) -> Entry | Unfinished | None:
    for item in formats():
        found = item.read(line, lane.learnt)
        if found is not None:
            return found
    return None


def _place(line: Line, entry: Entry | None, lane: _Lane, queue: deque[_Open], census: Census) -> None:
    if entry is not None and line.session and not entry.session:
        entry = replace(entry, session=line.session)
    last = lane.open.get(line.session, lane.last) if line.session else lane.last
    if entry is not None and entry.part and (owner := lane.open.get(entry.session)) is not None and not owner.closed:
        owner.parts.setdefault(entry.part, []).append(entry.message)
        owner.last = entry.part
        lane.last = owner
        return
    goes_on = last is not None and not last.closed and (last.traced or line.text.startswith(_TRACE))
    if entry is None or (entry.weak and goes_on):
        if last is not None and not last.closed and not last.entry.whole:
            last.add(line.text, census)
        elif line.text.startswith(_TRACE):
            _begin(line, Entry(level="error", message=line.text), lane, queue)
        elif line.text.strip():
            census.miss(line.number)
        return
    _begin(line, entry, lane, queue)


def _begin(line: Line, entry: Entry, lane: _Lane, queue: deque[_Open]) -> None:
    before = lane.open.get(entry.session)
    if before is not None:
        before.closed = True
    if lane.last is not None and not lane.last.entry.session:
        lane.last.closed = True
    at = entry.at or line.at
    item = _Open(line.number, entry, lane, at, None if at else lane.time)
    item.traced = entry.message.startswith(_TRACE)
    if entry.part:  # its report is not here: the log begins in the middle of it
        item.parts[entry.part] = [entry.message]
        item.last = entry.part
    lane.time = at or lane.time
    if len(lane.open) >= _OPEN:
        lane.open = {name: other for name, other in lane.open.items() if not other.closed and other in queue}
    lane.open[entry.session] = lane.last = item
    item.closed = entry.whole
    queue.append(item)


def _finished(item: _Open) -> Told:
    item.closed = True
    entry, lane = item.entry, item.lane
    sql = "\n".join(item.parts.get("STATEMENT", ()))
    body = [] if entry.part == "STATEMENT" else [entry.message]
    told = tell("\n".join([*body, *item.lines, *item.tail]), entry, item.parts)
    statement = entry.statement or sql or told.statement
    if not statement and entry.level in GRAVE and entry.session in lane.statements:
        statement = statement_in(lane.statements[entry.session], told.message)
    if entry.session:
        lane.statements.pop(entry.session, None)
        if told.statement and entry.level not in GRAVE:
            _remember(lane.statements, entry.session, told.statement)
        if joined := _JOINED.match(told.message):
            _remember(lane.databases, entry.session, joined["database"])
    return Told(
        number=item.number,
        at=item.at,
        level="error" if item.traced and entry.level not in GRAVE else entry.level,
        actor=entry.actor or lane.runner,
        message=told.message,
        session=entry.session,
        database=entry.database or lane.databases.get(entry.session, ""),
        statement=statement,
        code=entry.code or told.code,
        runner=lane.runner,
        echo=told.echo,
        after=item.after,
    )


def _remember(known: OrderedDict[str, str], session: str, value: str) -> None:
    known.pop(session, None)
    known[session] = value
    if len(known) > _SESSIONS:
        known.popitem(last=False)
