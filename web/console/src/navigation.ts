/** The pages, and who is shown which: by the kind of their party and by their scopes. */
import { Document, Goods, List, OfficeBuilding, Shop, User, Van, Wallet } from '@element-plus/icons-vue'
import type { Component } from 'vue'
import type { Schemas } from './api/client'
import { may, session } from './session'
import type { WordKey } from './words'

type Kind = Schemas['PartyKind']

export interface Place {
  path: string
  title: WordKey
  icon: Component
  kinds: readonly Kind[]
  scope: string
  page: () => Promise<Component>
}

export const PLACES: readonly Place[] = [
  {
    path: '/operator/orders',
    title: 'nav.orders',
    icon: List,
    kinds: ['operator'],
    scope: 'admin:orders',
    page: () => import('./pages/OperatorOrders.vue'),
  },
  {
    path: '/operator/goods',
    title: 'nav.goods',
    icon: Goods,
    kinds: ['operator'],
    scope: 'admin:goods',
    page: () => import('./pages/OperatorGoods.vue'),
  },
  {
    path: '/operator/partners',
    title: 'nav.partners',
    icon: Shop,
    kinds: ['operator'],
    scope: 'admin:parties',
    page: () => import('./pages/OperatorPartners.vue'),
  },
  {
    path: '/operator/suppliers',
    title: 'nav.suppliers',
    icon: OfficeBuilding,
    kinds: ['operator'],
    scope: 'admin:parties',
    page: () => import('./pages/OperatorSuppliers.vue'),
  },
  {
    path: '/orders',
    title: 'nav.orders',
    icon: List,
    kinds: ['partner'],
    scope: 'orders:read',
    page: () => import('./pages/PartnerOrders.vue'),
  },
  {
    path: '/supply/orders',
    title: 'nav.toShip',
    icon: Van,
    kinds: ['supplier'],
    scope: 'supply:read',
    page: () => import('./pages/SupplyOrders.vue'),
  },
  {
    path: '/account',
    title: 'nav.account',
    icon: Wallet,
    kinds: ['partner', 'supplier', 'isv'],
    scope: 'account:read',
    page: () => import('./pages/AccountPage.vue'),
  },
  {
    path: '/statement',
    title: 'nav.statement',
    icon: Document,
    kinds: ['partner', 'supplier', 'isv'],
    scope: 'account:read',
    page: () => import('./pages/StatementPage.vue'),
  },
  {
    path: '/people',
    title: 'nav.people',
    icon: User,
    kinds: ['operator', 'partner', 'supplier', 'isv'],
    scope: 'people:write',
    page: () => import('./pages/PeoplePage.vue'),
  },
]

export function isOpen(place: Place): boolean {
  const kind = session.value?.party.kind
  return kind !== undefined && place.kinds.includes(kind) && may(place.scope)
}

/** Give the page on which somebody's day begins. */
export function firstPath(): string {
  return PLACES.find(isOpen)?.path ?? '/me'
}

