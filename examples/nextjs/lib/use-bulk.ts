import { useEffect, useState } from "react";
import { type BulkState, pressrun, type PressrunError } from "@/lib/pressrun";

export interface Watched {
  state: BulkState | null;
  /** It is followed. While it is not, it will be again, unless there is an `error`. */
  isLive: boolean;
  error: PressrunError | null;
}

const NOTHING_YET: Watched = { state: null, isLive: true, error: null };

/** The bulk as it changes. A page that nobody sees holds no connection: browsers have six for one origin. */
export function useBulk(bulkId: string): Watched {
  const [watched, setWatched] = useState(NOTHING_YET);
  useEffect(() => {
    let stop: (() => void) | null = null;
    const set = (told: Partial<Watched>) => setWatched((before) => ({ ...before, ...told }));
    function follow(): void {
      stop?.();
      stop = document.hidden
        ? null
        : pressrun.watch(bulkId, {
            onChange: (state) => set({ state, error: null }),
            onConnection: (isLive) => set({ isLive }),
            onError: (error) => set({ error }),
          });
    }
    document.addEventListener("visibilitychange", follow);
    follow();
    return () => {
      document.removeEventListener("visibilitychange", follow);
      stop?.();
    };
  }, [bulkId]);
  return watched;
}
