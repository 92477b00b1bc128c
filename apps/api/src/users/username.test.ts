import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NewUsername } from './schema.ts'
import { countCodePoints, isStorable, isUsername, usernameKey } from './username.ts'

const everyCharacter = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter(
  (value) => !/[\p{Cn}\p{Co}\p{Cs}]/u.test(value),
)

const codeOf = (value: string) => value.codePointAt(0)?.toString(16)

/** Characters that case mapping and normalization treat in ways of their own, and any others. */
const tricky = 'aAßẞıİiIſKÅσςΣΐΰᾳᾼͅιΙαΑµμﬁﬃΌǅǆǄŉԷև։e\u0301\u0300\u0323\u0307\u0345\u0308\u0130ｱ゛ガ가각ᄀㄱ①㎏Ⅷ½ªᎠꭰᲐაⒶ𝐀𐐀'
const character = fc.oneof(fc.constantFrom(...Array.from(tricky)), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
const text = fc.array(character, { maxLength: 12 }).map((characters) => characters.join(''))
/** What a registration compares: every name is in NFC by then. */
const name = text.map((value) => value.normalize('NFC'))

const runs = { numRuns: 5000 }

describe('usernameKey()', () => {
  test('is its own key, for any text', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(usernameKey(usernameKey(value))).toBe(usernameKey(value))
      }),
      runs,
    )
  })

  test('is one for a name in every normalization form', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'), (value, form) => {
        expect(usernameKey(value.normalize(form))).toBe(usernameKey(value))
      }),
      runs,
    )
  })

  test('is one for a name in upper and in lower case', () => {
    fc.assert(
      fc.property(name, (value) => {
        // Upper-casing turns U+0345 from a mark into a letter, hence the marks behind it have to come first: NFD.
        for (const other of [value.normalize('NFD').toUpperCase(), value.toLowerCase()]) {
          expect(usernameKey(other.normalize('NFC'))).toBe(usernameKey(value))
        }
      }),
      runs,
    )
  })

  test('holds all of that for each character of Unicode', () => {
    const forms = (['NFC', 'NFD', 'NFKC', 'NFKD'] as const).map((form) => (value: string) => value.normalize(form))
    const spellings = [...forms, (value: string) => value.toUpperCase(), (value: string) => value.toLowerCase(), usernameKey]
    const split = everyCharacter.filter((value) => {
      const others = spellings.map((spell) => spell(value)).filter((other) => other !== value)
      return others.some((other) => usernameKey(other) !== usernameKey(value))
    })
    expect(split.map(codeOf)).toEqual([])
  })

  // Stored keys are compared with new ones: what a name's key is must never change.
  test.each([
    ['Ada', 'ada'],
    ['Straße', 'strasse'],
    ['STRAẞE', 'strasse'],
    ['Σίσυφος', 'σίσυφοσ'],
    ['ᾳ', 'αι'],
    ['ﬁn', 'fin'],
    ['ſ', 's'],
    ['\u212A', 'k'],
    ['\u2126', 'ω'],
    ['İ', 'i\u0307'],
    ['ı', 'i'],
    ['Ǆ', 'dž'],
    ['ｱﾞ', 'ア\u3099'.normalize('NFC')],
    ['㎏', 'kg'],
    ['x²', 'x2'],
    ['Ⅷ', 'viii'],
    ['Ꭰ', 'ꭰ'],
    ['Ა', 'ა'],
    ['𐐀', '𐐨'],
    ['e\u0301', 'é'],
    ['日本', '日本'],
  ])('of %s is %s', (value, key) => {
    expect(usernameKey(value)).toBe(key)
  })

  test.each<[string, string, boolean]>([
    ['Ada', 'ada', true],
    ['ADA', 'ａｄａ', true],
    ['straße', 'STRASSE', true],
    ['straße', 'straẞe', true],
    ['ﬁancée', 'FIANCE\u0301E', true],
    ['Σίσυφος', 'ΣΊΣΥΦΟΣ', true],
    ['Ω', 'Ω', true], // the ohm sign and omega
    ['K', 'k', true], // the kelvin sign
    ['ſ', 's', true],
    ['x²', 'x2', true],
    ['ǆ', 'ǅ', true],
    ['ᾳ', 'ΑΙ', true],
    ['\u1FB3\u0308', 'Α\u0308Ι', true], // ᾳ with a mark more
    ['\u1FBA\u0300\u0345', '\u1FB2\u0300', true], // Ὰ with two, and its lower case
    ['ꭰ', 'Ꭰ', true],
    ['𐐨', '𐐀', true],
    ['ada', 'adа', false], // the last one is Cyrillic
    ['e', 'é', false],
    ['o', '0', false],
    ['a_b', 'a-b', false],
    ['が', 'か', false],
  ])('of %s and %s is one: %s', (a, b, same) => {
    expect(usernameKey(a) === usernameKey(b)).toBe(same)
  })
})

