"""Errors of the package. Each message says which path or name is meant, what was found there and what was expected."""

from collections.abc import Iterable
from pathlib import Path


class AttrisweepError(Exception):
    """Base of every error that this package raises by itself."""


class NoStoresError(AttrisweepError):
    """No store of a sweep is where one was looked for."""


class DamagedStoreError(AttrisweepError):
    """A store, or a file of a store, is not what readers can make sense of."""

    def __init__(self, path: Path, found: str, expected: str) -> None:
        super().__init__(f"{path}: found {found}, expected {expected}")
        self.path = path


class UnknownNameError(AttrisweepError, KeyError):
    """A name or number that a group, or a sweep, does not have."""

    def __init__(self, what: str, found: object, known: Iterable[object]) -> None:
        listed = ", ".join(str(name) for name in known) or "none at all"
        self.message = f"there is no {what} {found!r}; there is: {listed}"
        super().__init__(self.message)

    def __str__(self) -> str:
        # KeyError shows the representation of its message, with quotes around the whole.
        return self.message


class NotWrittenError(AttrisweepError):
    """Something that a request needs has not been written, or is not part of the store."""


class BadRequestError(AttrisweepError, ValueError):
    """Arguments that make no sense, or make none for this group."""


class ProgramError(AttrisweepError):
    """A program that cannot be started in this environment, with the way out."""


class SweepFailedError(AttrisweepError):
    """A sweep, or a question about one, that ended with another exit code than 0. `code` is the exit code."""

    def __init__(self, code: int, meaning: str, told: str) -> None:
        super().__init__(f"exit code {code}: {meaning}\n{told}".rstrip())
        self.code = code
