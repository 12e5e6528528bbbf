// BullMQ on Redis, for reference: node bullmq.mjs PORT SLOTS JOBS GENERATOR_URL. Prints the seconds from the worker
// being ready to the last job's end. A job is one call of the generator; its answer is the job's result.
import { Queue, Worker } from "bullmq";

const [port, slots, jobs, generator] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue("article", { connection });
const waiting = Array.from({ length: Number(jobs) }, (_, number) => ({
  name: "article",
  data: { topic: `Boots ${number}`, number },
}));
await queue.addBulk(waiting);

async function write(job) {
  const answer = await fetch(`${generator}/api/content/generate/topic`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ topic: job.data.topic, job_id: String(job.data.number) }),
  });
  return (await answer.json()).content;
}

const worker = new Worker("article", write, { connection, concurrency: Number(slots), autorun: false });
let ended = 0;
const all = new Promise((resolve, reject) => {
  worker.on("completed", () => ++ended === Number(jobs) && resolve());
  worker.on("failed", (_, error) => reject(error));
});
await worker.waitUntilReady();
const began = performance.now();
worker.run();
await all;
console.log((performance.now() - began) / 1000);
process.exit(0);
