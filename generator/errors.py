"""Why the generator refuses a call. Each docstring is the sentence the caller reads.

HTTP codes are not chosen here, but in `generator/problems.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from generator.answers import Usage


class GeneratorError(Exception):
    """Something went wrong."""

    retryable = False
    usage: Usage | None = None
    retry_after: str | None = None

    def __str__(self) -> str:
        return (self.__doc__ or "").strip().format(**vars(self))


@dataclass(eq=False)
class InvalidItem(GeneratorError):
    """{faults}"""

    faults: str


@dataclass(eq=False)
class BodyUnreadable(GeneratorError):
    """The body is not a JSON object: {reason}."""

    reason: str


@dataclass(eq=False)
class BodyTooLarge(GeneratorError):
    """The body is larger than {limit} bytes."""

    limit: int


@dataclass(eq=False)
class UnknownMode(GeneratorError):
    """There is no mode {mode!r}; the modes are {known}."""

    mode: str
    known: str


@dataclass(eq=False)
class KeyMalformed(GeneratorError):
    """An Idempotency-Key has 1 to {limit} printable ASCII characters."""

    limit: int


@dataclass(eq=False)
class KeyReused(GeneratorError):
    """This Idempotency-Key was used before with another body: use a new key for a new request."""


@dataclass(eq=False)
class ShuttingDown(GeneratorError):
    """The generator is shutting down: ask again with the same Idempotency-Key."""

    retryable = True


@dataclass(eq=False)
class NoImageModel(GeneratorError):
    """No model is named for images: set PRESSRUN_OPENAI__IMAGE_MODEL."""


@dataclass(eq=False)
class OrderRefused(GeneratorError):
    """The model's endpoint refuses this request: {reason}."""

    reason: str


@dataclass(eq=False)
class NotWritten(GeneratorError):
    """{reason}."""

    reason: str
    usage: Usage | None = None
    retryable: bool = True


@dataclass(eq=False)
class ModelFailed(GeneratorError):
    """{reason}."""

    reason: str

    retryable = True


@dataclass(eq=False)
class ModelOutOfReach(GeneratorError):
    """The model's endpoint is out of reach: {reason}."""

    reason: str

    retryable = True


@dataclass(eq=False)
class ModelBusy(GeneratorError):
    """The model's endpoint has no room at the moment: {reason}."""

    reason: str
    retry_after: str | None = None

    retryable = True


@dataclass(eq=False)
class ModelLimited(GeneratorError):
    """The model's endpoint takes no more requests for now: {reason}."""

    reason: str
    retry_after: str | None = None

    retryable = True
