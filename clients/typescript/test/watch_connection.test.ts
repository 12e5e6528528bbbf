import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { createPressrun } from "pressrun-client";

import { bulkUpdate, detail, row, rowUpdate, snapshot } from "./bulks.js";
import { BULK_ID, json, nextsOwn500, NO_CONNECTION, refusal, Service, settled, until } from "./stand_ins.js";
import { Watched } from "./watching.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("the stream is the bulk's own", () => {
  const watched = new Watched();
  assert.equal(watched.stream.url, `http://pressrun.test/api/bulk-generate/${BULK_ID}/events`);
});

test("a stream that comes back by itself is left alone", async () => {
  const watched = new Watched();
  watched.tell(["open", undefined], ["snapshot", snapshot()]);
  watched.stream.fail({ forGood: false });
  mock.timers.tick(10_000);
  await settled();
  watched.tell(["open", undefined], ["bulk", bulkUpdate(11, { name: "n" })]);
  assert.equal(watched.streams.opened.length, 1);
  assert.equal(watched.last.bulk_job.name, "n");
  assert.deepEqual(watched.connections, [true, false, true]);
});

for (const [name, reply] of [
  ["Pressrun is there, but gives no stream", json(detail())],
  ["Next.js cannot reach Pressrun", nextsOwn500()],
  ["nobody answers", NO_CONNECTION],
  ["the database is away", refusal(503, "The database does not answer: try again.")],
  ["there are too many streams", refusal(429, "Too many.")],
] as const) {
  test(`a stream that was closed for good is opened anew where ${name}`, async () => {
    const watched = new Watched({}, new Service(reply));
    watched.tell(["snapshot", snapshot()]);
    await watched.cut(1_000);
    assert.equal(watched.streams.opened.length, 2);
    watched.tell(["snapshot", snapshot({ jobs: [row(1), row(2, { status: "completed" })] })]);
    assert.equal(watched.last.jobs[1]?.status, "completed");
    assert.deepEqual(watched.connections, [true, false, true]);
    assert.deepEqual(watched.errors, []);
  });
}

test("each failure is waited for longer, half a minute at most, and a message begins anew", async () => {
  const watched = new Watched({}, new Service(NO_CONNECTION));
  for (const most of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const before = watched.streams.opened.length;
    await watched.cut(most / 2 - 1);
    assert.equal(watched.streams.opened.length, before, `sooner than half of ${most}`);
    mock.timers.tick(most / 2 + 1);
    await settled();
    assert.equal(watched.streams.opened.length, before + 1, `later than ${most}`);
  }
  watched.tell(["snapshot", snapshot()]);
  await watched.cut(1_000);
  assert.equal(watched.streams.opened.length, 9);
});

for (const [random, ms] of [
  [0, 1_000],
  [0.5, 750],
] as const) {
  test(`where chance says ${random}, it is opened anew after ${ms} ms`, async (context) => {
    context.mock.method(Math, "random", () => random);
    const watched = new Watched({}, new Service(NO_CONNECTION));
    await watched.cut(ms - 1);
    assert.equal(watched.streams.opened.length, 1);
    mock.timers.tick(1);
    await settled();
    assert.equal(watched.streams.opened.length, 2);
  });
}

test("it is opened no sooner than Retry-After allows", async () => {
  const watched = new Watched({}, new Service(refusal(429, "Too many.", { "retry-after": "20" })));
  await watched.cut(19_999);
  assert.equal(watched.streams.opened.length, 1);
  mock.timers.tick(1);
  await settled();
  assert.equal(watched.streams.opened.length, 2);
});

for (const [status, sentence] of [
  [401, "Unauthorized"],
  [403, "A page of another site may not look."],
  [404, "There is no such bulk job."],
] as const) {
  test(`a ${status} ends the watch with an error`, async () => {
    const watched = new Watched({}, new Service(refusal(status, sentence)));
    watched.tell(["snapshot", snapshot()]);
    await watched.cut(60_000);
    assert.deepEqual(
      watched.errors.map((error) => [error.status, error.message]),
      [[status, sentence]],
    );
    mock.timers.tick(600_000);
    assert.equal(watched.streams.opened.length, 1);
  });
}

