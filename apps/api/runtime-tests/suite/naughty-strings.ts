const zalgo = `Z${'\u0300\u0316\u0334'.repeat(20)}algo`
const family = '👩\u200D👩\u200D👧\u200D👦'

/** Texts that have broken programs, by what they try. */
const byCategory: Record<string, readonly string[]> = {
  sql: ["' or 1=1 --", "'; drop table users; --", "'||pg_sleep(9)||'", '$1', '%', '_', '\\', '\\x00', "E'\\000'", '$$'],
  commands: ['$(id)', '`id`', '; id', '| id', '&& id', "=cmd|' /C calc'!A0"],
  templates: ['{{7*7}}', '${7*7}', '<%= 7*7 %>', '#{7*7}', '{%if 1%}', '[[7*7]]'],
  markup: [
    '<script>alert(1)</script>',
    '"><svg/onload=alert(1)>',
    '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>',
    ']]>',
  ],
  paths: ['.', '..', '../../../../etc/passwd', '..\\..\\windows', '%2e%2e%2f', 'file:///etc/passwd', '/dev/null', 'CON'],
  formats: ['%s%n%x%d', '%1$s', '{0}', '%@', '*)(uid=*', '(a+)+$', '['],
  breaks: [
    'a\r\nSet-Cookie: x=y',
    'a\nb',
    '\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'a%0d%0ab',
    '\u2028',
    '\u0085',
    '\u001b[31m',
    '\b\u0007',
  ],
  nothing: ['', ' ', '\t', '\u00A0', '\u200B', '\u3164', 'null', 'undefined', 'NaN', 'None', '[object Object]'],
  members: ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length'],
  numbers: ['0', '-0', '-1', '1e400', '-1e400', '0x7fffffff', '9223372036854775808', '1_000', '٣', '1.0', 'true', '१२'],
  instants: ['infinity', '-infinity', 'epoch', 'now', 'today', '0000-00-00', '4713-01-01 BC', '+275760-09-13', '2000-02-30'],
  ids: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '{019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42}',
    'eyJpZCI6MX0',
    'a.b.c',
  ],
  broken: ['a\0b', '\0', '\uD800', 'a\uDC00b', '\uFFFD', '\uFFFE\uFFFF', '\uFEFFa', '\uE000', '\u{10FFFF}', '\u{50000}'],
  scripts: [
    '\u202Eabc',
    '\u2066a\u2069',
    zalgo,
    family,
    '🏴\u{E0067}\u{E007F}',
    'ﷺ',
    'ΐ'.repeat(20),
    'İıſK',
    'ﬁ',
    '＇ or １＝１',
    'Ω',
    '\u0345\u0301',
  ],
  long: [
    'x'.repeat(65),
    'x'.repeat(257),
    '🐎'.repeat(257),
    '\uFDFA'.repeat(64),
    `a${'\u0301\u0323'.repeat(600)}`,
    'x'.repeat(4096),
    '%'.repeat(1000),
  ],
}

export const naughtyStrings: readonly string[] = Object.values(byCategory).flat()

/** What percent-encoding can spell and a JavaScript string can't. */
export const naughtyEncodings = [
  '%FF%FE',
  '%C0%80',
  '%ED%A0%80',
  '%F8%88%80%80%80',
  '%00',
  '%',
  '%zz',
  '%u0041',
  '+',
  '%2B%20&&=;',
] as const

/** What JSON can spell besides strings. */
export const naughtyJson = [
  '1e400',
  '-1e400',
  '-0',
  '123456789012345678901234567890',
  '0.1e-9999',
  'true',
  '[]',
  '{}',
  '[null]',
  '["a"]',
  '{"length":1}',
  '{"__proto__":{"role":"admin"}}',
  '{"toString":1,"then":1}',
  '"\\u0000"',
  '"\\ud800"',
  `${'['.repeat(15_000)}${']'.repeat(15_000)}`,
  `${'{"a":'.repeat(8_000)}1${'}'.repeat(8_000)}`,
] as const
