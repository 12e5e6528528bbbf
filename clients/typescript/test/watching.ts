/** A watch over a stream that the test plays, in a time that it moves. No tests here. */
import { mock } from "node:test";

import type { BulkState, PressrunError, Stop, WatchOptions } from "pressrun-client";

import { detail } from "./bulks.js";
import { BULK_ID, json, Service, settled, type Stream, Streams, until } from "./stand_ins.js";

export class Watched {
  readonly states: BulkState[] = [];
  readonly errors: PressrunError[] = [];
  readonly connections: boolean[] = [];
  readonly streams = new Streams();
  readonly stop: Stop;

  constructor(
    options: Partial<WatchOptions> = {},
    readonly service: Service = new Service(json(detail())),
  ) {
    this.stop = service.client(this.streams.open).watch(BULK_ID, {
      onChange: (state) => this.states.push(state),
      onError: (error) => this.errors.push(error),
      onConnection: (isOpen) => this.connections.push(isOpen),
      ...options,
    });
  }

  get stream(): Stream {
    return this.streams.last;
  }

  get last(): BulkState {
    return this.states.at(-1)!;
  }

  /** All of it in one tick. */
  tell(...messages: [type: string, data: unknown][]): void {
    for (const [type, data] of messages) this.stream.tell(type, data);
    mock.timers.tick(0);
  }

  /** The stream is cut for good, it is seen why, and so many milliseconds pass. */
  async cut(ms: number): Promise<void> {
    const asked = this.service.asked.length;
    this.stream.fail({ forGood: true });
    await until(() => this.service.asked.length > asked);
    await settled();
    mock.timers.tick(ms);
    await settled();
  }
}
