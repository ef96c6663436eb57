import { DataLine, Goods, List, OfficeBuilding, Shop } from '@element-plus/icons-vue'
import type { Place } from './place'

export const OPERATOR: readonly Place[] = [
  {
    path: '/operator',
    title: 'dashboard.title',
    group: 'dashboard.group',
    icon: DataLine,
    kinds: ['operator'],
    scope: 'admin:dashboard',
    page: () => import('../pages/operator/DashboardPage.vue'),
  },
  {
    path: '/operator/orders',
    title: 'nav.orders',
    group: 'nav.trade',
    icon: List,
    kinds: ['operator'],
    scope: 'admin:orders',
    page: () => import('../pages/operator/OrdersPage.vue'),
  },
  {
    path: '/operator/goods',
    title: 'nav.goods',
    group: 'nav.supply',
    icon: Goods,
    kinds: ['operator'],
    scope: 'admin:goods',
    page: () => import('../pages/operator/GoodsPage.vue'),
  },
  {
    path: '/operator/partners',
    title: 'nav.partners',
    group: 'nav.parties',
    icon: Shop,
    kinds: ['operator'],
    scope: 'admin:parties',
    page: () => import('../pages/operator/PartnersPage.vue'),
  },
  {
    path: '/operator/suppliers',
    title: 'nav.suppliers',
    group: 'nav.parties',
    icon: OfficeBuilding,
    kinds: ['operator'],
    scope: 'admin:parties',
    page: () => import('../pages/operator/SuppliersPage.vue'),
  },
]
