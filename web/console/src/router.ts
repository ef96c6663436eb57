import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { firstPath, isOpen, PLACES } from './navigation'
import type { Place } from './places/place'
import { isSignedIn, sessionAsk, sessionFault } from './session'
import type { WordKey } from './words'

declare module 'vue-router' {
  interface RouteMeta {
    title: WordKey
    place?: Place
    isPublic?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  {
    path: '/sign-in',
    component: () => import('./pages/SignIn.vue'),
    meta: { title: 'signIn.title', isPublic: true },
  },
  {
    path: '/invitation',
    component: () => import('./pages/AcceptInvitation.vue'),
    meta: { title: 'invitation.title', isPublic: true },
  },
  {
    path: '/apply',
    component: () => import('./pages/ApplyPage.vue'),
    meta: { title: 'apply.title', isPublic: true },
  },
  {
    path: '/forgot',
    component: () => import('./pages/ForgotPassword.vue'),
    meta: { title: 'reset.askTitle', isPublic: true },
  },
  {
    path: '/reset',
    component: () => import('./pages/AcceptInvitation.vue'),
    meta: { title: 'reset.title', isPublic: true },
  },
  // Never seen: the guard leads on from here, once it knows to whom.
  { path: '/', component: () => import('./pages/NotHere.vue'), meta: { title: 'app.name' } },
  { path: '/me', component: () => import('./pages/MePage.vue'), meta: { title: 'me.title' } },
  {
    path: '/notices',
    component: () => import('./pages/NoticesPage.vue'),
    meta: { title: 'notices.title' },
  },
  ...PLACES.map((place) => ({
    path: place.path,
    component: place.page,
    meta: { title: place.title, place },
  })),
  {
    path: '/:rest(.*)*',
    component: () => import('./pages/NotHere.vue'),
    meta: { title: 'notHere.title' },
  },
]

export const router = createRouter({ history: createWebHistory('/console/'), routes })

router.beforeEach(async (to) => {
  await sessionAsk()
  // Then no page is shown but the fault, which asks again and comes back here.
  if (sessionFault.value) return true
  if (to.meta.isPublic) {
    return to.path === '/sign-in' && isSignedIn.value ? firstPath() : true
  }
  if (!isSignedIn.value) {
    const isHome = to.path === '/' || to.path === firstPath()
    return { path: '/sign-in', query: isHome ? {} : { next: to.fullPath } }
  }
  if (to.path === '/') return firstPath()
  // A link of a colleague with another role leads to a page that says so, not to a refusal.
  if (to.meta.place && !isOpen(to.meta.place)) return { path: '/not-here' }
  return true
})
