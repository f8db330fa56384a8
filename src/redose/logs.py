"""What a step says: to its log file and to the terminal, so that progress is visible while chains run."""

import logging
import sys
from pathlib import Path

log = logging.getLogger("redose")


def start(path: str | Path) -> None:
    """Sends the package's messages to `path` and to standard error."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    log.setLevel(logging.INFO)
    log.handlers.clear()
    to_file, to_terminal = logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    for handler in (to_file, to_terminal):
        log.addHandler(handler)
    sys.excepthook = _last_words


def _last_words(kind, error, traceback) -> None:
    """Our own errors are written for the user and say all; anything else is a fault of the program: with traceback."""
    if kind.__module__.split(".")[0] == "redose":
        log.error("%s", error)
    else:
        log.error("unexpected error", exc_info=(kind, error, traceback))


def say(text: str, on_screen: str | None = None) -> None:
    """One message, possibly of many lines. on_screen: what the terminal shows in its place and no file keeps."""
    if on_screen is None or on_screen == text:
        log.info("%s", text)
        return
    for handler in log.handlers:
        said = text if isinstance(handler, logging.FileHandler) else on_screen
        handler.handle(log.makeRecord(log.name, logging.INFO, "", 0, "%s", (said,), None))


def printable(text: object) -> str:
    """Text on one line that neither moves the cursor nor fails to encode: what cannot be printed becomes a mark."""
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))
    return line.encode("utf-8", "replace").decode()
