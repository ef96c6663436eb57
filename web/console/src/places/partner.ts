import { List } from '@element-plus/icons-vue'
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
]
