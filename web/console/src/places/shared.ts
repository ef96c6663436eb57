import { Document, Key, Postcard, User, Wallet } from '@element-plus/icons-vue'
import type { Place } from './place'

/** The pages that parties of several kinds have alike. */
export const SHARED: readonly Place[] = [
  {
    path: '/account',
    title: 'nav.account',
    group: 'nav.money',
    icon: Wallet,
    kinds: ['partner', 'supplier', 'isv'],
    scope: 'account:read',
    page: () => import('../pages/AccountPage.vue'),
  },
  {
    path: '/statement',
    title: 'nav.statement',
    group: 'nav.money',
    icon: Document,
    kinds: ['partner', 'supplier', 'isv'],
    scope: 'account:read',
    page: () => import('../pages/StatementPage.vue'),
  },
  {
    path: '/company',
    title: 'company.title',
    group: 'nav.house',
    icon: Postcard,
    kinds: ['partner', 'supplier'],
    scope: 'account:read',
    page: () => import('../pages/CompanyPage.vue'),
  },
  {
    path: '/people',
    title: 'nav.people',
    group: 'nav.house',
    icon: User,
    kinds: ['operator', 'partner', 'supplier', 'isv'],
    scope: 'people:write',
    page: () => import('../pages/PeoplePage.vue'),
  },
  {
    path: '/keys',
    title: 'keys.title',
    group: 'nav.house',
    icon: Key,
    kinds: ['operator', 'partner', 'supplier', 'isv'],
    scope: 'keys:write',
    page: () => import('../pages/KeysPage.vue'),
  },
]
