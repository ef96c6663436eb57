/** What a proposal would change, laid beside what stands now. */
import type { Schemas } from './api/client'
import { moment, money } from './format'
import { t } from './words'

type Sku = Schemas['OperatorSkuOut']

/** A proposal as it was sent; the API gives it back in that form. */
export type Proposal = Omit<Schemas['ProposalBody'], 'skus'> & { skus: Schemas['SkuProposalBody'][] }

export interface Compared {
  label: string
  now: string
  then: string
  isChanged: boolean
}

export interface ComparedSku {
  code: string
  isNew: boolean
  /** It stands now, and the proposal does not name it any more. */
  isGone: boolean
  rows: Compared[]
}

function row(label: string, now: string, then: string): Compared {
  return { label, now: now || '—', then: then || '—', isChanged: now !== then }
}

function pairs(values: Record<string, string> | undefined): string {
  return Object.entries(values ?? {})
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ')
}

function price(minor: number | null | undefined): string {
  return minor === null || minor === undefined ? '' : money(minor)
}

function terms(told: Schemas['TermsOut'] | Schemas['TermsBody'] | undefined): string {
  if (!told) return ''
  const [min, max, pack] = [told.quantity_min ?? 1, told.quantity_max ?? t('goods.boundless'), told.pack_size ?? 1]
  const allowed = (told.areas_allowed ?? []).join(' ')
  const excluded = (told.areas_excluded ?? []).join(' ')
  return [t('goods.termsSaid', { min, max, pack }), allowed, excluded && `− ${excluded}`]
    .filter(Boolean)
    .join(' ')
}

/** Compare what all variants have in common. */
export function factsCompared(live: Schemas['LiveOut'], then: Proposal): Compared[] {
  const shown = live.skus.filter((sku) => sku.state === 'on_shelf' || sku.state === 'off_shelf')
  const now = shown[0]
  return [
    row(t('goods.name'), now?.title ?? '', then.title),
    row(t('goods.category'), now?.category.join(' / ') ?? '', live.proposed_category.join(' / ')),
    row(t('goods.brand'), now?.brand ?? '', then.brand ?? ''),
    row(
      t('goods.brandKind'),
      now?.brand_kind ? t(`brandKind.${now.brand_kind}`) : '',
      now || then.brand ? t(`brandKind.${then.brand_kind ?? 'national'}`) : '',
    ),
    row(t('goods.attributes'), pairs(now?.attributes), pairs(then.attributes)),
    row(t('goods.description'), now ? live.description : '', then.description ?? ''),
  ]
}

/** Compare each variant: those that are proposed, then those that no longer are. */
export function skusCompared(live: Schemas['LiveOut'], then: Proposal): ComparedSku[] {
  const standing = new Map(
    live.skus
      .filter((sku) => sku.state === 'on_shelf' || sku.state === 'off_shelf')
      .map((sku) => [sku.supplier_code, sku]),
  )
  const proposed = then.skus.map((sku) => {
    const now = standing.get(sku.supplier_code)
    standing.delete(sku.supplier_code)
    return { code: sku.supplier_code, isNew: !now, isGone: false, rows: skuRows(now, sku) }
  })
  const gone = [...standing.keys()].map((code) => ({ code, isNew: false, isGone: true, rows: [] }))
  return [...proposed, ...gone]
}

function skuRows(now: Sku | undefined, then: Schemas['SkuProposalBody']): Compared[] {
  const later = (then.later_costs ?? []).map(
    (cost) => `${moment(cost.valid_from)} ${money(cost.unit_cost_minor)}`,
  )
  const cost = [price(then.unit_cost_minor), ...later].filter(Boolean).join('; ')
  return [
    row(t('goods.variant'), pairs(now?.variant_values), pairs(then.variant_values)),
    row(t('goods.gtin'), now?.gtin ?? '', then.gtin ?? ''),
    row(t('goods.unit'), now?.unit ?? '', then.unit ?? ''),
    row(t('goods.weight'), now ? `${now.weight_g} g` : '', `${then.weight_g ?? 0} g`),
    row(t('goods.tax'), now ? percent(now.tax_rate_bps) : '', percent(then.tax_rate_bps ?? 1300)),
    row(
      t('goods.returns'),
      now ? t(`returnPolicy.${now.return_policy}`) : '',
      t(`returnPolicy.${then.return_policy ?? 'seven_days_no_reason'}`),
    ),
    row(t('goods.suggested'), price(now?.suggested_price_minor), price(then.compare_at_minor)),
    row(t('goods.terms'), terms(now?.terms), terms(then.terms)),
    // What it costs now is told with the prices; here is what is asked for.
    { label: t('goods.costAsked'), now: '', then: cost || '—', isChanged: cost !== '' },
  ]
}

function percent(bps: number): string {
  return `${bps / 100}%`
}
