"""What a running has spent, and what that makes of its job's cost. Pure functions; budgets are kept elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from jobs.storage.store import Document


class Tokens(NamedTuple):
    input: int = 0
    output: int = 0


@dataclass(frozen=True)
class Expense:
    """Of one running's calls. `told` is the sum of the costs that answers gave.

    `settled`: there was a definite answer. `untold`: one that gave something did not say what it cost. `open`: one
    more call was sent, of which no definite answer came.
    """

    told: float = 0.0
    tokens: Tokens = Tokens()
    settled: bool = False
    untold: bool = False
    open: bool = False

    def plus(self, cost: float | None, tokens: Tokens, *, gave: bool) -> Expense:
        """After one more definite answer, which `gave` something or failed."""
        whole = Tokens(self.tokens.input + tokens.input, self.tokens.output + tokens.output)
        return Expense(self.told + (cost or 0.0), whole, True, self.untold or (gave and cost is None), self.open)


@dataclass(frozen=True)
class Charge:
    """By how much a running changes its job's `cost`, and what is `owed` after it.

    `owed` is the part that is only set aside: a call may have been paid for of which no definite answer came. Its
    repeat has the same key (I9), is paid once, and settles that.
    """

    change: float
    owed: float
    tokens: Tokens


def charged_by(attempt: Document) -> Charge:
    """What the running that left this attempt has changed."""
    usage = attempt["usage"]
    return Charge(attempt["cost"], 0.0, Tokens(usage["input_tokens"], usage["output_tokens"]))


def charge(expense: Expense, job: Document) -> Charge:
    """`job` as it was claimed: its lease says what was set aside for this running."""
    set_aside: float = job["lease"]["cost"]
    owed: float = job["owed"]
    told = max(expense.told, set_aside) if expense.untold else expense.told
    if expense.settled:
        whole = max(told, set_aside) if expense.open else told
        return Charge(whole - owed, whole - told, expense.tokens)
    if expense.open:
        whole = max(set_aside, owed)
        return Charge(whole - owed, whole, expense.tokens)
    return Charge(0.0, owed, expense.tokens)


def as_stored(expense: Expense) -> Document:
    """For the lease, so that whoever takes the job back from a dead worker knows it."""
    return {
        "told": expense.told,
        "tokens": list(expense.tokens),
        "settled": expense.settled,
        "untold": expense.untold,
        "open": expense.open,
    }


def known_to_lease(job: Document) -> Expense:
    """What its checkpoints have told of the running that holds the job, if it has made any."""
    spent = job["lease"]["spent"]
    return Expense(**{**spent, "tokens": Tokens(*spent["tokens"])}) if spent else Expense()
