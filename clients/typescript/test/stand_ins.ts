/** What the tests put in the place of a service and of a browser. No tests here. */
import { type BulkCreate, createPressrun, type EventSourceLike, type Pressrun } from "pressrun-client";

export const BULK_ID = "6b027bdfe484bda5c9f5777d";
export const TOPICS: BulkCreate = { mode: "topic", items: [{ topic: "tea" }] };

type Reply = Response | Error | ((request: Request) => Response | Promise<Response>);

/** Answers each request with the next reply, and the last one ever after. */
export class Service {
  readonly asked: Request[] = [];
  onAsked: (request: Request) => void = () => {};
  readonly #replies: Reply[];

  constructor(...replies: Reply[]) {
    this.#replies = replies;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    this.asked.push(request.clone());
    this.onAsked(request);
    const reply = this.#replies.length > 1 ? this.#replies.shift() : this.#replies[0];
    if (reply instanceof Error) throw reply;
    request.signal.throwIfAborted();
    return typeof reply === "function" ? reply(request) : reply!.clone();
  };

  client(eventSource?: (url: string) => EventSourceLike): Pressrun {
    return createPressrun({ baseUrl: "http://pressrun.test", fetch: this.fetch, ...(eventSource && { eventSource }) });
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers });
}

export function refusal(status: number, error: string, headers: Record<string, string> = {}): Response {
  return json({ error }, status, headers);
}

/** As Next.js answers where it cannot reach what it rewrites to. */
export function nextsOwn500(): Response {
  return new Response("Internal Server Error", { status: 500, headers: { "content-type": "" } });
}

export const NO_CONNECTION = new TypeError("fetch failed");

/** A stream that tells what the test wants it to. */
export class Stream implements EventSourceLike {
  readyState = 0;
  readonly #listeners = new Map<string, ((event: MessageEvent<string>) => void)[]>();

  constructor(readonly url: string) {}

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  close(): void {
    this.readyState = 2;
  }

  tell(type: string, data?: unknown): void {
    const event = new MessageEvent<string>(type, { data: JSON.stringify(data) });
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }

  /** For good, as at any status but 200; or as where a connection is lost, which it takes up again itself. */
  fail({ forGood }: { forGood: boolean }): void {
    this.readyState = forGood ? 2 : 0;
    this.tell("error");
  }
}

/** Each stream that was opened, in turn. */
export class Streams {
  readonly opened: Stream[] = [];

  readonly open = (url: string): Stream => {
    const stream = new Stream(url);
    this.opened.push(stream);
    return stream;
  };

  get last(): Stream {
    return this.opened.at(-1)!;
  }
}

/** Waits, without letting any time pass, until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000; turns++) {
    if (isSo()) return;
    await turn();
  }
  throw new Error("It did not come about.");
}

/** All that can happen without time passing has happened. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns++) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
