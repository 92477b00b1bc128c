import { describe, expect, test } from 'vitest'
import { type Api, type Json, freshName, goodPassword } from './target.ts'

const badNames: [string, unknown][] = [
  ['an empty one', ''],
  ['64 KiB of marks in the wrong order', `a${'\u0301'.repeat(10_000)}${'\u0323'.repeat(10_000)}`],
  ['65 characters', 'x'.repeat(65)],
  ['a space', 'a b'],
  ['a no-break space', 'a\u00A0b'],
  ['only a space', ' '],
  ['a line break', 'a\nb'],
  ['NUL', 'a\0b'],
  ['a lone surrogate', 'a\uD800b'],
  ['a replacement character', 'a\uFFFDb'],
  ['a right-to-left override', 'a\u202Eb'],
  ['a zero-width space', 'a\u200Bb'],
  ['a soft hyphen', 'a\u00ADb'],
  ['a Hangul filler', 'a\u3164b'],
  ['an unassigned character', 'a\u{50000}b'],
  ['a private one', 'a\uE000b'],
  ['what decomposes into a space', 'a\u00A8b'],
  ['a number', 7],
  ['an array', ['a']],
  ['an object', { a: 1 }],
  ['true', true],
  ['null', null],
]

const badPasswords: [string, unknown][] = [
  ['seven characters', 'sevench'],
  ['seven characters of two units each', '🐎'.repeat(7)],
  ['257 characters', 'x'.repeat(257)],
  ['a common one', 'Password1'],
  ['NUL', 'eight\0characters'],
  ['a lone surrogate', 'eight\uDC00characters'],
  ['a number', 12_345_678],
  ['an array', ['eight characters']],
  ['an empty one', ''],
]

const badBirthdays = [
  '0000-01-01',
  '2001-02-29',
  '2000-13-01',
  '2000-00-10',
  '2000-01-32',
  '10000-01-01',
  '+002000-01-01',
  '-0001-01-01',
  '20000101',
  '2000-1-1',
  '2000-01-01T24:00:00',
  '2000-01-01T00:60',
  '2000-01-01T00:00:00+24:00',
  '2000-01-01T00:00:00 ',
  '2000-01-01\0',
  '２０００-01-01',
  'today',
  '',
  946_684_800,
  {},
  [],
  true,
]

const goodBirthdays: [string, string][] = [
  ['0001-01-01', '0001-01-01'],
  ['9999-12-31', '9999-12-31'],
  ['2000-02-29', '2000-02-29'],
  ['2000-01-01T00:00:00', '2000-01-01'],
  ['2000-01-01 23:59:59.999999', '2000-01-01'],
  ['2000-01-01T00:00:00Z', '2000-01-01'],
  ['0001-01-01T00:00:00+23:59', '0001-01-01'],
  ['9999-12-31T23:59:59.999-23:59', '9999-12-31'],
  ['2000-01-01T00:00+0530', '2000-01-01'],
]

