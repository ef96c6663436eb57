/** The names of goods that orders tell the ids of; asked for a hundred at a time, and kept. */
import { shallowRef, type ShallowRef } from 'vue'
import { answered, api } from './api/client'
import { may } from './session'

const ASKED_MAX = 100
const KEPT_MAX = 5000
let kept = new Map<string, string>()

export function useTitles(): {
  titles: ShallowRef<ReadonlyMap<string, string>>
  ask: (skuIds: readonly string[]) => Promise<void>
} {
  const titles = shallowRef<ReadonlyMap<string, string>>(kept)

  async function ask(skuIds: readonly string[]): Promise<void> {
    if (!may('goods:read')) return
    // Emptied before it is looked at, so that what it held of these is asked for again.
    if (kept.size + skuIds.length > KEPT_MAX) kept = new Map()
    const missing = [...new Set(skuIds)].filter((id) => !kept.has(id))
    for (let at = 0; at < missing.length; at += ASKED_MAX) {
      const body = { sku_ids: missing.slice(at, at + ASKED_MAX) }
      const { items } = await answered(api.POST('/v1/skus:batchGet', { body }))
      for (const sku of items) kept.set(sku.id, [sku.title, sku.variant].filter(Boolean).join(' · '))
    }
    titles.value = new Map(kept)
  }

  return { titles, ask }
}
