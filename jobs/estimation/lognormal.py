"""How long something takes: a lognormal distribution fitted to what was measured. Nothing is done here but arithmetic.

Times of generation are skewed: a few take several times as long as most. Their logarithms are close to normal, which
holds from the third measured time on, and needs no more than a mean and a spread of them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

STANDARD = statistics.NormalDist()
SHORTEST = 0.001
"""Seconds; nothing is taken to be quicker, so that a logarithm exists."""

LONGEST = 1800.0
"""Seconds; no running lasts longer (the worker ends it then), however far apart what was measured lies."""

UNMEASURED_SPREAD = 0.5
"""Of the logarithms, as long as hardly anything was measured: it weighs as much as one measurement."""

BULKS_DIFFER_BY = 0.2
"""The spread of the means, of the logarithms, between one bulk and the next of the same kind."""

MOST_FROM_BEFORE = 10
"""What was measured before tells the spread of a bulk as well as so many measurements of its own do, at most."""

MOST_SPREAD = 20.0
"""Of the logarithms; beyond it there are numbers that no computer keeps."""

LOGARITHMS = (math.log(SHORTEST) - MOST_SPREAD, math.log(LONGEST))
"""Of one time, the least and the greatest that are reckoned with."""

FINITE = 700.0
"""The greatest logarithm of a number that a computer keeps, rounded down."""

RAREST = 1e-280
ROUNDS = 3
"""Of what is expected of those that go on, and a fit to that, in turns (Dempster, Laird and Rubin's algorithm)."""


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
        return seconds(self.mu + self.sigma**2 / 2)

    @property
    def relative_spread(self) -> float:
        """Standard deviation through mean, of a single time."""
        return math.sqrt(min(math.expm1(min(self.sigma, MOST_SPREAD) ** 2), LONGEST / self.mean))

    def shifted(self, quantile: float) -> float:
        """By how much the logarithm's mean is off in so many standard errors, given as of a normal distribution."""
        return student(quantile, self.freedom) * self.error

    def rest(self, elapsed: float, probability: float, shift: float = 0.0) -> float:
        """The seconds that one which has lasted so long already goes on for with this probability at most."""
        if elapsed <= SHORTEST:
            return seconds(self.mu + shift + self.sigma * STANDARD.inv_cdf(probability))
        reached = (math.log(elapsed) - self.mu - shift) / self.sigma
        beyond = max(math.erfc(reached / math.sqrt(2)) / 2, RAREST) * (1 - probability)
        whole = math.exp(min(FINITE, self.mu + shift - self.sigma * STANDARD.inv_cdf(beyond)))
        return max(0.0, min(LONGEST, whole - elapsed))


def fitted(own: Sequence[float], before: Sequence[float] = (), unended: Sequence[float] = ()) -> Lognormal | None:
    """To the seconds that a bulk's `own` jobs took, and those of its kind `before` it, which count less the more there
    are of its own. None where nothing was measured.

    `unended` have lasted so long and go on. Without them, of many that run at once, only the quick ones would count.
    """
    mine, others, censored = _logarithms(own), _logarithms(before), _logarithms(unended)
    if not mine and not others:
        return None
    found = _fitted(mine, others, ())
    for _ in range(ROUNDS if censored else 0):
        found = _fitted(mine, others, [_expected(one, found) for one in censored])
    return found


@dataclass(frozen=True)
class _Expected:
    """Of one that goes on: the logarithm to be expected, its variance, and how much of a measurement it is worth."""

    logarithm: float
    variance: float
    worth: float


def _expected(reached: float, times: Lognormal) -> _Expected:
    z = (reached - times.mu) / times.sigma
    survives = max(math.erfc(z / math.sqrt(2)) / 2, RAREST)
    hazard = STANDARD.pdf(z) / survives
    known = min(1.0, max(0.0, hazard * (hazard - z)))
    return _Expected(times.mu + times.sigma * hazard, times.sigma**2 * (1 - known), known)


def _fitted(mine: Sequence[float], others: Sequence[float], going_on: Sequence[_Expected]) -> Lognormal:
    weight = min(1.0, MOST_FROM_BEFORE / len(others)) if others else 0.0
    count = len(mine) + sum(one.worth for one in going_on)
    freedom = 1 + max(0.0, count - 1) + weight * max(0, len(others) - 1)
    whole = [*mine, *(one.logarithm for one in going_on)]
    squares = UNMEASURED_SPREAD**2 + _squares(whole) + sum(one.variance for one in going_on)
    # Those that go on are whole ones in this sum, and are in its divisor: else the spread would grow with them.
    variance = (squares + weight * _squares(others)) / (freedom + sum(1 - one.worth for one in going_on))
    precise = count / variance
    told = precise * statistics.fmean(whole) if whole else 0.0
    if others:
        trust = 1 / (BULKS_DIFFER_BY**2 + variance / len(others))
        told += trust * statistics.fmean(others)
        precise += trust
    error = math.sqrt(1 / precise + variance**2 / (2 * freedom))
    return Lognormal(told / precise, math.sqrt(variance), error, freedom)


def seconds(logarithm: float) -> float:
    """Of one time, within what can be."""
    return math.exp(max(LOGARITHMS[0], min(LOGARITHMS[1], logarithm)))


@lru_cache(maxsize=4096)
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