const brokenJson: [string, string | Uint8Array<ArrayBuffer>][] = [
  ['nothing', ''],
  ['half an object', '{"username":'],
  ['NaN', '{"username":NaN}'],
  ['Infinity', '{"username":Infinity}'],
  ['broken UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a])],
  ['a string', '"username"'],
  ['null', 'null'],
  ['an array', '[]'],
  ['30,000 open brackets', '['.repeat(30_000)],
  ['deep JSON', `{"username":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ['a prototype', '{"__proto__":{"username":"x","password":"a quiet harbour at dawn"}}'],
  ['single quotes', "{'username':'x'}"],
]

const json = { 'Content-Type': 'application/json' }
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

export function inputSuite(api: () => Api): void {
  const refused = (path: string) => ({ status: 422, body: { code: 'invalid_request', errors: [{ path }] } })

  describe('POST /user/ refuses', () => {
    test.each(badNames)('a username with %s', async (_name, username) => {
      const answer = await api().json('POST', '/user/', { username, password: goodPassword })
      expect(answer).toMatchObject(refused('username'))
      if (typeof username === 'string' && username.length > 3) expect(JSON.stringify(answer.body)).not.toContain(username)
    })

    test.each(badPasswords)('a password with %s', async (_name, password) => {
      const answer = await api().json('POST', '/user/', { username: freshName(), password })
      expect(answer).toMatchObject(refused('password'))
      if (typeof password === 'string' && password) expect(JSON.stringify(answer.body)).not.toContain(password)
    })

    test('a password that is the username in another spelling', async () => {
      const username = freshName('somebody')
      expect(await api().register(username, username.toUpperCase())).toMatchObject(refused('password'))
    })

    test.each(badBirthdays)('the birthday %j', async (birthday) => {
      const username = freshName()
      expect(await api().register(username, goodPassword, { birthday })).toMatchObject(refused('birthday'))
      expect((await api().login(username)).status).toBe(401) // nothing half written
    })

    test.each(brokenJson)('%s', async (_name, body) => {
      const answer = await api().send('/user/', { method: 'POST', headers: json, body })
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
      expect((answer.body['errors'] as Json[]).length).toBeGreaterThan(0)
    })
  })

  test.each(goodBirthdays)('the birthday %s is the day %s', async (birthday, day) => {
    const { username, token } = await api().account({ birthday })
    expect((await api().get(`/user/?username=${username}`, token)).body['birthday']).toBe(day)
  })

  test.each([
    '日本語',
    'Ada_Lovelace.1815',
    'naïve',
    '🦊',
    'x',
    'x'.repeat(64 - 12),
    '$(id)',
    '<b>',
    '%00',
    'null',
    '__proto__',
    "o'brien",
  ])('the username %s is stored and found as typed', async (prefix) => {
    const username = `${prefix}${freshName('').slice(0, 12)}`.normalize('NFC')
    expect((await api().register(username)).status).toBe(200)
    const token = await api().token(username)
    expect((await api().get('/users/me', token)).body['username']).toBe(username)
    expect((await api().get(`/user/?username=${encodeURIComponent(username)}`, token)).body['username']).toBe(username)
  })

  test('a password may hold any character and is one password in every compatibility form', async () => {
    const username = freshName()
    expect((await api().register(username, '  ﬁancée\t🐎 <\'"&>  ')).status).toBe(200)
    expect((await api().login(username, '  fiancée\t🐎 <\'"&>  '.normalize('NFD'))).status).toBe(200)
    expect((await api().login(username, 'fiancée\t🐎 <\'"&>')).status).toBe(401)
  })

  test('a password of 256 characters is accepted whole', async () => {
    const username = freshName()
    const password = '🐎'.repeat(255)
    expect((await api().register(username, `${password}a`)).status).toBe(200)
    expect((await api().login(username, `${password}b`)).status).toBe(401)
    expect((await api().login(username, `${password}a`)).status).toBe(200)
  })

  describe('POST /login refuses', () => {
    test.each<[string, string, string]>([
      ['no username', 'password=x', 'username'],
      ['an empty username', 'username=&password=x', 'username'],
      ['no password', 'username=x', 'password'],
      ['two usernames', 'username=a&username=b&password=x', 'username'],
      ['two passwords', 'username=a&password=x&password=y', 'password'],
      ['an encoded NUL', 'username=a%00b&password=x', 'username'],
      ['broken UTF-8', 'username=a%FFb&password=x', 'username'],
      ['a surrogate in UTF-8', 'username=a%ED%A0%80b&password=x', 'username'],
      ['an array', 'username[]=a&password=x', 'username'],
      ['a long username', `username=${'x'.repeat(65)}&password=x`, 'username'],
      ['a long password', `username=x&password=${'x'.repeat(257)}`, 'password'],
    ])('%s', async (_name, body, path) => {
      expect(await api().form('POST', '/login', body)).toMatchObject(refused(path))
    })

    test('a file for a field', async () => {
      const body = new FormData()
      body.set('username', new Blob(['ada']), 'ada.txt')
      body.set('password', goodPassword)
      expect(await api().send('/login', { method: 'POST', body })).toMatchObject(refused('username'))
    })

    test.each([
      ['a multipart body without its boundary', 'multipart/form-data', 'x'],
      [
        'a multipart body that breaks off',
        'multipart/form-data; boundary=x',
        '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nada',
      ],
      ['an empty multipart body', 'multipart/form-data; boundary=x', ''],
    ])('%s', async (_name, type, body) => {
      const { status } = await api().send('/login', { method: 'POST', headers: { 'Content-Type': type }, body })
      expect(status).toBe(422)
    })

    test('broken percent-encoding as the text it is', async () => {
      expect((await api().form('POST', '/login', 'username=%zz&password=100%')).status).toBe(401)
    })
  })

  describe('GET /user/ refuses', () => {
    test.each(['username=', 'username=a&username=b', 'username=a%00', 'username=%EF%BF%BD', `username=${'x'.repeat(65)}`])(
      '?%s',
      async (queryString) => {
        const { token } = await api().account()
        expect(await api().get(`/user/?${queryString}`, token)).toMatchObject(refused('username'))
      },
    )

    test.each(['%zz', '%', '%FF', '%ED%A0%80'])('?username=%s, broken percent-encoding, as the text it is', async (name) => {
      const { token } = await api().account()
      expect(await api().get(`/user/?username=${name}`, token)).toMatchObject({ status: 400, body: { code: 'user_not_found' } })
    })
  })

  describe('PATCH and DELETE /user/ refuse', () => {
    test.each<[Json, string]>([
      [{ password: 'short' }, 'password'],
      [{ password: '' }, 'password'],
      [{ password: 'password123' }, 'password'],
      [{ birthday: '2001-02-29' }, 'birthday'],
      [{ username: 'a\0b' }, 'username'],
      [{ username: undefined }, 'username'],
      [{ current_password: 7 }, 'current_password'],
    ])('%j', async (change, path) => {
      const { username, token } = await api().account()
      expect(await api().json('PATCH', '/user/', { username, ...change }, token)).toMatchObject(refused(path))
    })

    test('a deletion that names two accounts', async () => {
      const { username, token } = await api().account()
      expect(await api().form('DELETE', '/user/', `username=${username}&username=x`, token)).toMatchObject(refused('username'))
      expect((await api().get('/users/me', token)).status).toBe(200)
    })
  })

  describe('the media type', () => {
    test.each<[string, string, Record<string, string>, string | Uint8Array<ArrayBuffer>]>([
      ['a form for JSON', '/user/', form, 'username=a&password=b'],
      ['JSON for a form', '/login', json, '{"username":"a","password":"b"}'],
      ['text for JSON', '/user/', { 'Content-Type': 'text/plain' }, '{}'],
      ['a packed body', '/user/', { ...json, 'Content-Encoding': 'gzip' }, 'x'],
    ])('%s is 415', async (_name, path, headers, body) => {
      const answer = await api().send(path, { method: 'POST', headers, body })
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
    })

    test('parameters and case do not matter', async () => {
      const headers = { 'Content-Type': 'Application/JSON ; charset=utf-8' }
      const body = JSON.stringify({ username: freshName(), password: goodPassword })
      expect((await api().send('/user/', { method: 'POST', headers, body })).status).toBe(200)
    })
  })

  test.each([65 * 1024, 1024 * 1024])('a body of %d bytes is 413', async (size) => {
    const body = JSON.stringify({ username: 'x'.repeat(size), password: goodPassword })
    const answer = await api().json('POST', '/user/', body)
    expect(answer).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
    const login = await api().form('POST', '/login', `username=${'x'.repeat(size)}&password=x`)
    expect(login.status).toBe(413)
  })

  test('a body of unknown length is cut off at the limit', async () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1
        if (sent > 64) controller.close()
        else controller.enqueue(new Uint8Array(16 * 1024).fill(0x20))
      },
    })
    const init = { method: 'POST', headers: json, body, duplex: 'half' } as RequestInit
    const status = await api()
      .send('/user/', init)
      .then(
        (answer) => answer.status,
        () => 413, // the connection was closed while the rest was still coming
      )
    expect(status).toBe(413)
  })
}
