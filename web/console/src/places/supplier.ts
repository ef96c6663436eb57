import { Box, PriceTag, Van } from '@element-plus/icons-vue'
import type { Place } from './place'

export const SUPPLIER: readonly Place[] = [
  {
    path: '/supply/orders',
    title: 'nav.toShip',
    group: 'nav.trade',
    icon: Van,
    kinds: ['supplier'],
    scope: 'supply:read',
    page: () => import('../pages/supplier/OrdersPage.vue'),
  },
  {
    path: '/supply/stock',
    title: 'nav.stock',
    group: 'nav.supply',
    icon: Box,
    kinds: ['supplier'],
    scope: 'supply:read',
    page: () => import('../pages/supplier/StockPage.vue'),
  },
  {
    path: '/supply/costs',
    title: 'nav.costs',
    group: 'nav.supply',
    icon: PriceTag,
    kinds: ['supplier'],
    scope: 'supply:read',
    page: () => import('../pages/supplier/CostsPage.vue'),
  },
]
