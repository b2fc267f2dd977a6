"""What ends a command from outside: signals as exceptions, and words for errors that nobody on the way knew.

SIGINT, SIGTERM and SIGHUP become Stopped, a KeyboardInterrupt: whatever is open is closed, as after Ctrl-C; inside ``held``
the first waits until what is under way is saved. An OSError is told by its file, the reason and the remedy, a lack of memory
by what to lower, anything else as a bug of ours on one line.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from deepstyle.files import reason, shown

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "Cannot allocate memory")
WAIT = b"\nending as soon as this step is saved; once more ends it at once\n"
LONGEST = 2_000  # characters of a message; a file's own content may stand in it


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end; ``number`` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Hold:
    """A block that a signal shall not break in the middle; ``number`` is the signal that waits for its end."""

    number: int | None = None

    def release(self) -> None:
        """Nothing is lost here: raise Stopped if a signal has come."""
        if self.number is not None:
            number, self.number = self.number, None
            raise Stopped(number)


_holds: list[Hold] = []  # the blocks under way, the innermost last; signals are the process's, and so is this


@contextmanager
def held() -> Iterator[Hold]:
    """Inside ``stoppable``: a first signal waits for the ``Hold``'s release, at the latest at the end of the block."""
    hold = Hold()
    _holds.append(hold)
    try:
        yield hold
    finally:
        _holds.remove(hold)
    hold.release()


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, signals raise Stopped, the first of them; a second one of its kind ends the process as it always did.

    A signal that is ignored (``nohup``, a shell's background job) stays ignored. Without effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if not _holds:
            raise Stopped(number)
        _holds[-1].number = number
        with suppress(OSError):
            os.write(2, WAIT)  # not by a stream: the signal may have come while that was writing

    before = {number: signal.getsignal(number) for number in SIGNALS}
    mine = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in mine:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def words_for(error: BaseException) -> str:
    """One line for an error that is none of ours: what to do about it, or that it is our bug."""
    said = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(sign in said for sign in MEMORY):
        return (
            f"there is not enough memory ({brief(said, 200) or 'the system gave no more'}): close other programs, or lower "
            "batch_size or the size of the images; the same command goes on where it stopped"
        )
    if isinstance(error, OSError):
        return f"{shown(str(error.filename))}: {reason(error)}" if error.filename else reason(error)
    return (
        f"a bug in deepstyle: {type(error).__name__}: {brief(said, 500)}; please report it. "
        "With DEEPSTYLE_TRACEBACK=1 the same command shows where"
    )


def brief(text: str, most: int = LONGEST) -> str:
    """A text that can be printed, its middle left out where it is longer than ``most``."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else f"{text[: most * 3 // 4]} ... {text[-most // 4 :]}"
