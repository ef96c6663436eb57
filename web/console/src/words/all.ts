/** The words of all areas put together. Chinese is written first; English has the same keys. */
import * as dashboard from './dashboard.ts'
import * as goods from './goods.ts'
import * as hall from './hall.ts'
import * as keys from './keys.ts'
import * as me from './me.ts'
import * as money from './money.ts'
import * as onboarding from './onboarding.ts'
import * as notices from './notices.ts'
import * as orders from './orders.ts'
import * as parties from './parties.ts'
import * as prices from './prices.ts'
import * as shell from './shell.ts'
import * as states from './states.ts'
import * as stock from './stock.ts'
import * as system from './system.ts'

export const zh = {
  ...dashboard.zh,
  ...goods.zh,
  ...hall.zh,
  ...keys.zh,
  ...me.zh,
  ...money.zh,
  ...onboarding.zh,
  ...notices.zh,
  ...orders.zh,
  ...parties.zh,
  ...prices.zh,
  ...shell.zh,
  ...states.zh,
  ...stock.zh,
  ...system.zh,
}

export type Words = typeof zh

export const en: Words = {
  ...dashboard.en,
  ...goods.en,
  ...hall.en,
  ...keys.en,
  ...me.en,
  ...money.en,
  ...onboarding.en,
  ...notices.en,
  ...orders.en,
  ...parties.en,
  ...prices.en,
  ...shell.en,
  ...states.en,
  ...stock.en,
  ...system.en,
}
