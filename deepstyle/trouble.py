"""What ends a command from outside: signals as exceptions, and words for errors that nobody on the way knew.

SIGINT, SIGTERM and SIGHUP become Stopped, a KeyboardInterrupt: whatever is open is closed, as after Ctrl-C. An OSError is
told by its file, the reason and the remedy, a lack of memory by what to lower, anything else as a bug of ours on one line.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deepstyle.files import reason, shown

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "Cannot allocate memory")
LONGEST = 2_000  # characters of a message; a file's own content may stand in it


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end; ``number`` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


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
        raise Stopped(number)

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
