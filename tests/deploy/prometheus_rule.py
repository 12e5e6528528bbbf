"""Prometheus' rules as the operator takes them: the files' groups under a head of its own. No rule stands here.

`python -m tests.deploy.prometheus_rule` writes the file anew.
"""

from __future__ import annotations

from tests.deploy.documents import KUBERNETES
from tests.deploy.promtool import RULES

FILE = KUBERNETES / "components" / "prometheus-operator" / "rules.yaml"
HEAD = """# For the Prometheus operator: the rules of deploy/prometheus/rules, word for word, as a test sees to.
# To write it anew after a change there: .venv/bin/python -m tests.deploy.prometheus_rule
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: pressrun
spec:
  groups:
"""


def written() -> str:
    groups = "".join(path.read_text().split("groups:\n", 1)[1] for path in RULES)
    return HEAD + "".join(f"  {line}\n" if line else "\n" for line in groups.splitlines())


if __name__ == "__main__":
    FILE.write_text(written())
