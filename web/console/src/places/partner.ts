import { Collection, List, ShoppingBag } from '@element-plus/icons-vue'
import type { Place } from './place'

export const PARTNER: readonly Place[] = [
  {
    path: '/orders',
    title: 'nav.orders',
    group: 'nav.trade',
    icon: List,
    kinds: ['partner'],
    scope: 'orders:read',
    page: () => import('../pages/partner/OrdersPage.vue'),
  },
  {
    path: '/hall',
    title: 'nav.hall',
    group: 'nav.supply',
    icon: ShoppingBag,
    kinds: ['partner'],
    scope: 'goods:read',
    page: () => import('../pages/partner/HallPage.vue'),
  },
  {
    path: '/selections',
    title: 'nav.selections',
    group: 'nav.supply',
    icon: Collection,
    kinds: ['partner'],
    scope: 'goods:read',
    page: () => import('../pages/partner/SelectionsPage.vue'),
  },
]
