import { DrizzleQueryError } from 'drizzle-orm/errors'
import { expect, test } from 'vitest'
import { classifyDatabaseError, codeOf, describeError } from './database-error.ts'

const withCode = (code: unknown, message = 'it failed') => Object.assign(new Error(message), { code })
const query = (cause?: unknown) => new DrizzleQueryError('insert into "users" values ($1)', ['hunter2'], cause as Error)

test.each<[unknown, string]>([
  ['08006', 'unavailable'], // connection_failure
  ['08P01', 'unavailable'], // protocol_violation
  ['25006', 'unavailable'], // read_only_sql_transaction
  ['28P01', 'unavailable'], // invalid_password
  ['3D000', 'unavailable'], // invalid_catalog_name
  ['40001', 'unavailable'], // serialization_failure
  ['40P01', 'unavailable'], // deadlock_detected
  ['53300', 'unavailable'], // too_many_connections
  ['53100', 'unavailable'], // disk_full
  ['55P03', 'unavailable'], // lock_not_available
  ['57014', 'unavailable'], // query_canceled
  ['57P01', 'unavailable'], // admin_shutdown
  ['57P03', 'unavailable'], // cannot_connect_now
  ['58030', 'unavailable'], // io_error
  ['22021', 'invalid_data'], // character_not_in_repertoire
  ['22P02', 'invalid_data'], // invalid_text_representation
  ['22008', 'invalid_data'], // datetime_field_overflow
  ['23505', 'fault'], // unique_violation
  ['23502', 'fault'], // not_null_violation
  ['42P01', 'fault'], // undefined_table
  ['42601', 'fault'], // syntax_error
  ['XX000', 'fault'], // internal_error
  ['ECONNREFUSED', 'unavailable'],
  ['ECONNRESET', 'unavailable'],
  ['CONNECTION_CLOSED', 'unavailable'],
  ['CONNECT_TIMEOUT', 'unavailable'],
  [undefined, 'unavailable'],
  [7, 'unavailable'],
])('classifyDatabaseError() of a statement that failed with %s is %s', (code, verdict) => {
  expect(classifyDatabaseError(query(withCode(code)))).toBe(verdict)
})

test('classifyDatabaseError() has no verdict on what is no error of the database', () => {
  for (const error of [withCode('57P01'), new TypeError('x'), '57P01', null, undefined, { code: '57P01' }]) {
    expect(classifyDatabaseError(error)).toBeUndefined()
  }
})

test('codeOf() finds the code of an error, or of the one behind it', () => {
  expect(codeOf(query(withCode('23505')))).toBe('23505')
  expect(codeOf(query(query(withCode('23505'))))).toBe('23505')
  expect(codeOf(withCode('ENOENT'))).toBe('ENOENT')
  for (const error of [query(), query('23505'), withCode(7), new Error('x'), { code: '23505' }, null, undefined]) {
    expect(codeOf(error)).toBeUndefined()
  }
})

test('describeError() tells name, code and where, of the error behind a failed statement', () => {
  const description = describeError(query(withCode('57P01', 'terminating connection')))
  expect(description).toEqual({
    name: 'Error',
    code: '57P01',
    frames: expect.arrayContaining([expect.stringContaining('database-error.test.ts')]),
  })
  expect(describeError(new TypeError('x is not a function'))).toMatchObject({ name: 'TypeError', message: 'x is not a function' })
  expect(describeError('57P01')).toEqual({ name: 'non-error' })
})

test.each<[string, unknown]>([
  ['a parameter', query(withCode('57P01'))],
  ['a parameter of a statement without cause', query()],
  ['a parameter of a statement with a foreign cause', query('hunter2')],
  ['a value in the server’s message', query(withCode('22P02', 'invalid input syntax for type uuid: "hunter2"'))],
  ['a value that looks like a stack frame', query(withCode('22P02', 'invalid input syntax: "\n    at hunter2"'))],
  ['a parameter that looks like one', new DrizzleQueryError('select $1', ['\n    at hunter2'])],
])('describeError() does not tell %s', (_name, error) => {
  const text = JSON.stringify(describeError(error))
  for (const secret of ['hunter2', 'insert into', 'select']) expect(text).not.toContain(secret)
})
