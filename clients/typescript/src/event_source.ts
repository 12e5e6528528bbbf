/** The part of an `EventSource` that is needed, so that another than the browser's can be given. */

export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

/** Makes one; a browser's own cannot send headers. */
export type OpenEventSource = (url: string) => EventSourceLike;

/** `readyState` of one that does not come back by itself. */
export const CLOSED = 2;

export function browsersOwn(withCredentials: boolean): OpenEventSource {
  return (url) => {
    if (typeof EventSource === "undefined") {
      throw new Error("There is no EventSource here: give createPressrun an `eventSource`.");
    }
    return new EventSource(url, { withCredentials });
  };
}
