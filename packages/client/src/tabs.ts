/** What one tab tells the others: what was kept before, and what is now. */
export type Change = readonly [before: string | null, next: string | null]

export interface Tabs {
  tell(change: Change): void
  close(): void
}

/**
 * Connects the tabs of one origin. It is a short cut only: a tab that hears nothing finds out when it looks at the storage.
 *
 * @param key names what they share
 * @param hear of a change in another tab
 * @param wake when the page is shown again, or online again
 */
export function connectTabs(key: string, hear: (change: Change) => void, wake: () => void): Tabs {
  let channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(key) : undefined
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (Array.isArray(data)) hear(data as unknown as Change)
  })
  // Node's would keep a process from ending.
  ;(channel as { unref?: () => void } | undefined)?.unref?.()
  const listening = new AbortController()
  for (const type of ['online', 'pageshow', 'focus']) globalThis.addEventListener?.(type, wake, listening)
  return {
    tell: (change) => channel?.postMessage(change),
    close() {
      channel?.close()
      channel = undefined
      listening.abort()
    },
  }
}
