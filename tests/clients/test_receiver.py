"""The receiver of webhooks that the guide shows in TypeScript, compiled strictly, and run on what libraries signed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.packages import ROOT, node, run
from tests.docs.blocks import shown

VECTORS = ROOT / "tests" / "data" / "webhook_signatures.json"
JUDGE = """
import { readFileSync } from "node:fs";
import { verified } from "./dist/receiver.js";

const { vectors } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const verdict = (secret, body, headers, now) => {
  try { verified(secret, body, new Headers(headers), now); return true; } catch { return false; }
};
console.log(JSON.stringify(vectors.map(({ secret, payload, headers }) => {
  const at = Number(headers["webhook-timestamp"]);
  return [
    verdict(secret, payload, headers, at),
    verdict(secret, payload + " ", headers, at),
    verdict("whsec_" + "QUJD".repeat(8), payload, headers, at),
    verdict(secret, payload, headers, at + 301),
  ];
})));
"""


def test_it_takes_what_was_signed_and_nothing_else(typescript_client: Path) -> None:
    folder = typescript_client / "build" / "receiver"
    folder.mkdir(exist_ok=True)
    (code,) = shown("docs/webhooks.md", "ts")
    (folder / "receiver.ts").write_text(code)
    (folder / "judge.js").write_text(JUDGE)
    options = {"types": ["node"], "rootDir": ".", "outDir": "dist", "skipLibCheck": True, "declaration": False}
    config = {"extends": "../../tsconfig.json", "compilerOptions": options, "include": ["receiver.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    run("npx", "tsc", "-p", str(folder), folder=typescript_client)
    verdicts = json.loads(run(node(), str(folder / "judge.js"), str(VECTORS)))
    assert verdicts
    assert [verdict for verdict in verdicts if verdict != [True, False, False, False]] == []
