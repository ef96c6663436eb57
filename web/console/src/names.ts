/** The names of partners and suppliers, for who gives them pools and prices. */
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { answered, api, type Schemas } from './api/client'

const PAGE = 200
const NAMES_MAX = 2000

export interface Names {
  named: ShallowRef<Schemas['NamedPartyOut'][]>
  name: (id: string) => string
  /** More of them than are listed here: the rest is found by its id. */
  isCut: Ref<boolean>
  ask: () => Promise<void>
}

export function useNames(kind: 'partner' | 'supplier'): Names {
  const named = shallowRef<Schemas['NamedPartyOut'][]>([])
  const isCut = ref(false)

  async function ask(): Promise<void> {
    const found: Schemas['NamedPartyOut'][] = []
    let cursor = ''
    do {
      const params = { query: { kind, limit: PAGE, ...(cursor && { cursor }) } }
      const page = await answered(api.GET('/v1/operator/party-names', { params }))
      found.push(...page.items)
      cursor = page.next_cursor ?? ''
    } while (cursor && found.length < NAMES_MAX)
    named.value = found
    isCut.value = cursor !== ''
  }

  function name(id: string): string {
    return named.value.find((party) => party.party_id === id)?.name ?? `…${id.slice(-6)}`
  }

  return { named, name, isCut, ask }
}
