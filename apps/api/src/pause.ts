/** Resolves after so many milliseconds, or as soon as `closed` aborts. */
export async function pause(milliseconds: number, closed: AbortSignal): Promise<void> {
  if (closed.aborted) return
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      closed.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    closed.addEventListener('abort', end)
  })
}
