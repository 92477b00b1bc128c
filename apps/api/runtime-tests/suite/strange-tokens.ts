import { createRefreshTokens } from '../../src/sessions/refresh-token.ts'

/** Of one session, in its first generation. */
export interface Tokens {
  access: string
  refresh: string
}

/** Texts made from a session's tokens and those of another, none of which refreshes. */
export const strangeTokens: [name: string, make: (own: Tokens, other: Tokens) => string | Promise<string>][] = [
  ['nonsense', () => 'nonsense'],
  ['a blank', () => ' '],
  ['NUL', () => '\0'],
  ['two dots', () => '..'],
  ['letters beyond ASCII', ({ refresh }) => refresh.replace('.', '․')],
  [
    'full-width letters',
    ({ refresh }) => refresh.replace(/[a-z]/, (letter) => String.fromCodePoint(letter.charCodeAt(0) + 0xfee0)),
  ],
  ['an access token', ({ access }) => access],
  ['its half', ({ refresh }) => refresh.slice(0, refresh.length / 2)],
  ['all but its last letter', ({ refresh }) => refresh.slice(0, -1)],
  ['no code', ({ refresh }) => refresh.slice(0, refresh.lastIndexOf('.') + 1)],
  ['a blank before it', ({ refresh }) => ` ${refresh}`],
  ['a blank behind it', ({ refresh }) => `${refresh} `],
  ['a line break behind it', ({ refresh }) => `${refresh}\n`],
  ['base64 padding', ({ refresh }) => `${refresh}=`],
  ['lower case', ({ refresh }) => refresh.toLowerCase()],
  ['upper case', ({ refresh }) => refresh.toUpperCase()],
  ['another spelling of its last letter', ({ refresh }) => respell(refresh)],
  ['a later generation', ({ refresh }) => refresh.replace('.0.', '.1.')],
  ['its generation spelled otherwise', ({ refresh }) => refresh.replace('.0.', '.00.')],
  ['a negative generation', ({ refresh }) => refresh.replace('.0.', '.-1.')],
  ['the code of another session', ({ refresh }, other) => withCode(refresh, other.refresh)],
  ['the code of another installation', forgeElsewhere],
  ['5 KiB more', ({ refresh }) => refresh + 'A'.repeat(5 * 1024)],
  ['60 KiB more', ({ refresh }) => refresh + 'A'.repeat(60 * 1024)],
  ['60 KiB of dots', () => '.'.repeat(60 * 1024)],
]

const withCode = (token: string, other: string) => [...token.split('.').slice(0, 2), other.split('.')[2]].join('.')

/** The same session and generation, under a master secret that is not the server's. */
async function forgeElsewhere({ refresh }: Tokens): Promise<string> {
  const elsewhere = createRefreshTokens(['the master secret of another installation'])
  const [id = ''] = refresh.split('.')
  const hex = Buffer.from(id, 'base64url').toString('hex')
  return elsewhere.derive({ sessionId: hex, generation: 0 })
}

/** The same bytes: the last letter of 32 bytes carries two unused bits. */
function respell(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') ^ 1]
}
