"""Text on the console: lines that stay, and below them, on a terminal, lines that are rewritten."""

import os
import time
from typing import TextIO

ERASE_LINE, UP = "\x1b[2K", "\x1b[A"
# seconds between two lines of progress where lines can't be rewritten: first, and at most
FIRST_INTERVAL, LAST_INTERVAL = 30, 300


class Screen:
    """Writes to a stream. A terminal shows the status in place; elsewhere the status is a line now and then."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = 0  # number of status lines at the bottom of the terminal
        self._status: list[str] = []
        self._started = self._last = time.monotonic()

    def print(self, text: str) -> None:
        """Write lines that stay."""
        self._write(self._erase() + text + "\n" + self._draw())

    def show(self, status: list[str]) -> None:
        """Show the status: on a terminal in place of the last one, elsewhere as one line if the last is old enough."""
        self._status = status
        if self.is_terminal:
            self._write(self._erase() + self._draw())
            return
        now = time.monotonic()
        if now - self._last >= min(LAST_INTERVAL, max(FIRST_INTERVAL, (now - self._started) / 20)):
            self._last = now
            self._write("; ".join(status) + "\n")

    def clear(self) -> None:
        """Remove the status from the terminal."""
        self._status = []
        if self.is_terminal:
            self._write(self._erase())

    def _erase(self) -> str:
        erased, self._shown = self._shown, 0
        return f"{UP}{ERASE_LINE}" * erased

    def _draw(self) -> str:
        if not self.is_terminal:
            return ""
        width = os.get_terminal_size(self.stream.fileno()).columns or 80  # 0 where the terminal doesn't say
        self._shown = len(self._status)
        return "".join(shorten(line, width - 1) + "\n" for line in self._status)

    def _write(self, text: str) -> None:
        if text:
            self.stream.write(text)
            self.stream.flush()


def shorten(line: str, width: int) -> str:
    """The line, cut with an ellipsis where it is longer than `width`.

    >>> shorten("embed_images small/pixels", 12)
    'embed_image…'
    """
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"
