/** What SKUs are called that lists tell only the ids of; asked for a hundred at a time, and kept. */
import { shallowRef } from 'vue'
import { answered, api, type Schemas } from './api/client'

type Named = Schemas['SkuNameOut']

const ASKED_MAX = 100
const KEPT_MAX = 5000
let kept = new Map<string, Named>()
const known = shallowRef<ReadonlyMap<string, Named>>(kept)

export async function skuNamesAsk(ids: readonly string[]): Promise<void> {
  // Emptied before it is looked at, so that what it held of these is asked for again.
  if (kept.size + ids.length > KEPT_MAX) kept = new Map()
  const missing = [...new Set(ids)].filter((id) => !kept.has(id))
  for (let at = 0; at < missing.length; at += ASKED_MAX) {
    const body = { sku_ids: missing.slice(at, at + ASKED_MAX) }
    const { items } = await answered(api.POST('/v1/sku-names:batchGet', { body }))
    for (const sku of items) kept.set(sku.sku_id, sku)
  }
  known.value = new Map(kept)
}

/** Give the name of an SKU, or the end of its id until it is known. */
export function skuName(id: string): string {
  const sku = known.value.get(id)
  return sku ? [sku.title, sku.variant].filter(Boolean).join(' · ') : `…${id.slice(-6)}`
}

export function skuCode(id: string): string {
  return known.value.get(id)?.supplier_code ?? id
}
