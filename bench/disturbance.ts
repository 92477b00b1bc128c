import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

/** What the instances of `revocation` have to get along without. */
export const conditionIds = ['up', 'cut', 'mute'] as const
export type ConditionId = (typeof conditionIds)[number]

export const conditionTitles: Record<ConditionId, string> = {
  up: 'everything up',
  cut: 'LISTEN cut again and again',
  mute: 'no notifications',
}

export interface Disturbance {
  /** What it did so far. Throws where it did not do what it is for. */
  describe(): string
  stop(): Promise<void>
}

/** Milliseconds between two cuts. A connection that was cut is opened anew after about 250. */
const cutInterval = 100

export const disturb: Record<ConditionId, (databaseUrl: string) => Promise<Disturbance>> = {
  up: async () => ({ describe: () => 'nothing was disturbed', stop: async () => undefined }),
  cut: cutListeners,
  mute: muteNotifications,
}

/** Ends the connections that listen, over and over. */
async function cutListeners(databaseUrl: string): Promise<Disturbance> {
  const client = await connect(databaseUrl)
  let stopping = false
  let cuts = 0
  const cutting = cut()
  cutting.catch(() => undefined) // told by `stop`
  return {
    describe() {
      if (cuts === 0) throw new Error('no connection that listens was found')
      return `${cuts} listening connections were cut`
    },
    async stop() {
      stopping = true
      try {
        await cutting
      } finally {
        await client.end()
      }
    },
  }

  async function cut(): Promise<void> {
    while (!stopping) {
      const { rowCount } = await client.query(endListening)
      cuts += rowCount ?? 0
      await sleep(cutInterval)
    }
  }
}

const endListening = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'gatehouse' and query ilike 'listen %'`

/** Takes the notification out of the trigger that tells of ended sessions. */
async function muteNotifications(databaseUrl: string): Promise<Disturbance> {
  const client = await connect(databaseUrl)
  const { rows } = await client.query<{ source: string }>(`select pg_get_functiondef('log_ended_session'::regproc) as source`)
  const source = rows[0]?.source ?? ''
  const muted = source.replace(/^\s*PERFORM pg_notify\(.*\n/m, '')
  if (muted === source) throw new Error('log_ended_session() notifies nobody')
  await client.query(muted)
  let heard = 0
  client.on('notification', () => (heard += 1))
  await client.query('listen gatehouse_sessions')
  return {
    describe() {
      if (heard > 0) throw new Error(`${heard} notifications came all the same`)
      return 'no notification was sent'
    },
    stop: () => client.end(),
  }
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined) // a query tells of it too
  await client.connect()
  return client
}