const accepts = (value: unknown) => NewUsername.safeParse(value).success

describe('an accepted username', () => {
  test('can be stored, as can its key; is in NFC; and holds no space, control, bidi or unassigned character', () => {
    const forbidden =
      /[\s\0-\x20\x7F-\xA0\u200B-\u200F\u2028-\u202F\u2060-\u206F\uFEFF\uFFFD-\uFFFF\p{Cn}\p{Co}\p{Cs}\p{Bidi_Control}]/u
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' })), (value) => {
        const { success, data = '' } = NewUsername.safeParse(value)
        fc.pre(success)
        for (const kept of [data, usernameKey(data)]) {
          expect(kept.isWellFormed()).toBe(true)
          expect(kept).not.toMatch(forbidden)
          expect(kept).toBe(kept.normalize('NFC'))
          expect(new TextDecoder().decode(new TextEncoder().encode(kept))).toBe(kept)
        }
        expect(countCodePoints(data)).toBeLessThanOrEqual(64)
        expect(data).not.toBe('')
        expect(NewUsername.safeParse(data)).toEqual({ success: true, data })
      }),
      runs,
    )
  })

  test('stays accepted in another case and another form', () => {
    fc.assert(
      fc.property(name, (value) => {
        fc.pre(isUsername(value))
        expect(isUsername(usernameKey(value))).toBe(true)
        expect(isUsername(value.toUpperCase().normalize('NFC'))).toBe(true)
      }),
      runs,
    )
  })

  test('may have any letter, mark, number, punctuation and symbol that is to be seen', () => {
    const visible = everyCharacter.filter((value) => /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(value))
    const refused = visible.filter((value) => !isUsername(value.normalize('NFC')))
    const blank = /\s|\p{Default_Ignorable_Code_Point}/u // such as U+00A8, which is a space and a mark
    expect(refused.filter((value) => !blank.test(value.normalize('NFKC'))).map(codeOf)).toEqual([])
  })

  test('has no character that shows as nothing or as a space, or that turns the direction', () => {
    const invisible = everyCharacter.filter((value) => /[\p{Cc}\p{Cf}\p{Z}\p{DI}\p{Bidi_C}]/u.test(value))
    const others = ['\u0378', '\uE000', '\u{50000}', '\u{10FFFF}', '\uFDD0', '\uD800'] // unassigned, private, never to be, half
    expect(invisible.length).toBeGreaterThan(400)
    expect([...invisible, ...others].filter((value) => accepts(`a${value}b`)).map(codeOf)).toEqual([])
  })

  test.each<[string, boolean]>([
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
    ['🦊'.repeat(64), true],
    ['🦊'.repeat(65), false],
    ['e\u0301'.repeat(64), true], // 64 in NFC
    ['e\u0301'.repeat(65), false],
    ['', false],
  ])('%s: %s', (value, verdict) => {
    expect(accepts(value)).toBe(verdict)
  })
})

test('isStorable() refuses NUL, lone surrogates and U+FFFD, and nothing else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      expect(isStorable(value)).toBe(!/[\0\uFFFD]/.test(value))
    }),
    runs,
  )
  for (const broken of ['\0', 'a\0', '\uD800', 'a\uDC00b', '\uDC00\uD800', '\uD83E', '\uFFFD', 'a\uFFFD']) {
    expect(isStorable(broken)).toBe(false)
  }
})

test('countCodePoints() counts an astral character once, a mark for itself', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x10ffff })), (codes) => {
      const whole = codes.filter((code) => code < 0xd800 || code > 0xdfff)
      expect(countCodePoints(String.fromCodePoint(...whole))).toBe(whole.length)
    }),
  )
  expect(['', 'a', '🦊', 'e\u0301', '👨‍👩‍👧', '𝒳y', 'a\uD800'].map(countCodePoints)).toEqual([0, 1, 1, 2, 5, 2, 2])
})
