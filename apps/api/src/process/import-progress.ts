/** How far an import is, on standard error. */
export interface Progress {
  advance(): void
  stop(): void
}

/** Milliseconds between two lines where there is no terminal. */
const lineInterval = 10_000

/** A bar on a terminal, where the number of accounts is known; else a line now and then. */
export async function showProgress(total: number | undefined): Promise<Progress> {
  return process.stderr.isTTY && total !== undefined ? showBar(total) : showLines(total)
}

async function showBar(total: number): Promise<Progress> {
  const { SingleBar } = await import('cli-progress')
  const bar = new SingleBar({
    format: '{bar} {value} of {total} accounts, {eta_formatted} to go',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    etaBuffer: 500,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // a signal stops the import, which stops the bar
  })
  bar.start(total, 0)
  return { advance: () => bar.increment(), stop: () => bar.stop() }
}

function showLines(total: number | undefined): Progress {
  let count = 0
  const of = total === undefined ? '' : ` of ${total}`
  const timer = setInterval(() => process.stderr.write(`gatehouse: ${count}${of} accounts so far\n`), lineInterval)
  timer.unref()
  return {
    advance: () => {
      count += 1
    },
    stop: () => clearInterval(timer),
  }
}
