/** The jobs of a bulk beyond its first page, as far as there are any. What is done with them is not known here. */
import { answer, type Api } from "./calls.js";
import { PressrunError } from "./errors.js";
import type { HeldBulk } from "./held_bulk.js";
import type { BulkDetail } from "./schema.js";
import { type Backoff, backoffMs, sleep } from "./waiting.js";

const BACKOFF: Backoff = { firstMs: 1_000, mostMs: 30_000 };

/** Puts page after page into `held`, from the one after `cursor` on. Throws what will not pass, and the signal's reason. */
export async function* allPages(
  api: Api,
  bulkId: string,
  cursor: string,
  held: HeldBulk,
  signal: AbortSignal,
): AsyncGenerator<void> {
  let failures = 0;
  for (let next: string | null = cursor; next !== null; ) {
    const { told } = held;
    const params = { path: { bulk_id: bulkId }, query: { jobs_cursor: Number(next) } };
    try {
      const page: BulkDetail = await answer(api.GET("/api/bulk-generate/{bulk_id}", { params, signal }), signal);
      held.page(page, told);
      next = page.jobs_next_cursor;
      failures = 0;
    } catch (error) {
      if (!(error instanceof PressrunError) || error.isFinal) throw error;
      await sleep(Math.max((error.retryAfter ?? 0) * 1000, backoffMs(failures++, BACKOFF)), signal);
      continue;
    }
    yield;
  }
}
