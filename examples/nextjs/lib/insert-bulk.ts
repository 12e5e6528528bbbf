import { type Db, ObjectId } from "mongodb";

export interface Item {
  topic: string;
  word_count?: number;
  tone?: string;
}

/** Stores a bulk without asking Pressrun, which takes it in once all `total_items` jobs are there. */
export async function insertBulk(db: Db, userId: ObjectId, name: string, items: readonly Item[]): Promise<ObjectId> {
  const bulk = { _id: new ObjectId(), userId, mode: "topic", status: "queued", created_at: new Date() };
  const jobs = items.map((item, index) => ({
    ...item,
    bulk_job_id: bulk._id,
    userId,
    mode: bulk.mode,
    status: "queued",
    queue_position: index + 1,
    created_at: bulk.created_at,
  }));
  await db.collection("bulk_jobs").insertOne({ ...bulk, name, total_items: items.length });
  await db.collection("generation_jobs").insertMany(jobs);
  return bulk._id;
}
