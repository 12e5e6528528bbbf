/** Calls whose answers are there: each gives what was asked for or throws a `PressrunError`. Nothing is repeated here. */
import createClient, { type Client, type ClientOptions, type Middleware } from "openapi-fetch";

import { errorOf, PressrunError, thrownBy } from "./errors.js";
import type { paths } from "./schema.js";

export type Api = Client<paths>;

/** What every method takes beside what it is about. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** As openapi-fetch gives it: errors are values, and may be missing or text where a proxy has answered. */
export function plainApi(options: ClientOptions): Api {
  return createClient<paths>(options);
}

/** The same for `answer`: what is no success is thrown. */
export function strictApi(options: ClientOptions): Api {
  const api = plainApi(options);
  api.use(SUCCESS_ALONE);
  return api;
}

const SUCCESS_ALONE: Middleware = {
  async onResponse({ response, options }) {
    if (!response.ok) throw await errorOf(response);
    const type = response.headers.get("content-type") ?? "";
    if (options.parseAs === "json" && !type.startsWith("application/json")) {
      // A page to sign in, most likely: a proxy in front has sent the request elsewhere.
      throw new PressrunError(response.status, "The answer is not JSON: something in front of Pressrun has answered.");
    }
  },
};

/** What openapi-fetch gives. */
export interface Found<T> {
  data?: T;
  response: Response;
}

/** Its data. Throws `PressrunError`, or the signal's reason. */
export async function answer<T>(call: Promise<Found<T>>, signal: AbortSignal | undefined): Promise<T> {
  return (await found(call, signal)).data;
}

/** The same with the response, which has been read. */
export async function found<T>(
  call: Promise<Found<T>>,
  signal: AbortSignal | undefined,
): Promise<{ data: T; response: Response }> {
  let given: Found<T>;
  try {
    given = await call;
  } catch (error) {
    throw thrownBy(error, signal);
  }
  const { data, response } = given;
  if (data === undefined) throw new PressrunError(response.status, "The answer is empty.");
  return { data, response };
}
