import { Van } from '@element-plus/icons-vue'
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
]
