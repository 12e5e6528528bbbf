"""Asks a service at a steady pace with cookies that no secret opens, each another one: `auth` measures what is beside.

`python -m benchmarks.bad_cookies HOST PORT PATH PACE KIND` until it is ended; a line for each second says how many were
refused in it. KIND `none` sends no cookie: what being asked costs by itself.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection

from tests.support.session_tokens import AUTHJS, GCM, NEXTAUTH, authjs_token, claims, cookie, nextauth_token

WRONG = "a-secret-that-is-not-the-applications-0123456789"


def main() -> None:
    host, port, path, pace, kind = sys.argv[1:]
    connection = HTTPConnection(host, int(port), timeout=30)
    sent = itertools.repeat(dict[str, str]()) if kind == "none" else _wrong()
    began, told, refused = time.monotonic(), 1, 0
    for number, headers in enumerate(sent):
        time.sleep(max(0.0, began + number / float(pace) - time.monotonic()))
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        refused += answer.status == 401
        if time.monotonic() - began >= told:
            print(refused, flush=True)
            told, refused = told + 1, 0


def _wrong() -> Iterator[dict[str, str]]:
    """Of those that are decrypted in vain: no key is named in them."""
    for number in itertools.count():
        said = claims(sub=f"nobody-{number}")
        yield {"Cookie": cookie(AUTHJS, authjs_token(said, WRONG, kid=False))}
        yield {"Cookie": cookie(NEXTAUTH, nextauth_token(said, WRONG))}
        yield {"Cookie": cookie(AUTHJS, authjs_token(said, WRONG, kid=False, enc=GCM))}


if __name__ == "__main__":
    main()
