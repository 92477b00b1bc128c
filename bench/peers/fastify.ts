import { argon2, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import formbody from '@fastify/formbody'
import jwt from '@fastify/jwt'
import fastify, { type FastifyRequest } from 'fastify'
import { Pool, types } from 'pg'

/** The tutorial's interface as one would write it by hand for speed: prepared statements, serializers from schemas, no layers. */
declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string }
    user: { sub: string }
  }
}

interface UserRow {
  username: string
  password: Buffer
  salt: Buffer
  birthday: string | null
  create_time: Date
  last_login: Date | null
}
interface NewUser {
  username: string
  password: string
  birthday?: string
}

const text = { type: 'string', minLength: 1, maxLength: 256 }
const object = (properties: object, required: string[]) => ({ type: 'object', properties, required })
const schemas = {
  register: { body: object({ username: text, password: { ...text, minLength: 8 }, birthday: text }, ['username', 'password']) },
  login: { body: object({ username: text, password: text }, ['username', 'password']) },
  currentUser: { response: { 200: object({ username: text }, ['username']) } },
  readUser: {
    querystring: object({ username: text }, ['username']),
    response: {
      200: object(
        {
          username: text,
          birthday: { type: 'string', nullable: true },
          create_time: { type: 'string', format: 'date-time' },
          last_login: { type: 'string', format: 'date-time', nullable: true },
        },
        ['username', 'birthday', 'create_time', 'last_login'],
      ),
    },
  },
}

types.setTypeParser(types.builtins.DATE, String)
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 })
const app = fastify()
await app.register(formbody)
await app.register(jwt, { secret: process.env['SECRET'] ?? '', sign: { expiresIn: '1d' } })

app.post<{ Body: NewUser }>('/user/', { schema: schemas.register }, async (request, reply) => {
  const { username, password, birthday = null } = request.body
  const salt = randomBytes(16)
  const values = [randomUUID(), username, await hash(password, salt), salt, birthday]
  const { rowCount } = await pool.query({ name: 'insert', text: insert, values })
  return rowCount === 1 ? { message: 'User created successfully' } : reply.code(400).send({ detail: 'User already exists' })
})

app.post<{ Body: { username: string; password: string } }>('/login', { schema: schemas.login }, async (request, reply) => {
  const { username, password } = request.body
  const found = await findUser(username)
  if (!found || !timingSafeEqual(await hash(password, found.salt), found.password)) {
    return reply.code(401).send({ detail: 'Incorrect username or password' })
  }
  await pool.query({ name: 'sign-in', text: 'update users set last_login = now() where username = $1', values: [username] })
  return { access_token: app.jwt.sign({ sub: username }), token_type: 'bearer' }
})

const authenticated = {
  async onRequest(request: FastifyRequest) {
    await request.jwtVerify()
  },
}

app.get('/users/me', { ...authenticated, schema: schemas.currentUser }, async (request) => ({ username: request.user.sub }))

app.get<{ Querystring: { username: string } }>(
  '/user/',
  { ...authenticated, schema: schemas.readUser },
  async (request, reply) => {
    const user = await findUser(request.query.username)
    return user ?? reply.code(400).send({ detail: 'User does not exist' })
  },
)

app.get('/health/ready', async () => {
  await pool.query('select 1')
  return { status: 'ok' }
})

const insert = `insert into users (id, username, password, salt, birthday, create_time)
  values ($1, $2, $3, $4, $5, now()) on conflict do nothing`

await pool.query(`create table if not exists users (
  id uuid primary key, username text not null unique, password bytea not null, salt bytea not null,
  birthday date, create_time timestamptz not null, last_login timestamptz)`)
console.log(JSON.stringify({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }))

async function findUser(username: string): Promise<UserRow | undefined> {
  const { rows } = await pool.query<UserRow>({
    name: 'find',
    text: 'select * from users where username = $1',
    values: [username],
  })
  return rows[0]
}

/** With Gatehouse's cost; libuv's four threads are the only limit. */
function hash(password: string, salt: Buffer): Promise<Buffer> {
  const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 }
  return promisify(argon2)('argon2id', { message: password, nonce: salt, ...cost })
}
