/** Requests that make a flow, and the milliseconds in which they have to come: 20 a second. */
const flow = { requests: 10, within: 500 }

/** What the users who are signed in are doing. */
export interface Traffic {
  note(): void
  /** Whether requests keep coming. */
  flows(): boolean
}

/** @param now milliseconds of a clock that only goes forward */
export function createTraffic(now = () => performance.now()): Traffic {
  const times = new Float64Array(flow.requests).fill(-Infinity)
  let oldest = 0
  return {
    note() {
      times[oldest] = now()
      oldest = (oldest + 1) % flow.requests
    },
    flows: () => now() - (times[oldest] ?? -Infinity) < flow.within,
  }
}