test("a stream that is silent for two minutes is opened anew", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()]);
  mock.timers.tick(100_000);
  watched.tell(["bulk", bulkUpdate(11)]);
  mock.timers.tick(100_000);
  assert.equal(watched.streams.opened.length, 1);
  mock.timers.tick(20_000);
  assert.equal(watched.streams.opened.length, 2);
  assert.equal(watched.streams.opened[0]?.readyState, 2);
});

test("once stopped nothing is told, asked or opened any more", async () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()]);
  watched.stream.tell("bulk", bulkUpdate(11));
  watched.stop();
  watched.tell(["bulk", bulkUpdate(12)]);
  watched.stream.fail({ forGood: true });
  await settled();
  mock.timers.tick(600_000);
  assert.equal(watched.states.length, 1);
  assert.equal(watched.service.asked.length, 0);
  assert.equal(watched.streams.opened.length, 1);
  assert.equal(watched.stream.readyState, 2);
});

test("a signal stops it, also while it waits to open the stream anew", async () => {
  const stopping = new AbortController();
  const watched = new Watched({ signal: stopping.signal }, new Service(NO_CONNECTION));
  watched.stream.fail({ forGood: true });
  await until(() => watched.service.asked.length === 1);
  await settled();
  stopping.abort();
  mock.timers.tick(600_000);
  await settled();
  assert.equal(watched.streams.opened.length, 1);
  assert.deepEqual(watched.errors, []);
});

test("with a signal that is aborted already nothing is opened", () => {
  assert.equal(new Watched({ signal: AbortSignal.abort() }).streams.opened.length, 0);
});

test("with untilEnded it ends once nothing of the bulk runs or waits, and not before", () => {
  const watched = new Watched({ untilEnded: true });
  const over = { completed: 1, cancelled: 1, remaining: 0, percentage: 50 };
  watched.tell(["snapshot", snapshot()]);
  watched.tell(["bulk", bulkUpdate(11, { status: "cancelled" }, { running: 1, remaining: 1 })]);
  watched.tell(["job", rowUpdate(3, 1, { status: "completed" })], ["bulk", bulkUpdate(12, { status: "cancelled" }, over)]);
  assert.equal(watched.stream.readyState, 0);
  watched.tell(["job", rowUpdate(4, 2, { status: "cancelled" })]);
  assert.equal(watched.stream.readyState, 2);
  assert.deepEqual(watched.last.jobs.map(({ status }) => status), ["completed", "cancelled"]);
});

test("with untilEnded a long bulk of which only the rows that are held have ended goes on", () => {
  const watched = new Watched({ untilEnded: true });
  const jobs = [row(1, { status: "completed" }), row(2, { status: "cancelled" })];
  watched.tell(["snapshot", snapshot({ jobs, jobs_next_cursor: "2" })]);
  watched.tell(["bulk", bulkUpdate(11, { status: "cancelled" }, { running: 1, remaining: 1 })]);
  assert.equal(watched.stream.readyState, 0);
});

test("without untilEnded it stays, for a retry may begin the bulk again", () => {
  const watched = new Watched();
  const jobs = [row(1, { status: "completed" }), row(2, { status: "failed" })];
  watched.tell(["snapshot", snapshot({ jobs })], ["bulk", bulkUpdate(11, { status: "completed" }, { remaining: 0 })]);
  assert.equal(watched.stream.readyState, 0);
  watched.tell(["bulk", bulkUpdate(12)], ["job", rowUpdate(9, 2)]);
  assert.equal(watched.last.jobs[1]?.status, "queued");
});

test("where there is no EventSource, that is said at once", { skip: "EventSource" in globalThis }, () => {
  assert.throws(() => createPressrun().watch(BULK_ID, { onChange: () => {} }), /give createPressrun an `eventSource`/);
});
