/** How a call fails: every way as one kind of error. No call is made here. */
import type { ErrorBody, ErrorDetail } from "./schema.js";

const LONGEST_TEXT = 200;

interface Facts {
  readonly details?: readonly ErrorDetail[];
  readonly retryAfter?: number | null;
  readonly fromPressrun?: boolean;
  readonly cause?: unknown;
}

/** A refusal, with Pressrun's sentence as its message; or what stood in its place. */
export class PressrunError extends Error {
  override readonly name = "PressrunError";
  /** Of HTTP; 0 where no answer came. */
  readonly status: number;
  /** What is wrong with which field, of a 400. */
  readonly details: readonly ErrorDetail[];
  /** In seconds: when a repeat may succeed, where the answer says so. */
  readonly retryAfter: number | null;
  /** False where a proxy in front of Pressrun has answered, or nobody. */
  readonly fromPressrun: boolean;

  constructor(status: number, message: string, facts: Facts = {}) {
    super(message, { cause: facts.cause });
    this.status = status;
    this.details = facts.details ?? [];
    this.retryAfter = facts.retryAfter ?? null;
    this.fromPressrun = facts.fromPressrun ?? false;
  }

  /** Whether the same call would fail again: what is wrong with it, or with who makes it, will not pass by itself. */
  get isFinal(): boolean {
    return this.status >= 400 && this.status < 500 && ![408, 425, 429].includes(this.status);
  }
}

/** Of an answer that is no success, whoever has given it. */
export async function errorOf(response: Response): Promise<PressrunError> {
  const text = await response.text().catch(() => "");
  const retryAfter = secondsUntil(response.headers.get("retry-after"));
  const body = errorBody(text);
  if (body) {
    return new PressrunError(response.status, body.error, {
      details: body.details ?? [],
      retryAfter,
      fromPressrun: true,
    });
  }
  const isShown = text.trim() && !text.trimStart().startsWith("<");
  const message = isShown ? text.trim().slice(0, LONGEST_TEXT) : `The answer was ${response.status}, without a word.`;
  return new PressrunError(response.status, message, { retryAfter });
}

/** Of what was thrown where no answer could be read. What a caller's own signal threw stays as it is. */
export function thrownBy(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof PressrunError || signal?.aborted) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PressrunError(0, `No answer came: ${reason}`, { cause: error });
}

function errorBody(text: string): ErrorBody | null {
  try {
    const body: unknown = JSON.parse(text);
    const isOurs = typeof body === "object" && body !== null && "error" in body && typeof body.error === "string";
    return isOurs ? (body as ErrorBody) : null;
  } catch {
    return null;
  }
}

/** `Retry-After` has seconds, or a date. */
function secondsUntil(header: string | null): number | null {
  if (!header) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
