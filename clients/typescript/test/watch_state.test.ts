import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { bulkUpdate, detail, row, rowUpdate, snapshot } from "./bulks.js";
import { json, refusal, Service, settled, until } from "./stand_ins.js";
import { Watched } from "./watching.js";

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("the snapshot is the first state", () => {
  const watched = new Watched();
  assert.equal(watched.states.length, 0);
  watched.tell(["snapshot", snapshot()]);
  assert.equal(watched.states.length, 1);
  assert.deepEqual(watched.last, detail());
});

test("many messages of one tick are told as one", () => {
  const watched = new Watched();
  watched.tell(
    ["snapshot", snapshot()],
    ["job", rowUpdate(3, 1, { status: "processing" })],
    ["bulk", bulkUpdate(11, {}, { running: 1 })],
  );
  assert.equal(watched.states.length, 1);
  assert.deepEqual(watched.last.jobs.map(({ status }) => status), ["processing", "queued"]);
  assert.equal(watched.last.progress.running, 1);
});

test("a row that changes keeps its place, and stands there once", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()], ["job", rowUpdate(3, 2, { status: "processing" })]);
  watched.tell(["job", rowUpdate(4, 2, { status: "completed" })], ["job", rowUpdate(3, 1, { status: "failed" })]);
  assert.deepEqual(watched.last.jobs.map(({ id, status }) => [id, status]), [
    ["job-1", "failed"],
    ["job-2", "completed"],
  ]);
});

test("an older revision changes nothing, the same one may", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()], ["job", rowUpdate(5, 1, { percentage: 50 })]);
  watched.tell(["job", rowUpdate(4, 1, { percentage: 10 })], ["bulk", bulkUpdate(9, { name: "old" })]);
  assert.equal(watched.last.jobs[0]?.percentage, 50);
  assert.equal(watched.last.bulk_job.name, null);
  watched.tell(["job", rowUpdate(5, 1, { percentage: 60 })], ["bulk", bulkUpdate(10, {}, { per_hour: 3 })]);
  assert.equal(watched.last.jobs[0]?.percentage, 60);
  assert.equal(watched.last.progress.per_hour, 3);
});

test("a later snapshot takes the place of all that was told", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()], ["job", rowUpdate(5, 1, { percentage: 50 })]);
  watched.tell(["snapshot", snapshot({ jobs: [row(2), row(1, { percentage: 70 })] })]);
  assert.deepEqual(watched.last.jobs.map(({ queue_position, percentage }) => [queue_position, percentage]), [
    [1, 70],
    [2, 0],
  ]);
});

test("states are new objects, and what has not changed in them is the same", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot()]);
  watched.tell(["bulk", bulkUpdate(11)]);
  const [before, after] = watched.states;
  assert.notEqual(before, after);
  assert.equal(before?.jobs, after?.jobs);
});

test("of a long bulk the first page is held, and jobs beyond it are not mixed in", () => {
  const watched = new Watched();
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })], ["job", rowUpdate(3, 9, { status: "processing" })]);
  assert.equal(watched.last.jobs.length, 2);
  assert.equal(watched.last.jobs_next_cursor, "2");
});

test("all jobs of a long bulk are fetched page after page, where that is wanted", async () => {
  const service = new Service(json(detail([row(3), row(4)], "4")), json(detail([row(5)])));
  const watched = new Watched({ allJobs: true }, service);
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => service.asked.length === 2);
  await settled();
  mock.timers.tick(0);
  assert.deepEqual(watched.last.jobs.map(({ queue_position }) => queue_position), [1, 2, 3, 4, 5]);
  assert.equal(watched.last.jobs_next_cursor, null);
  assert.deepEqual(
    service.asked.map(({ url }) => new URL(url).searchParams.get("jobs_cursor")),
    ["2", "4"],
  );
});

test("what the stream has told while a page was fetched is newer than the page", async () => {
  const arrived: (() => void)[] = [];
  const service = new Service(async () => {
    await new Promise<void>((resolve) => arrived.push(resolve));
    return json(detail([row(3, { percentage: 10 }), row(4, { percentage: 10 })]));
  });
  const watched = new Watched({ allJobs: true }, service);
  watched.tell(["job", rowUpdate(2, 4)], ["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => arrived.length === 1);
  watched.tell(["job", rowUpdate(3, 3, { percentage: 90 })]);
  assert.equal(watched.last.jobs.length, 2);
  arrived[0]!();
  await settled();
  mock.timers.tick(0);
  assert.deepEqual(watched.last.jobs.map(({ percentage }) => percentage), [0, 0, 90, 10]);
});

test("a page that is refused for now is fetched again", async () => {
  const service = new Service(json({ error: "No." }, 503), json(detail([row(3)])));
  const watched = new Watched({ allJobs: true }, service);
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => service.asked.length === 1);
  await settled();
  mock.timers.tick(1_000);
  await until(() => service.asked.length === 2);
  await settled();
  mock.timers.tick(0);
  assert.equal(watched.last.jobs.length, 3);
});

test("after a new snapshot of a long bulk no row goes while the pages are fetched anew", async () => {
  const service = new Service(json(detail([row(3)])), () => new Promise<Response>(() => {}));
  const watched = new Watched({ allJobs: true }, service);
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => service.asked.length === 1);
  await settled();
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => service.asked.length === 2);
  assert.equal(watched.last.jobs.length, 3);
  watched.stop();
});

test("a new snapshot ends the fetching of pages of the last one", async () => {
  const service = new Service(() => new Promise<Response>(() => {}));
  const signals: AbortSignal[] = [];
  const watched = new Watched({ allJobs: true }, service);
  service.onAsked = ({ signal }) => signals.push(signal);
  for (const count of [1, 2]) {
    watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
    await until(() => signals.length === count);
  }
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  watched.stop();
  assert.equal(signals[1]?.aborted, true);
});

test("a page that is refused for good is not asked for again", async () => {
  const service = new Service(refusal(404, "There is no such bulk job."));
  const watched = new Watched({ allJobs: true }, service);
  watched.tell(["snapshot", snapshot({ jobs_next_cursor: "2" })]);
  await until(() => service.asked.length === 1);
  await settled();
  mock.timers.tick(60_000);
  await settled();
  assert.equal(service.asked.length, 1);
  watched.stop();
});
