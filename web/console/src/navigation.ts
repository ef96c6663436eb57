/** The pages, and who is shown which. */
import { OPERATOR } from './places/operator'
import { PARTNER } from './places/partner'
import type { Place } from './places/place'
import { SHARED } from './places/shared'
import { SUPPLIER } from './places/supplier'
import { may, session } from './session'
import type { WordKey } from './words'

export const PLACES: readonly Place[] = [...OPERATOR, ...PARTNER, ...SUPPLIER, ...SHARED]

export function isOpen(place: Place): boolean {
  const kind = session.value?.party.kind
  return kind !== undefined && place.kinds.includes(kind) && may(place.scope)
}

/** Give the page on which somebody's day begins. */
export function firstPath(): string {
  return PLACES.find(isOpen)?.path ?? '/me'
}

/** Give the open pages under their headings, each heading where its first page stands. */
export function groups(): [WordKey, Place[]][] {
  const found = new Map<WordKey, Place[]>()
  for (const place of PLACES.filter(isOpen)) {
    found.set(place.group, [...(found.get(place.group) ?? []), place])
  }
  return [...found]
}
