import io
import os

import pytest

from cbir.runs import screen
from cbir.runs.screen import Screen


class Terminal(io.StringIO):
    """A terminal of 20 columns."""

    def isatty(self):
        return True

    def fileno(self):
        return 1


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((20, 24)))
    return Terminal()


def visible(text: str) -> list[str]:
    """The lines that a terminal shows after a text with the two sequences that Screen uses."""
    rows, row = [""], 0
    for part in text.replace("\x1b[A", "\0U\0").replace("\x1b[2K", "\0E\0").replace("\n", "\0N\0").split("\0"):
        if part == "U":
            row -= 1
        elif part == "E":
            rows[row] = ""
        elif part == "N":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        else:
            rows[row] += part
    return [line for line in rows if line]


def test_a_terminal_shows_the_last_status_below_the_lines_that_stay(terminal):
    shown = Screen(terminal)
    shown.show(["1 of 9", "embed: 10 %"])
    shown.print("failed: map")
    shown.show(["2 of 9", "embed: 20 %"])
    assert visible(terminal.getvalue()) == ["failed: map", "2 of 9", "embed: 20 %"]
    shown.clear()
    shown.print("done")
    assert visible(terminal.getvalue()) == ["failed: map", "done"]


def test_a_status_line_is_cut_to_the_width_of_the_terminal(terminal):
    Screen(terminal).show(["a" * 30])
    assert visible(terminal.getvalue()) == ["a" * 18 + "…"]


def test_without_a_terminal_the_status_is_a_line_every_half_minute_and_later_every_five_minutes(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(screen.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    shown = Screen(stream)
    times, length = [], 0
    for clock[0] in range(20_000):
        shown.show([f"{clock[0]} s", "embed"])
        if len(stream.getvalue()) > length:
            length = len(stream.getvalue())
            times.append(clock[0])
    assert times[:3] == [30, 60, 90]
    assert times[-1] - times[-2] == 300
    assert stream.getvalue().splitlines()[0] == "30 s; embed"
    assert "\x1b" not in stream.getvalue()


def test_a_dumb_terminal_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    Screen(terminal).show(["1 of 9"])
    assert terminal.getvalue() == ""
