import { sha256 } from '@noble/hashes/sha2.js'
import { base64url } from 'jose'
import { NIL } from 'uuid'
import type { Clock, Log } from '../context.ts'
import { networkOf } from '../ip-address.ts'
import { type Bucket, type Permit, createCounter } from './counter.ts'
import type { DeviceTokens } from './device-token.ts'
import { type Policy, policies, slowing } from './policies.ts'
import type { LimitQueries } from './queries.ts'
import { LimitsUnavailable } from './too-many-requests.ts'

/** Where a password is tried from. */
export interface Source {
  /** Undefined where it is not known: then nothing is counted by address. */
  address: string | undefined
  /** The network of the address, as sessions have it. */
  addressPrefix: string | null
  /** The device token that came along. */
  device: string | undefined
}

/**
 * What may be tried how often, counted for all instances together. What sets or tries a password is counted before it is
 * tried, and refused where nobody can count: it throws `TooManyRequests` or `LimitsUnavailable`.
 */
export interface Limits {
  registration(usernameKey: string, address: string | undefined): Promise<Permit>
  /** Throws if `signIn` would, as far as that is known without asking anybody. */
  checkSignIn(usernameKey: string, source: Source): void
  /** @param userId undefined where there is no such account: nothing else differs */
  signIn(usernameKey: string, userId: string | undefined, source: Source): Promise<Permit>
  /** For who has signed in and is asked for the password again. */
  currentPassword(userId: string, address: string | undefined): Promise<Permit>
  passwordReset(address: string | undefined): Promise<Permit>
  /** Goes on where nobody can count: no session is to end because of that. */
  refresh(sessionId: string, address: string | undefined): Promise<void>
}

export interface LimitDependencies {
  queries: LimitQueries
  devices: DeviceTokens
  clock: Clock
  log: Log
}

export function createLimits({ queries, devices, clock, log }: LimitDependencies): Limits {
  const { take, check, ask, logOnceInAWhile } = createCounter({ queries, clock, log })

  /** The slowing bucket of the account for attempts from there: its own where the account knows the place. */
  async function placeOf(userId: string, { addressPrefix }: Source): Promise<string> {
    if (addressPrefix === null) return 'elsewhere'
    const isKnown = await ask(() => queries.isKnown(userId, addressPrefix, clock()))
    return isKnown ? addressPrefix : 'elsewhere'
  }

  return {
    registration(usernameKey, address) {
      const ofName = bucket(policies.registrationsOfName, nameOf(usernameKey))
      return take([...byAddress(policies.registrationsFromAddress, address), ofName])
    },

    checkSignIn(usernameKey, source) {
      if (source.device === undefined) check(fromAddress(usernameKey, source.address))
    },

    async signIn(usernameKey, userId = NIL, source) {
      const account = nameOf(usernameKey)
      const device = source.device === undefined ? undefined : devices.verify(source.device, userId, clock())
      // The account has signed in with this device: others at its address don't count against it.
      if (device !== undefined) return take([bucket(slowing, `${account}:${device}`)])
      const place = await placeOf(userId, source)
      return take([...fromAddress(usernameKey, source.address), bucket(slowing, `${account}:${place}`)])
    },

    currentPassword(userId, address) {
      return take([...byAddress(policies.failuresFromAddress, address), bucket(policies.failuresOfCaller, userId)])
    },

    passwordReset: (address) => take(byAddress(policies.resetsFromAddress, address)),

    async refresh(sessionId, address) {
      try {
        await take([bucket(policies.refreshesOfSession, sessionId), ...byAddress(policies.refreshesFromAddress, address)])
      } catch (error) {
        if (!(error instanceof LimitsUnavailable)) throw error
        logOnceInAWhile(error)
      }
    },
  }
}

const nothingTaken: Permit = { giveBack: async () => undefined }

/** Counts and refuses nothing. */
export const noLimits: Limits = {
  registration: async () => nothingTaken,
  checkSignIn: () => undefined,
  signIn: async () => nothingTaken,
  currentPassword: async () => nothingTaken,
  passwordReset: async () => nothingTaken,
  refresh: async () => undefined,
}

const bucket = (policy: Policy, key: string): Bucket => ({ policy, key: `${policy.name}:${key}` })

/** Wrong passwords from an address: for whatever account, and for this one. */
const fromAddress = (usernameKey: string, address: string | undefined): Bucket[] => [
  ...byAddress(policies.failuresFromAddress, address),
  ...byAddress(policies.failuresOnAccountFromAddress, address, `${nameOf(usernameKey)}:`),
]

/** One host in IPv4; in IPv6 what one host is given, of which it may use any address. */
const hostBits = { ipv4: 32, ipv6: 64 }

function byAddress(policy: Policy, address: string | undefined, before = ''): Bucket[] {
  const host = address === undefined ? undefined : networkOf(address, hostBits)
  return host === undefined ? [] : [bucket(policy, before + host)]
}

/** Stands for a name: into the field for it people type passwords, too. */
const nameOf = (usernameKey: string) => base64url.encode(sha256(new TextEncoder().encode(usernameKey)).slice(0, 16))
