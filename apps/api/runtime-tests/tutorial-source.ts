import { createHash } from 'node:crypto'
import { query } from './postgres.ts'

/** What `alembic upgrade head` makes of the tutorial's SQLAlchemy model. */
export const tutorialTable = `
  CREATE TABLE users (
    username VARCHAR NOT NULL,
    password VARCHAR NOT NULL,
    birthday DATE,
    create_time TIMESTAMP WITHOUT TIME ZONE,
    last_login TIMESTAMP WITHOUT TIME ZONE,
    PRIMARY KEY (username)
  )`

/** As the tutorial hashes: `hashlib.sha256(password.encode()).hexdigest()`. */
export const tutorialHash = (password: string): string => createHash('sha256').update(password, 'utf8').digest('hex')

/** The password of the tutorial's account number `i` that `fillTutorial` makes. */
export const tutorialPassword = (i: number): string => `the password of number ${i}`

/** Makes the table, and `count` accounts `user-1`, `user-2`, … in it. */
export async function fillTutorial(url: string, count: number): Promise<void> {
  await query(url, tutorialTable)
  await query(
    url,
    `insert into users
      select 'user-' || i, encode(sha256(convert_to('the password of number ' || i, 'UTF8')), 'hex'), date '1970-01-01' + i % 12000,
        timestamp '2024-01-02 03:04:05.678901' + i * interval '1 minute',
        case when i % 3 > 0 then timestamp '2025-06-07 08:09:10.111213' + i * interval '1 second' end
      from generate_series(1, ${count}) as i`,
  )
}
