const lastCodePoint = 0x10ffff

/**
 * The least text, in the order of code points, that comes after every text that begins with `prefix`; undefined where
 * there is none. The order of bytes in UTF-8 is that of code points.
 */
export function prefixEnd(prefix: string): string | undefined {
  const codePoints = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (codePoints.at(-1) === lastCodePoint) codePoints.pop()
  const last = codePoints.pop()
  return last === undefined ? undefined : String.fromCodePoint(...codePoints, after(last))
}

/** Surrogates are no characters. */
const after = (codePoint: number) => (codePoint === 0xd7ff ? 0xe000 : codePoint + 1)
