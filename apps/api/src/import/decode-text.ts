import { SourceProblem } from './source-problem.ts'

/** Reads UTF-8, with or without a byte order mark, and nothing else. */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of chunks) {
    const text = decode(() => decoder.decode(chunk, { stream: true }))
    if (text !== '') yield text
  }
  const end = decode(() => decoder.decode())
  if (end !== '') yield end
}

function decode(read: () => string): string {
  try {
    return read()
  } catch {
    throw new SourceProblem('the file is not in UTF-8')
  }
}
