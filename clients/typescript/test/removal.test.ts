import assert from "node:assert/strict";
import { test } from "node:test";

import { PressrunError } from "pressrun-client";

import { BULK_ID, json, refusal, Service } from "./stand_ins.js";

const REMOVED = { success: true, message: "Bulk job removed" };

test("a bulk is removed by its id, once", async () => {
  const service = new Service(json(REMOVED));
  assert.deepEqual(await service.client().remove(BULK_ID), REMOVED);
  assert.deepEqual(
    service.asked.map(({ method, url }) => [method, url]),
    [["DELETE", `http://pressrun.test/api/bulk-generate/${BULK_ID}`]],
  );
});

test("a bulk that has not ended is not removed, and the refusal says why", async () => {
  const sentence = "A bulk job that is queued cannot be deleted: cancel it first.";
  const service = new Service(refusal(409, sentence));
  await assert.rejects(service.client().remove(BULK_ID), (error) => {
    assert(error instanceof PressrunError);
    assert.deepEqual([error.status, error.message], [409, sentence]);
    return true;
  });
  assert.equal(service.asked.length, 1);
});
