/** A bulk watched over its live stream, for as long as anybody wants to know. How its state is held is not known here. */
import { answer, type Api } from "./calls.js";
import { PressrunError } from "./errors.js";
import { CLOSED, type EventSourceLike, type OpenEventSource } from "./event_source.js";
import { type BulkState, hasEnded, HeldBulk } from "./held_bulk.js";
import { allPages } from "./pages.js";
import type { BulkSnapshot, BulkUpdate, RowUpdate } from "./schema.js";
import { type Backoff, backoffMs, sleep } from "./waiting.js";

const BACKOFF: Backoff = { firstMs: 1_000, mostMs: 30_000 };
/** A stream that tells nothing for so long is opened anew: its heartbeats are not heard here, and it may be dead. */
const SILENCE_MS = 120_000;
/** Beyond every job: the bulk alone. */
const NO_ROWS = 2 ** 31;

export interface WatchOptions {
  /** Told the whole state, at most once a tick. */
  onChange(this: void, state: BulkState): void;
  /** Told once, and then nothing any more: the bulk is not there, or not the caller's, or nobody is signed in. */
  onError?(this: void, error: PressrunError): void;
  /** Told whether the stream is open: false while it is opened anew, which goes on without end. */
  onConnection?(this: void, isOpen: boolean): void;
  /** All jobs of a bulk that has more than 200, page after page. */
  readonly allJobs?: boolean;
  /** Ends by itself once nothing of the bulk runs or waits. Otherwise it stays: a retry may begin it again. */
  readonly untilEnded?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Streams {
  readonly api: Api;
  readonly baseUrl: string;
  readonly open: OpenEventSource;
}

/** Ends the watch. */
export type Stop = () => void;

export function watchBulk(streams: Streams, bulkId: string, options: WatchOptions): Stop {
  const watch = new Watch(streams, bulkId, options);
  if (!options.signal?.aborted) watch.open();
  return () => watch.stop();
}

class Watch {
  readonly #streams: Streams;
  readonly #bulkId: string;
  readonly #options: WatchOptions;
  readonly #held = new HeldBulk();
  readonly #ending = new AbortController();
  #source: EventSourceLike | null = null;
  #isOpen: boolean | null = null;
  #failures = 0;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #telling: ReturnType<typeof setTimeout> | undefined;
  #loading = new AbortController();

  constructor(streams: Streams, bulkId: string, options: WatchOptions) {
    this.#streams = streams;
    this.#bulkId = bulkId;
    this.#options = options;
    options.signal?.addEventListener("abort", () => this.stop(), { signal: this.#ending.signal });
  }

  open(): void {
    const { baseUrl, open } = this.#streams;
    const source = open(`${baseUrl}/api/bulk-generate/${encodeURIComponent(this.#bulkId)}/events`);
    this.#source = source;
    const hear = <T>(name: string, take: (told: T) => void) => {
      source.addEventListener(name, ({ data }) => {
        if (source === this.#source) this.#heard(() => take(JSON.parse(data) as T));
      });
    };
    hear<BulkSnapshot>("snapshot", (told) => this.#begin(told));
    hear<BulkUpdate>("bulk", (told) => this.#held.bulk(told));
    hear<RowUpdate>("job", (told) => this.#held.row(told));
    source.addEventListener("open", () => {
      if (source === this.#source) this.#connection(true);
    });
    source.addEventListener("error", () => {
      if (source === this.#source) this.#cut(source);
    });
    this.#listenOn();
  }

  stop(): void {
    this.#close();
    clearTimeout(this.#telling);
    this.#loading.abort();
    this.#ending.abort();
  }

  #heard(take: () => void): void {
    this.#failures = 0;
    this.#connection(true);
    this.#listenOn();
    take();
    this.#tellSoon();
  }

  #begin(told: BulkSnapshot): void {
    const wantsAll = this.#options.allJobs === true;
    this.#held.snapshot(told, wantsAll);
    this.#loading.abort();
    if (!wantsAll || told.jobs_next_cursor === null) return;
    this.#loading = new AbortController();
    const load = allPages(this.#streams.api, this.#bulkId, told.jobs_next_cursor, this.#held, this.#loading.signal);
    void this.#shown(load);
  }

  async #shown(pages: AsyncIterable<void>): Promise<void> {
    try {
      for await (const _ of pages) this.#tellSoon();
    } catch {
      // Stopped, or refused for good: then the stream will be as well.
    }
  }

  /** Many messages come in one tick: they are told as one. */
  #tellSoon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const { state } = this.#held;
      if (!state) return;
      if (this.#options.untilEnded && hasEnded(state)) this.stop();
      this.#options.onChange(state);
    }, 0);
  }

  #cut(source: EventSourceLike): void {
    this.#connection(false);
    // Anything but a lost connection closes it for good: a restart behind Next.js, too many streams, a session's end.
    if (source.readyState === CLOSED) void this.#again();
  }

  async #again(): Promise<void> {
    this.#close();
    const { signal } = this.#ending;
    try {
      const retryAfter = await this.#whyNot(signal);
      await sleep(Math.max((retryAfter ?? 0) * 1000, backoffMs(this.#failures++, BACKOFF)), signal);
    } catch (error) {
      if (signal.aborted) return;
      this.stop();
      this.#options.onError?.(error as PressrunError);
      return;
    }
    this.open();
  }

  /** An `EventSource` does not tell why it was closed, so the bulk is asked for. Throws what will not pass by itself. */
  async #whyNot(signal: AbortSignal): Promise<number | null> {
    const params = { path: { bulk_id: this.#bulkId }, query: { jobs_cursor: NO_ROWS } };
    try {
      await answer(this.#streams.api.GET("/api/bulk-generate/{bulk_id}", { params, signal }), signal);
      return null;
    } catch (error) {
      if (!(error instanceof PressrunError) || error.isFinal) throw error;
      return error.retryAfter;
    }
  }

  #listenOn(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#close();
      this.open();
    }, SILENCE_MS);
  }

  #connection(isOpen: boolean): void {
    if (this.#isOpen === isOpen) return;
    this.#isOpen = isOpen;
    this.#options.onConnection?.(isOpen);
  }

  #close(): void {
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }
}
