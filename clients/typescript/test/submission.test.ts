import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { PressrunError } from "pressrun-client";

import { BULK_ID, json, nextsOwn500, NO_CONNECTION, refusal, Service, settled, TOPICS, until } from "./stand_ins.js";

const CREATED = { success: true, bulk_job_id: BULK_ID, total_items: 10, message: "Bulk generation queued" };

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

function keys({ asked }: Service): (string | null)[] {
  return asked.map((request) => request.headers.get("idempotency-key"));
}

for (const [name, reply] of [
  ["no answer", NO_CONNECTION],
  ["Next.js's own 500", nextsOwn500()],
  ["a 502 of a proxy", new Response("", { status: 502 })],
  ["a database that is away", refusal(503, "The database does not answer: try again.")],
  ["too many at once", refusal(429, "Too many.")],
  ["the first request still running", refusal(409, "It still runs.", { "retry-after": "1" })],
] as const) {
  test(`after ${name} a submission is repeated under the same key`, async () => {
    const service = new Service(reply, json(CREATED));
    const submitting = service.client().submit(TOPICS);
    await until(() => service.asked.length === 1);
    await settled();
    mock.timers.tick(1_000);
    assert.deepEqual(await submitting, CREATED);
    const [first, second] = keys(service);
    assert.match(first ?? "", /^[0-9a-f]{32}$/);
    assert.equal(second, first);
    assert.deepEqual(await service.asked[1]!.json(), TOPICS);
  });
}

for (const [name, reply] of [
  ["a request that is wrong", refusal(400, "No.")],
  ["one that is not signed in", refusal(401, "Unauthorized")],
  ["a conflict", refusal(409, "No.")],
  ["Pressrun's own fault", refusal(500, "Something went wrong here; it was noted.")],
  ["what asks for a long wait", refusal(429, "Too many.", { "retry-after": "31" })],
] as const) {
  test(`${name} is not repeated`, async () => {
    const service = new Service(reply);
    await assert.rejects(service.client().submit(TOPICS), PressrunError);
    assert.equal(service.asked.length, 1);
  });
}

test("a file is submitted under one key too, and sent whole each time", async () => {
  const service = new Service(NO_CONNECTION, json(CREATED));
  const file = new File(["Title\ntea\n"], "teas.csv");
  const settings = { name: "Teas", delay_seconds: 0 };
  const submitting = service.client().submitFile(file, { mode: "topic", columns: { topic: "Title" }, settings });
  await until(() => service.asked.length === 1);
  await settled();
  mock.timers.tick(1_000);
  assert.deepEqual(await submitting, CREATED);
  const [first, second] = keys(service);
  assert.equal(second, first);
  for (const asked of service.asked) {
    const form = await asked.formData();
    assert.deepEqual([form.get("mode"), form.get("submit")], ["topic", "true"]);
    assert.deepEqual(JSON.parse(String(form.get("columns"))), { topic: "Title" });
    assert.deepEqual(JSON.parse(String(form.get("settings"))), settings);
    assert.equal(await (form.get("file") as File).text(), "Title\ntea\n");
  }
});

test("each submission has a key of its own", async () => {
  const service = new Service(json(CREATED));
  const client = service.client();
  await client.submit(TOPICS);
  await client.submit(TOPICS);
  const [first, second] = keys(service);
  assert.notEqual(first, second);
});

test("a caller's own key is used", async () => {
  const service = new Service(json(CREATED));
  await service.client().submit(TOPICS, { idempotencyKey: "order 7" });
  assert.deepEqual(keys(service), ["order 7"]);
});

test("it is repeated no sooner than the answer allows", async () => {
  const service = new Service(refusal(429, "Too many.", { "retry-after": "20" }), json(CREATED));
  const submitting = service.client().submit(TOPICS);
  await until(() => service.asked.length === 1);
  await settled();
  mock.timers.tick(19_999);
  await settled();
  assert.equal(service.asked.length, 1);
  mock.timers.tick(1);
  assert.deepEqual(await submitting, CREATED);
});

test("after five tries the last refusal is the caller's", async () => {
  const service = new Service(NO_CONNECTION, nextsOwn500(), NO_CONNECTION, NO_CONNECTION, refusal(503, "The last."));
  const submitting = assert.rejects(service.client().submit(TOPICS), { message: "The last.", status: 503 });
  for (let tries = 1; tries <= 4; tries++) {
    await until(() => service.asked.length === tries);
    await settled();
    mock.timers.tick(8_000);
  }
  await submitting;
  assert.equal(service.asked.length, 5);
});

test("a signal ends the waiting too", async () => {
  const service = new Service(NO_CONNECTION);
  const stopping = new AbortController();
  const submitting = service.client().submit(TOPICS, { signal: stopping.signal });
  await until(() => service.asked.length === 1);
  await settled();
  const reason = new Error("the page is gone");
  stopping.abort(reason);
  await assert.rejects(submitting, (error) => error === reason);
});
