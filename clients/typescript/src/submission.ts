/** Submitting once, however often it has to be sent. What is submitted is not known here. */
import type { CallOptions } from "./calls.js";
import { PressrunError } from "./errors.js";
import { type Backoff, backoffMs, sleep } from "./waiting.js";

const MOST_TRIES = 5;
const BACKOFF: Backoff = { firstMs: 500, mostMs: 8_000 };
const LONGEST_WAIT_SECONDS = 30;

export interface SubmitOptions extends CallOptions {
  /** A key of one's own, so that a repeat after a reload is known as one too; kept by Pressrun for 24 hours. */
  readonly idempotencyKey?: string | undefined;
}

/** Sent as parameters of each try. */
export interface KeyHeader {
  readonly header: { readonly "Idempotency-Key": string };
}

export async function submitOnce<T>(send: (params: KeyHeader) => Promise<T>, options: SubmitOptions): Promise<T> {
  const { signal, idempotencyKey = newKey() } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await send({ header: { "Idempotency-Key": idempotencyKey } });
    } catch (error) {
      if (!(error instanceof PressrunError) || tries === MOST_TRIES || !mayHelp(error)) throw error;
      await sleep(Math.max((error.retryAfter ?? 0) * 1000, backoffMs(tries - 1, BACKOFF)), signal);
    }
  }
}

/** Whether the same request may be taken next time: it has not arrived, nobody has said what became of it, or not now. */
function mayHelp({ status, fromPressrun, retryAfter }: PressrunError): boolean {
  if (retryAfter !== null && retryAfter > LONGEST_WAIT_SECONDS) return false;
  if ([0, 429, 502, 503, 504].includes(status)) return true;
  if (status === 409) return retryAfter !== null; // the first request with this key still runs
  return status === 500 && !fromPressrun; // Next.js says so where it could not reach Pressrun
}

/** Pages that are not served over https have no `randomUUID`. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
