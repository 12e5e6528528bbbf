/** How long to wait before something is tried again, and the waiting. What is tried is not known here. */

export interface Backoff {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Doubled with each failure before, less up to a half at random: else all clients of a service that was away come back at once. */
export function backoffMs(failures: number, { firstMs, mostMs }: Backoff): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 30));
  return whole * (1 - Math.random() / 2);
}

/** Throws the signal's reason as soon as it is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const aborted = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, ms);
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
