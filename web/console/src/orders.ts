/** What lists of orders have in common, whoever looks at them. */
import type { Schemas } from './api/client'
import type { Query } from './query'

export type OrderState = Schemas['OrderState']

// In the order of an order's life; what is on its way back stands at the end.
export const ORDER_STATES: readonly OrderState[] = [
  'waiting_funds',
  'held',
  'confirmed',
  'released',
  'picking',
  'part_shipped',
  'shipped',
  'delivered',
  'completed',
  'cancelling',
  'cancelled',
  'intercepting',
  'returning',
  'refunded',
]

export const CANCELLABLE: ReadonlySet<OrderState> = new Set([
  'waiting_funds',
  'held',
  'confirmed',
  'released',
  'picking',
])

/** The tab of what somebody should look at; no state has this name. */
export const ATTENTION = 'attention'

export interface OrderFilters {
  state?: OrderState
  needs_attention?: boolean
  partner_id?: string
  number?: string
  from?: string
  to?: string
}

/** Give the tab's part of what is asked for. */
export function tabOf(query: Query): OrderFilters {
  if (query.of('state') === ATTENTION) return { needs_attention: true }
  const state = ORDER_STATES.find((one) => one === query.of('state'))
  return state ? { state } : {}
}

/** Give the filters that every tab has; whole days in China, the last one included. */
export function filtersOf(query: Query): OrderFilters {
  const [number, partner_id] = [query.of('number'), query.of('partner')]
  const [from, to] = [query.of('from'), query.of('to')]
  const filters: OrderFilters = { ...(number && { number }), ...(partner_id && { partner_id }) }
  if (from && to) {
    const end = new Date(`${to}T00:00:00+08:00`)
    end.setUTCDate(end.getUTCDate() + 1)
    Object.assign(filters, { from: `${from}T00:00:00+08:00`, to: end.toISOString() })
  }
  return filters
}

/** Give the address of a file of what is filtered. */
export function exportOf(path: string, filters: object, format: 'csv' | 'xlsx'): string {
  const asked = new URLSearchParams({ format })
  for (const [name, value] of Object.entries(filters)) asked.set(name, String(value))
  return `${path}:export?${asked}`
}
