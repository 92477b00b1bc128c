/** base64url's. */
export const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes: the bits that the last character of an unfinished group leaves unused are set. */
export const setUnusedBits = (part: string): string => part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1) ?? '') | 1]

/** `token` with another spelling of its part number `index`. */
export const respellPart = (token: string, index: number, spell: (part: string) => string): string =>
  token
    .split('.')
    .map((part, i) => (i === index ? spell(part) : part))
    .join('.')

/**
 * A token that differs from each of its spellings: its payload leaves bits unused, and its signature needs the two letters
 * that base64 writes otherwise.
 */
export async function signSpellable(sign: (filler: { filler: string; n: number }) => Promise<string>): Promise<string> {
  for (let n = 0; ; n += 1) {
    const token = await sign({ filler: 'x'.repeat(n % 3), n })
    const [, payload = '', signature = ''] = token.split('.')
    if (payload.length % 4 !== 0 && signature.includes('-') && signature.includes('_')) return token
  }
}

type Spelling = [name: string, spell: (token: string) => string]

/** What some library takes for the same JWT, or what is left of one. */
export const tokenSpellings: Spelling[] = [
  ['padding', (token) => `${token}==`],
  ['padding of the payload', (token) => respellPart(token, 1, (part) => part.padEnd(Math.ceil(part.length / 4) * 4, '='))],
  ['trailing bits of the payload', (token) => respellPart(token, 1, setUnusedBits)],
  ['trailing bits of the signature', (token) => respellPart(token, 2, setUnusedBits)],
  ['+ for -', (token) => respellPart(token, 2, (part) => part.replaceAll('-', '+'))],
  ['/ for _', (token) => respellPart(token, 2, (part) => part.replaceAll('_', '/'))],
  ['one more character', (token) => `${token}A`],
  ['two more characters', (token) => `${token}AA`],
  ['four more characters', (token) => `${token}AAAA`],
  ['a byte less', (token) => token.slice(0, -2)],
  ['no signature', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
  ['a signature of zeros', (token) => respellPart(token, 2, () => 'A'.repeat(86))],
  ['a part more', (token) => `${token}.`],
  ['a part before', (token) => `.${token}`],
  ['an empty part inside', (token) => token.replace('.', '..')],
  ['no full stop', (token) => token.replaceAll('.', '')],
  ['percent-encoding', (token) => token.replace('.', '%2E')],
  ['a full-width full stop', (token) => token.replace('.', '．')],
  ['a full-width letter', (token) => token.replace('e', 'ｅ')],
  ['a byte order mark', (token) => `\uFEFF${token}`],
  ['NUL', (token) => `${token}\0`],
  ['Bearer before it', (token) => `Bearer ${token}`],
  ...[' ', '\t', '\n', '\r\n', '\u00A0', '\u200B'].flatMap((space): Spelling[] => [
    [`${JSON.stringify(space)} before`, (token) => space + token],
    [`${JSON.stringify(space)} behind`, (token) => token + space],
    [`${JSON.stringify(space)} inside`, (token) => respellPart(token, 1, (part) => part.slice(0, 8) + space + part.slice(8))],
  ]),
]
