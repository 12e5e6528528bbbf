/** What must not compile, and what must: tsc judges it when the tests are built. */
import assert from "node:assert/strict";
import { test } from "node:test";

import type { BulkCreate, BulkJob, BulkPage, components, JobStatus, operations, PressrunError } from "pressrun-client";

import { json, Service } from "./stand_ins.js";

type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;

test("a bulk is one of items or of formats, and nothing in between", () => {
  const right: BulkCreate[] = [
    { mode: "topic", items: [{ topic: "tea", word_count: 300, own_field: true }] },
    { mode: "spin", items: [], priority: 70, budget: { cost: 3 }, deadline: null },
    { pipeline: "formats", source: { url: "https://example.com/a" }, templates: ["post", { template: "thread" }] },
  ];
  // @ts-expect-error: without items
  const withoutItems: BulkCreate = { mode: "topic" };
  // @ts-expect-error: no such mode
  const ofNoMode: BulkCreate = { mode: "topics", items: [] };
  // @ts-expect-error: no such field
  const withMore: BulkCreate = { mode: "topic", items: [], colour: "red" };
  assert.equal([...right, withoutItems, ofNoMode, withMore].length, 6);
});

test("what an answer has is there, and words are words", () => {
  const status: Same<BulkJob["status"], "queued" | "processing" | "paused" | "completed" | "cancelled"> = true;
  const completed: Same<BulkJob["completed_at"], string | null> = true;
  const cursor: Same<BulkPage["next_cursor"], string | null> = true;
  const job: Same<components["schemas"]["JobStatus"], JobStatus> = true;
  const refusal: Same<
    operations["getBulk"]["responses"][404]["content"]["application/json"]["error"],
    PressrunError["message"]
  > = true;
  assert([status, completed, cursor, job, refusal].every(Boolean));
});

test("results are an object, or a file, as the format says", async () => {
  const client = new Service(json({ bulk_job_id: "b", results: [] })).client();
  const object = await client.results("b");
  const file = await client.results("b", "csv");
  const told: Same<typeof object, { bulk_job_id: string; results: typeof object.results }> = true;
  assert(told && file instanceof File);
  assert.deepEqual(object.results, []);
  assert.equal(file.name, "b.csv");
});
