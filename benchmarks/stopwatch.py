"""Times HTTP requests by the name of what they ask for."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import httpx2


class Stopwatch:
    """Every answer must be a success: a refusal is fast, and would make a good figure."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._http = http

    async def ask(self, name: str, method: str, path: str, **body: Any) -> httpx2.Response:
        began = time.perf_counter()
        response = await self._http.request(method, path, **body)
        self.seconds[name].append(time.perf_counter() - began)
        response.raise_for_status()
        return response
