/**
 * Where a session is kept: `localStorage`, `sessionStorage`, or anything of their shape, which may be asynchronous.
 * What it fails to write stays in memory; what it fails to read changes nothing.
 */
export interface SessionStorage {
  getItem(key: string): string | null | PromiseLike<string | null>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** One text in a storage that may be slow or fail. */
export interface Shelf {
  /** What was written last, by whomever; undefined when the storage can't tell. */
  read(): string | null | undefined | Promise<string | null | undefined>
  /** Never rejects. */
  write(text: string | null): Promise<void>
}

/** @param storage where there is none, the text lives in memory */
export function openShelf(storage: SessionStorage | undefined, key: string): Shelf {
  let held: string | null | undefined // what the storage does not hold, or not yet
  let writing: Promise<unknown> | undefined

  async function store(text: string | null) {
    await (text === null ? storage?.removeItem(key) : storage?.setItem(key, text))
    if (storage && held === text) held = undefined
  }

  return {
    read() {
      if (held !== undefined) return held
      try {
        const found = storage?.getItem(key) ?? null
        return isLater(found) ? Promise.resolve(found).catch(() => undefined) : found
      } catch {
        return undefined
      }
    },
    async write(text) {
      held = text
      const write = (writing ? writing.then(() => store(text)) : store(text)).catch(() => undefined)
      writing = write
      await write
      if (writing === write) writing = undefined
    },
  }
}

const isLater = (found: string | PromiseLike<string | null> | null): found is PromiseLike<string | null> =>
  typeof (found as PromiseLike<unknown> | null)?.then === 'function'
