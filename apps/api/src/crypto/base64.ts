/** Standard base64 without padding, as PHC strings have it. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('=', '')
}

/** Reads base64 with or without padding; undefined for what no bytes are written as. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** passlib's “adapted base64”: `.` where the standard has `+`, and no padding. */
export const fromAdaptedBase64 = (text: string): Uint8Array | undefined => fromBase64(text.replaceAll('.', '+'))
