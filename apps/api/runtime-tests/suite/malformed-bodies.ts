import { types } from './operations.ts'

type Body = string | Uint8Array<ArrayBuffer>

/** JSON that is none, or is made to cost, or means something else to another parser. */
export function malformedJson(good: string): [name: string, type: string, body: Body][] {
  const bodies: [string, Body][] = [
    ['a byte order mark', `\uFEFF${good}`],
    ['UTF-16', Buffer.from(`\uFEFF${good}`, 'utf16le')],
    ['broken UTF-8', Buffer.from(good.replace(':"', ':"\xFF\xC0'), 'latin1')],
    ['every member twice', good.replace(/\{(.*)\}/, '{$1,$1}')],
    ['a trailing comma', good.replace(/\}$/, ',}')],
    ['a comment', `${good}/* */`],
    ['another object behind', good + good],
    [
      'a prototype',
      good.replace('{', '{"__proto__":{"role":"admin","disabled":true},"constructor":{"prototype":{"role":"admin"}},'),
    ],
    ['64,000 brackets', '['.repeat(64_000)],
    ['deep arrays', `${'['.repeat(32_000)}${']'.repeat(32_000)}`],
    ['blanks up to the limit', good + ' '.repeat(65_000 - good.length)],
    ['8,000 members', `{${Array.from({ length: 8_000 }, (_, i) => `"${i}":0`).join(',')}}`],
    ['an array', `[${good}]`],
    ['a string', JSON.stringify(good)],
    ['a number', '1e400'],
    ['null', 'null'],
    ['nothing', ''],
    ['NUL', '\0'],
  ]
  return bodies.map(([name, body]) => [name, types.json, body])
}

/** Forms that are none, or are made to cost, or mean something else to another parser. */
export function malformedForms(good: string): [name: string, type: string, body: Body][] {
  const multipart = (...parts: string[]) => parts.map((part) => `--x\r\n${part}\r\n`).join('') + '--x--\r\n'
  const named = (name: string, rest = '') => `Content-Disposition: form-data; name="${name}"${rest}\r\n\r\nx`
  const urlencoded: [string, Body][] = [
    ['separators only', '&&==&=;&'.repeat(100)],
    ['every field twice', `${good}&${good}`],
    ['20,000 fields', '&a'.repeat(20_000)],
    ['brackets', good.replaceAll('=', '[]=')],
    ['a prototype', `${good}&__proto__[role]=admin&__proto__=x&constructor.prototype.role=admin`],
    ['percent signs', '%'.repeat(60_000)],
    ['encoded NULs', `${good}&a=%00&%00=a`],
    ['bytes', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
  ]
  const parts: [string, Body][] = [
    ['no end', `--x\r\n${named('username')}`],
    ['only the end', '--x--'],
    ['no name', multipart('Content-Disposition: form-data\r\n\r\nx')],
    ['no disposition', multipart('\r\nx')],
    ['a file of a path', multipart(named('username', '; filename="../../../etc/passwd"'))],
    ['an extended name', multipart(`Content-Disposition: form-data; name*=UTF-8''user%00name\r\n\r\nx`)],
    [
      'a part that says it is packed',
      multipart(`Content-Encoding: gzip\r\nContent-Transfer-Encoding: base64\r\n${named('username')}`),
    ],
    ['a prototype', multipart(named('__proto__'), named('constructor'))],
    ['quotes in a name', multipart(named('a\\"; filename=\\"b'))],
    ['a thousand parts', multipart(...Array.from({ length: 1_000 }, () => named('a')))],
    ['a long header', multipart(`X-A: ${'a'.repeat(50_000)}\r\n${named('username')}`)],
    ['a form within', multipart('Content-Type: multipart/form-data; boundary=y\r\n\r\n--y--')],
  ]
  const type = 'multipart/form-data; boundary=x'
  return [
    ...urlencoded.map(([name, body]): [string, string, Body] => [name, types.form, body]),
    ...parts.map(([name, body]): [string, string, Body] => [`multipart, ${name}`, type, body]),
    ['multipart, no boundary', 'multipart/form-data', good],
    ['multipart, an empty boundary', 'multipart/form-data; boundary=""', good],
    ['multipart, a long boundary', `multipart/form-data; boundary=${'x'.repeat(4_000)}`, good],
    ['multipart, another charset', `${types.form}; charset=utf-7`, good],
  ]
}
