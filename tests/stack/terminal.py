"""Progress for slow steps: one line per step, with its duration in seconds.

On a terminal the running step's line is updated; in a log it is repeated periodically to show progress.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from contextlib import contextmanager

LOG_INTERVAL_SECONDS = 15
WIDTH = 100


class Terminal:
    def __init__(self, stream=None) -> None:
        self.stream = stream or sys.stdout
        self.is_tty = self.stream.isatty()
        self._colour = self.is_tty and "NO_COLOR" not in os.environ

    def say(self, text: str = "") -> None:
        print(text, file=self.stream, flush=True)

    def title(self, text: str) -> None:
        self.say(f"\n{self.bold(text)}\n")

    def mail(self, subject: str, body: str) -> None:
        bar = self.dim("│")
        self.say(f"  {bar} {self.bold(subject)}")
        self.say(f"  {bar}")
        for line in body.rstrip().splitlines():
            self.say(f"  {bar} {line}".rstrip())

    def table(self, header: list[str], rows: list[list[str]]) -> None:
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        for number, row in enumerate([header, *rows]):
            line = "  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            self.say(self.dim(line) if number == 0 else line)

    def check(self, holds: bool, text: str) -> None:
        self.say(f"  {self.green('✓') if holds else self.red('✗')} {text}")

    @contextmanager
    def step(self, text: str):
        """A step in progress; its `note` is what it is doing, and afterwards its result."""
        step = Step(self, text)
        ticker = threading.Thread(target=step.tick, daemon=True)
        ticker.start()
        mark = self.red("✗")
        try:
            yield step
            mark = self.green("✓")
        finally:
            step.ended.set()
            ticker.join()
            step.end(mark)

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def green(self, text: str) -> str:
        return self._paint("32", text)

    def red(self, text: str) -> str:
        return self._paint("31", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


class Step:
    def __init__(self, terminal: Terminal, text: str) -> None:
        self.note = ""
        self.ended = threading.Event()
        self._terminal = terminal
        self._text = text
        self._start = time.monotonic()

    def say(self, note: str) -> None:
        self.note = note

    def tick(self) -> None:
        if self._terminal.is_tty:
            while not self.ended.wait(0.1):
                self._write_over(f"  {self._terminal.dim('·')} {self._line()}")
        else:
            while not self.ended.wait(LOG_INTERVAL_SECONDS):
                self._terminal.say(f"  · {self._line()}")

    def end(self, mark: str) -> None:
        line = f"  {mark} {self._line()}"
        if self._terminal.is_tty:
            self._write_over(line + "\n")
        else:
            self._terminal.say(line)

    def _line(self) -> str:
        width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns) - 16
        text = self._text.ljust(34) + self.note
        return f"{text[:width].ljust(width)}{time.monotonic() - self._start:7.1f} s"

    def _write_over(self, line: str) -> None:
        print(f"\r\033[2K{line}", end="", file=self._terminal.stream, flush=True)
