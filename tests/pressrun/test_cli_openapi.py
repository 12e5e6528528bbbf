from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_openapi_document_is_written_without_a_database_or_a_server(run: Run) -> None:
    finished = run("openapi")
    assert finished.returncode == 0, finished.stderr
    document = json.loads(finished.stdout)
    assert document["info"]["title"] == "Pressrun"
    assert document["paths"]["/api/bulk-generate"]["post"]["operationId"] == "submitBulk"
