/** The Pressrun that these tests are run against, and clients of it that are somebody. No tests here. */
import { EventSource } from "eventsource";
import { type BulkCreate, type BulkState, createPressrun, type Pressrun, type WatchOptions } from "pressrun-client";

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by tests/clients/test_typescript.py`);
  return value;
}

const URL = given("PRESSRUN_TEST_URL");

export function clientWith(key: string): Pressrun {
  const headers = { Authorization: `Bearer ${key}` };
  const eventSource = (url: string) =>
    new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }),
    });
  return createPressrun({ baseUrl: URL, headers, eventSource });
}

export const pressrun = clientWith(given("PRESSRUN_TEST_KEY"));
export const stranger = clientWith(given("PRESSRUN_TEST_STRANGERS_KEY"));

/** Ten topics that no other bulk has; the first `broken` of them fail once. */
export function bulk(changes: { broken?: number; delay_seconds?: number; name?: string } = {}): BulkCreate {
  const { broken = 0, ...settings } = changes;
  const mark = Math.random().toString(36).slice(2);
  const topic = (number: number) => `${number < broken ? "broken" : "good"} ${mark} ${number}`;
  const items = Array.from({ length: 10 }, (_, number) => ({ topic: topic(number) }));
  return { mode: "topic", pipeline: "plain", items, ...settings };
}

/** The first state of which it is true. */
export function watched(
  bulkId: string,
  isIt: (state: BulkState) => boolean,
  options: Partial<WatchOptions> = {},
): Promise<BulkState> {
  return new Promise((resolve, reject) => {
    const stop = pressrun.watch(bulkId, {
      ...options,
      onError: reject,
      onChange: (state) => {
        options.onChange?.(state);
        if (!isIt(state)) return;
        stop();
        resolve(state);
      },
    });
  });
}
