/** How many notices are unread, for whoever shows it: asked for seldom, and after each change. */
import { ref } from 'vue'
import { answered, api } from './api/client'

export const unread = ref(0)

export async function unreadAsk(): Promise<void> {
  try {
    unread.value = (await answered(api.GET('/v1/notices/unread'))).unread
  } catch {
    // A count is not worth a complaint; it is asked for again.
  }
}
