"""promtool, which ships in Debian's package `prometheus`: where it is, and alerts played through by it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
Series = tuple[str, str]


def promtool() -> str:
    found = shutil.which("promtool", path=f"{os.environ['PATH']}:{ROOT / '.tools' / 'usr' / 'bin'}")
    if found is None:
        message = "promtool is not there (scripts/check-deploy fetches it): no alert or name was checked"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return found


def check(*arguments: str | Path) -> None:
    finished = subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def assert_firing(series: Iterable[Series], at: str, alerts: Sequence[str], folder: Path) -> None:
    """With these series, exactly these alerts fire at that moment."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    played = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": name, "values": values} for name, values in series],
                "promql_expr_test": [
                    {
                        "expr": 'max by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": at,
                        "exp_samples": samples,
                    }
                ],
            }
        ],
    }
    file = folder / "alerts.yml"
    file.write_text(yaml.safe_dump(played))
    check("test", "rules", file)
