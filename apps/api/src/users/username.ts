/** The longest username, in code points of its NFC form. */
export const usernameMaxLength = 64

/** What no username holds: controls, formats (bidi among them), unassigned, private, spaces, invisible ones. */
const forbidden = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u

/** A stray replacement character means that the text was broken before it came here. */
const replacement = '\u{FFFD}'

/**
 * Whether PostgreSQL can store `text` as it is: no NUL, no lone surrogate (it would become U+FFFD,
 * and two names one), and no U+FFFD, which a broken encoding leaves behind.
 */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0') && !text.includes(replacement)
}

/** Whether `name`, in NFC, may be registered: in the spirit of RFC 8265 §3, with any script and symbol. */
export function isUsername(name: string): boolean {
  return !forbidden.test(name) && !forbidden.test(usernameKey(name))
}

/**
 * What makes a username unique: names that differ in case or in compatibility form only (`ﬁ`, full-width letters) are one.
 * Upper case first, then lower, comes to full case folding (`ß` is `ss`), decomposed before: upper-casing makes a letter of
 * the mark U+0345, which the other marks have to precede (Unicode §3.13). NFKC and once more until nothing changes keeps it stable.
 */
export function usernameKey(name: string): string {
  const folded = name.normalize('NFKD').toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
  return folded === name ? folded : usernameKey(folded)
}

/** Characters as people count them for limits here: code points. */
export function countCodePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
