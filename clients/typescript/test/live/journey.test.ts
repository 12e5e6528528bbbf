import assert from "node:assert/strict";
import { test } from "node:test";

import { hasEnded, PressrunError } from "pressrun-client";

import { bulk, clientWith, pressrun, stranger, watched } from "./deployed.js";

const AN_HOUR = 3_600;

async function refused(call: Promise<unknown>): Promise<PressrunError> {
  const error: unknown = await call.then(
    () => assert.fail("it was not refused"),
    (reason: unknown) => reason,
  );
  assert(error instanceof PressrunError, String(error));
  return error;
}

test("a bulk is submitted once, however often its submission is sent", async () => {
  const body = bulk({ delay_seconds: AN_HOUR });
  const options = { idempotencyKey: `key of ${JSON.stringify(body).length} ${Date.now()}` };
  const first = await pressrun.submit(body, options);
  assert.deepEqual(await pressrun.submit(body, options), first);
  const error = await refused(pressrun.submit(bulk(), options));
  assert.equal(error.status, 409);
  const another = await pressrun.submit(body);
  assert.notEqual(another.bulk_job_id, first.bulk_job_id);
  for (const { bulk_job_id } of [first, another]) await pressrun.cancel(bulk_job_id);
});

test("a bulk is tried, submitted, changed, listed, paused, resumed and cancelled", async () => {
  const body = bulk({ delay_seconds: AN_HOUR, name: "Journey" });
  assert.equal((await pressrun.validate(body)).valid, true);
  const { bulk_job_id: id, total_items } = await pressrun.submit(body);
  assert.equal(total_items, 10);
  assert.equal((await pressrun.change(id, { name: "Voyage" })).bulk_job.name, "Voyage");
  const { bulk_jobs } = await pressrun.list({ q: "voyage", status: ["queued", "processing"] });
  assert.deepEqual(bulk_jobs.map(({ _id }) => _id), [id]);
  assert.equal((await pressrun.pause(id, { mode: "abort", reason: "lunch" })).message, "Bulk job paused");
  const paused = await pressrun.get(id, { jobs_status: ["queued", "completed"] });
  assert.equal(paused.bulk_job.status, "paused");
  assert.equal(paused.bulk_job.pause?.reason, "lunch");
  assert.equal(paused.progress.waiting?.code, "paused");
  const { jobs } = await pressrun.get(id, { jobs_cursor: 2 ** 31 }); // so a watch asks why its stream was closed
  assert.deepEqual(jobs, []);
  assert.equal((await pressrun.resume(id)).message, "Bulk job resumed");
  assert.equal((await pressrun.cancel(id)).message, "Bulk job cancelled");
  const ended = await watched(id, hasEnded);
  assert.equal(ended.bulk_job.status, "cancelled");
});

test("a bulk is watched to its end, its failed jobs sent back, and its results fetched in each format", async () => {
  const { bulk_job_id: id } = await pressrun.submit(bulk({ broken: 2, delay_seconds: 0 }));
  const first = await watched(id, hasEnded);
  assert.equal(first.progress.failed, 2);
  assert.equal((await pressrun.retry(id)).retried, 2);
  const seen: number[] = [];
  const onChange = ({ progress }: { progress: { completed: number } }) => seen.push(progress.completed);
  const done = await watched(id, (state) => hasEnded(state) && state.progress.failed === 0, { onChange });
  assert.deepEqual(seen, seen.toSorted((one, other) => one - other));
  assert.deepEqual(done.jobs.map(({ queue_position }) => queue_position), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);

  const { bulk_job_id, results } = await pressrun.results(id);
  assert.equal(bulk_job_id, id);
  assert.match(String(results[0]?.content), /^An article on broken/);
  const lines = (await (await pressrun.results(id, "jsonl")).text()).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line) as unknown), results);
  const table = await pressrun.results(id, "csv");
  assert.match(table.name, /^bulk-[0-9a-f]{6}\.csv$/);
  assert.equal((await table.text()).trimEnd().split("\n").length, 11);
  const archive = await pressrun.results(id, "zip");
  assert.equal(archive.type, "application/zip");
  assert.equal(new TextDecoder().decode((await archive.arrayBuffer()).slice(0, 2)), "PK");
  assert.equal((await refused(pressrun.cancel(id))).status, 409);
});

test("a file is looked at, submitted once, and told row by row what is wrong with it", async () => {
  const rows = Array.from({ length: 10 }, (_, number) => `Tea ${number},300`);
  const file = new File([["Title,Words", ...rows].join("\n")], "teas.csv", { type: "text/csv" });
  const form = { mode: "topic", columns: { topic: "Title", word_count: "Words" } } as const;
  const read = await pressrun.validateFile(file, form);
  assert.deepEqual([read.valid, read.total_items, read.format], [true, 10, "csv"]);
  const settings = { name: "Teas", pipeline: "plain", delay_seconds: AN_HOUR };
  const idempotencyKey = `teas ${Date.now()}`;
  const first = await pressrun.submitFile(file, { ...form, settings }, { idempotencyKey });
  assert.deepEqual(await pressrun.submitFile(file, { ...form, settings }, { idempotencyKey }), first);
  await pressrun.cancel(first.bulk_job_id);
  const wrong = await pressrun.validateFile(new File(["Title,Words\ntea,many\n"], "wrong.csv"), form);
  assert.equal(wrong.valid, false);
  assert(wrong.errors.some(({ path, row }) => path === "items.0.word_count" && row === 2), JSON.stringify(wrong.errors));
});

test("what is wrong with a request is told field by field", async () => {
  const body = { ...bulk(), priority: 101 };
  const error = await refused(pressrun.submit(body));
  assert.equal(error.status, 400);
  assert.deepEqual(error.details.map(({ path }) => path), ["priority"]);
});

test("somebody else's bulk is not there, also to watch", async () => {
  const { bulk_job_id: id } = await pressrun.submit(bulk({ delay_seconds: AN_HOUR }));
  for (const call of [() => stranger.get(id), () => stranger.results(id, "zip"), () => stranger.pause(id)]) {
    assert.equal((await refused(call())).status, 404);
  }
  const watching = new Promise((_, onError) => stranger.watch(id, { onChange: () => {}, onError }));
  assert.equal((await refused(watching)).status, 404);
  await pressrun.cancel(id);
});

test("nobody is told nothing, also on a stream", async () => {
  const nobody = clientWith("pressrun_no_key_at_all");
  const error = await refused(nobody.list());
  assert.deepEqual([error.status, error.message], [401, "Unauthorized"]);
  const id = "6b027bdfe484bda5c9f5777d";
  const watching = new Promise((_, onError) => nobody.watch(id, { onChange: () => {}, onError }));
  assert.equal((await refused(watching)).status, 401);
});

test("every other route is there too, typed", async () => {
  const { data, error } = await pressrun.api.GET("/api/pipelines");
  assert.equal(error, undefined);
  assert(data.pipelines.some(({ name }) => name === "article"));
  const { pending } = await pressrun.call((api) => api.GET("/api/queue"));
  assert.equal(typeof pending, "number");
});
