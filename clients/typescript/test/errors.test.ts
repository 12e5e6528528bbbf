import assert from "node:assert/strict";
import { test } from "node:test";

import { createPressrun, PressrunError } from "pressrun-client";

import { BULK_ID, json, nextsOwn500, NO_CONNECTION, Service } from "./stand_ins.js";

async function failed(call: Promise<unknown>): Promise<PressrunError> {
  const error: unknown = await call.then(
    () => assert.fail("it has not failed"),
    (reason: unknown) => reason,
  );
  assert(error instanceof PressrunError, String(error));
  return error;
}

function whereAnswered(response: Response): Promise<PressrunError> {
  return failed(new Service(response).client().get(BULK_ID));
}

test("a refusal is an error with its sentence, its details and when to come back", async () => {
  const details = [{ path: "items.3.topic", message: "is required" }];
  const error = await whereAnswered(json({ error: "No.", details }, 400, { "retry-after": "7" }));
  assert.equal(error.message, "No.");
  assert.equal(error.status, 400);
  assert.deepEqual(error.details, details);
  assert.equal(error.retryAfter, 7);
  assert.equal(error.fromPressrun, true);
  assert.equal(error.name, "PressrunError");
});

test("what Next.js says in the place of Pressrun is an error too", async () => {
  const error = await whereAnswered(nextsOwn500());
  assert.equal(error.message, "Internal Server Error");
  assert.equal(error.status, 500);
  assert.equal(error.fromPressrun, false);
});

test("an empty refusal says its status", async () => {
  const error = await whereAnswered(new Response(null, { status: 500, headers: { "content-length": "0" } }));
  assert.equal(error.message, "The answer was 500, without a word.");
});

test("a page of a proxy is not shown as the sentence", async () => {
  const error = await whereAnswered(new Response("<html>Bad gateway</html>", { status: 502 }));
  assert.equal(error.message, "The answer was 502, without a word.");
});

test("a page to sign in, answered with 200, is an error and no bulk", async () => {
  const page = new Response("<!doctype html>", { headers: { "content-type": "text/html; charset=utf-8" } });
  const error = await whereAnswered(page);
  assert.match(error.message, /^The answer is not JSON/);
  assert.equal(error.status, 200);
});

test("an empty success is an error, never undefined", async () => {
  const error = await whereAnswered(new Response(null, { headers: { "content-type": "application/json" } }));
  assert.equal(error.message, "The answer is empty.");
});

test("an answer that was cut off is an error", async () => {
  const error = await whereAnswered(new Response('{"bulk_jo', { headers: { "content-type": "application/json" } }));
  assert.equal(error.status, 0);
});

test("no connection is an error of status 0", async () => {
  const error = await failed(new Service(NO_CONNECTION).client().list());
  assert.equal(error.status, 0);
  assert.equal(error.message, "No answer came: fetch failed");
  assert.equal(error.cause, NO_CONNECTION);
});

test("without a page that it comes from, a client must be told where Pressrun is", async () => {
  const error = await failed(createPressrun().get(BULK_ID));
  assert.equal(error.status, 0);
  assert.match(error.message, /\/api\/bulk-generate/);
});

test("a Retry-After that is a date counts from now", async () => {
  const at = new Date(Date.now() + 60_000).toUTCString();
  const { retryAfter } = await whereAnswered(json({ error: "No." }, 503, { "retry-after": at }));
  assert(retryAfter !== null && retryAfter > 50 && retryAfter <= 60, String(retryAfter));
});

test("what the caller's own signal throws stays as it is", async () => {
  const reason = new Error("not wanted any more");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(new Service(json({})).client().list({}, { signal }), (error) => error === reason);
});

test("any other route throws as the methods do", async () => {
  const client = new Service(json({ error: "No." }, 403), json({ pipelines: [] })).client();
  const asked = () => client.call((api) => api.GET("/api/pipelines"));
  assert.equal((await failed(asked())).message, "No.");
  assert.deepEqual((await asked()).pipelines, []);
});

test("`api` gives a refusal as a value", async () => {
  const { api } = new Service(json({ error: "No." }, 409)).client();
  const { data, error } = await api.POST("/api/bulk-generate/{bulk_id}/resume", {
    params: { path: { bulk_id: BULK_ID } },
  });
  assert.equal(data, undefined);
  assert.equal(error?.error, "No.");
});
