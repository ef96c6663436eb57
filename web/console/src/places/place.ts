import type { Component } from 'vue'
import type { Schemas } from '../api/client'
import type { WordKey } from '../words'

/** A page, and who is shown it: by the kind of their party and by their scopes. */
export interface Place {
  path: string
  title: WordKey
  /** The heading under which the navigation lists it. */
  group: WordKey
  icon: Component
  kinds: readonly Schemas['PartyKind'][]
  scope: string
  page: () => Promise<Component>
}
