/** Light or dark, as the system has it or as somebody chose. */
const key = 'theme'

export function createTheme(picker: HTMLSelectElement): void {
  const apply = (): void => {
    if (picker.value === '') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = picker.value
  }
  picker.value = read()
  apply()
  picker.addEventListener('change', () => {
    write(picker.value)
    apply()
  })
}

/** A browser may forbid storage: then a choice lasts as long as the page. */
function read(): string {
  try {
    return localStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}
function write(value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {}
}
