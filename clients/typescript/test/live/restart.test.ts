import assert from "node:assert/strict";
import { test } from "node:test";

import { hasEnded } from "pressrun-client";

import { bulk, pressrun, watched } from "./deployed.js";

test("a watch goes on over a restart of the service", async () => {
  const { bulk_job_id: id } = await pressrun.submit(bulk({ delay_seconds: 0 }));
  const connections: boolean[] = [];
  let snapshots = 0;
  const done = await watched(id, hasEnded, {
    onConnection: (isOpen) => connections.push(isOpen),
    onChange: () => {
      if (snapshots++ === 0) console.log("watching"); // now the service is killed, and started again with a worker
    },
  });
  assert.deepEqual(done.jobs.map(({ queue_position, status }) => [queue_position, status]), [
    ...Array.from({ length: 10 }, (_, place) => [place + 1, "completed"]),
  ]);
  assert.equal(done.bulk_job.status, "completed");
  assert.deepEqual(connections.slice(0, 3), [true, false, true]);
});
