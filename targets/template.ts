import { InternalError } from '../compiler/invariant.ts'
import { type TemplateName, templates } from '../generated/templates.ts'

export type { TemplateName }

/** Fills a frame of `templates/`. A view is plain data with every decision taken; a name that it lacks throws. */
export function fill(name: TemplateName, view: object): string {
  return templates[name](guard(view, name))
}

/** Strict mode alone lets `{{#if typo}}` through as empty. */
function guard<View extends object>(view: View, name: string): View {
  return new Proxy(view, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (value === undefined && typeof key === 'string' && !Array.isArray(target)) {
        throw new InternalError(`template ${name} asks for '${key}'`)
      }
      return typeof value === 'object' && value !== null ? guard(value, name) : value
    },
  })
}
