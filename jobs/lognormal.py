"""How long something takes, as a lognormal distribution fitted to what was measured. Nothing but arithmetic is done here.

Times of generation are skewed: a few take several times as long as most. Their logarithms are close to normal, which
holds from the third measured time on, and needs no more than a mean and a spread of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

STANDARD = statistics.NormalDist()
SHORTEST = 0.001
"""Seconds; nothing is taken to be quicker, so that a logarithm exists."""

UNMEASURED_SPREAD = 0.5
"""Of the logarithms, as long as hardly anything was measured: it weighs as much as one measurement."""

BULKS_DIFFER_BY = 0.25
"""The spread of the means, of the logarithms, between one bulk and the next of the same kind."""

MOST_FROM_BEFORE = 10
"""What was measured before tells the spread of a bulk as well as so many measurements of its own do, at most."""

RAREST = 1e-280


@dataclass(frozen=True)
class Lognormal:
    """Seconds. `mu` and `sigma` are mean and spread of their logarithm; `error` is how far off the logarithm of the
    mean may be (its standard error), with so many degrees of `freedom`."""

    mu: float
    sigma: float
    error: float
    freedom: float

    @property
    def mean(self) -> float:
        return math.exp(self.mu + self.sigma**2 / 2)

    @property
    def relative_spread(self) -> float:
        """Standard deviation through mean, of a single time."""
        return math.sqrt(math.expm1(self.sigma**2))

    def shifted(self, quantile: float) -> float:
        """By how much the logarithm's mean is off in so many standard errors, given as of a normal distribution."""
        return student(quantile, self.freedom) * self.error

    def rest(self, elapsed: float, probability: float, shift: float = 0.0) -> float:
        """The seconds that one which has lasted so long already goes on for with this probability at most."""
        if elapsed <= SHORTEST:
            return math.exp(self.mu + shift + self.sigma * STANDARD.inv_cdf(probability))
        reached = (math.log(elapsed) - self.mu - shift) / self.sigma
        beyond = max(math.erfc(reached / math.sqrt(2)) / 2, RAREST) * (1 - probability)
        return max(0.0, math.exp(self.mu + shift - self.sigma * STANDARD.inv_cdf(beyond)) - elapsed)


def fitted(own: Sequence[float], before: Sequence[float] = ()) -> Lognormal | None:
    """To the seconds that a bulk's `own` jobs took, and those of its kind `before` it, which count less the more there
    are of its own. None where nothing was measured."""
    mine, others = _logarithms(own), _logarithms(before)
    if not mine and not others:
        return None
    weight = min(1.0, MOST_FROM_BEFORE / len(others)) if others else 0.0
    freedom = 1 + max(0, len(mine) - 1) + weight * max(0, len(others) - 1)
    squares = UNMEASURED_SPREAD**2 + _squares(mine) + weight * _squares(others)
    variance = squares / freedom
    precise = len(mine) / variance
    told = precise * statistics.fmean(mine) if mine else 0.0
    if others:
        trust = 1 / (BULKS_DIFFER_BY**2 + variance / len(others))
        told += trust * statistics.fmean(others)
        precise += trust
    error = math.sqrt(1 / precise + variance**2 / (2 * freedom))
    return Lognormal(told / precise, math.sqrt(variance), error, freedom)


def student(quantile: float, freedom: float) -> float:
    """The quantile of Student's distribution that belongs to a normal one (Fisher and Cornish's expansion)."""
    z, nu = quantile, max(freedom, 2.0)
    first = (z**3 + z) / (4 * nu)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)
    return z + first + second


def _logarithms(seconds: Sequence[float]) -> list[float]:
    return [math.log(max(one, SHORTEST)) for one in seconds]


def _squares(logarithms: Sequence[float]) -> float:
    if not logarithms:
        return 0.0
    mean = statistics.fmean(logarithms)
    return sum((one - mean) ** 2 for one in logarithms)
