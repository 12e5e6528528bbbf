"""A chat completion as it arrives: its text, why it ended, and what it cost. Nothing is sent or received here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pydantic import ValidationError

from generator.answers import Usage
from generator.errors import NotWritten
from generator.openai.protocol import Choice, Chunk, Tokens
from generator.openai.quoting import quoted
from generator.prices import Price

END = "[DONE]"
LONGEST_TEXT = 1_000_000
BYTES_PER_TOKEN = 4
CUT_SHORT = frozenset({"length", "max_tokens"})
FILTERED = frozenset({"content_filter", "safety"})
NO_TEXT = frozenset({"tool_calls", "function_call", "error"})


@dataclass
class Completion:
    """Whole only where the model said why it ended: a stream that just ends, even with `[DONE]`, may be half a text."""

    price: Price | None
    key: str
    asked: str
    """What the model was asked, for the cost of an answer that broke off before it told."""
    begun: bool = False
    ended: bool = False
    _texts: list[str] = field(default_factory=list)
    _refusals: list[str] = field(default_factory=list)
    _length: int = 0
    _reason: str | None = None
    _tokens: Tokens | None = None

    @property
    def usage(self) -> Usage | None:
        """What was told last; None where nothing was told."""
        return self._used(self._tokens.prompt_tokens, self._tokens.completion_tokens) if self._tokens else None

    @property
    def told_why(self) -> bool:
        return self._reason is not None

    def take(self, payload: str) -> None:
        """One chunk, or the end. Raises `NotWritten` where the text cannot become a whole one any more."""
        self.begun = True
        if payload == END:
            self.ended = True
            return
        try:
            chunk = Chunk.model_validate_json(payload)
        except ValidationError:
            raise self.failure("The model's endpoint sent something that is no piece of an answer") from None
        self._tokens = chunk.usage or self._tokens
        if chunk.error is not None:
            reason = quoted(chunk.error.message, self.key) or "no reason given"
            raise self.failure(f"The model stopped with an error: {reason}")
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._take(choice)

    def _take(self, choice: Choice) -> None:
        words = choice.delta or choice.message
        if words is not None:
            self._texts.append(words.content or "")
            self._refusals.append(words.refusal or "")
            self._length += len(self._texts[-1]) + len(self._refusals[-1])
        self._reason = choice.finish_reason or self._reason
        if self._length > LONGEST_TEXT:
            raise self.failure(f"The model wrote more than {LONGEST_TEXT:,} characters")

    def text(self) -> str:
        """The whole text. Raises `NotWritten`: there is none, or only half of one."""
        match (self._reason or "").lower():
            case "":
                raise self.failure("The model's answer broke off in the middle")
            case reason if reason in CUT_SHORT:
                raise self.failure("The model reached its limit of output tokens in the middle of the text")
            case reason if reason in FILTERED:
                raise self.failure("The model's content filter stopped the text", retryable=False)
            case reason if reason in NO_TEXT:
                raise self.failure(f"The model ended without a text: {reason}")
        if refusal := quoted("".join(self._refusals), self.key):
            raise self.failure(f"The model declines to write this: {refusal}", retryable=False)
        text = "".join(self._texts)
        if not text.strip():
            raise self.failure("The model answered nothing")
        return text

    def failure(self, reason: str, *, retryable: bool = True) -> NotWritten:
        """With what was told to be used; else with what such a prompt and so much text use by experience.

        A failure that tells nothing counts as free, and a model that keeps breaking off would never exhaust a budget.
        """
        return NotWritten(reason, self.usage or self._reckoned(), retryable)

    def _reckoned(self) -> Usage:
        return self._used(_tokens_in(self.asked), _tokens_in("".join(self._texts + self._refusals)))

    def _used(self, tokens_in: int, tokens_out: int) -> Usage:
        cost = self.price.cost(tokens_in, tokens_out) if self.price else None
        return Usage(input_tokens=tokens_in, output_tokens=tokens_out, cost=cost)


def _tokens_in(text: str) -> int:
    return math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)
