// Agenda beside Pressrun: node agenda.mjs URI DATABASE SLOTS JOBS GENERATOR_URL. Prints the seconds from the worker
// being ready to the last job's end. A job is one call of the generator; nothing of its answer is stored.
import { Agenda } from "agenda";
import { MongoBackend } from "@agendajs/mongo-backend";
import { MongoClient } from "mongodb";

const [uri, database, slots, jobs, generator] = process.argv.slice(2);
const client = await new MongoClient(uri).connect();
const agenda = new Agenda({
  backend: new MongoBackend({ mongo: client.db(database) }),
  processEvery: 100,
  maxConcurrency: Number(slots),
  defaultConcurrency: Number(slots),
});
agenda.define("article", async (job) => {
  const answer = await fetch(`${generator}/api/content/generate/topic`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ topic: job.attrs.data.topic, job_id: String(job.attrs.data.number) }),
  });
  if (!(await answer.json()).success) throw new Error("no article");
});

let ended = 0;
const all = new Promise((resolve, reject) => {
  agenda.on("success", () => ++ended === Number(jobs) && resolve());
  agenda.on("fail", reject);
});
await agenda.ready;
await Promise.all(
  Array.from({ length: Number(jobs) }, (_, number) => agenda.now("article", { topic: `Boots ${number}`, number })),
);
const began = performance.now();
await agenda.start();
await all;
console.log((performance.now() - began) / 1000);
await agenda.stop();
await client.close();
process.exit(0);
