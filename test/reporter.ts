import { writeSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Ends the output with a line for each reason to skip and, as its very last line, `N passed, N failed`. */
export default class CountReporter implements Reporter {
  private passed = 0
  private failed = 0
  private readonly skipped = new Map<string, number>()

  /** Vitest writes more after the last event of a run; only at the exit of the process is a line the last one. */
  onInit(): void {
    process.once('exit', () => this.print())
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.passed = 0
    this.failed = unhandledErrors.length
    this.skipped.clear()
    for (const module of modules) this.count(module)
  }

  private count(module: TestModule): void {
    this.failed += module.errors().length // does not load
    for (const suite of module.children.allSuites()) this.failed += suite.errors().length // a hook fails
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') this.passed++
      else if (state === 'skipped') this.skip(module, test)
      else this.failed++ // `pending` is a test that the run did not get to
    }
  }

  /** A test says why with `context.skip(reason)`; the name of a `describe.skipIf` block has to say it itself. */
  private skip(module: TestModule, test: TestCase): void {
    const result = test.result()
    const note = result.state === 'skipped' ? result.note : undefined
    const reason = `${note ?? test.fullName.split(' > ')[0]} (${module.relativeModuleId})`
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1)
  }

  private print(): void {
    if (this.failed === 0 && process.exitCode) this.failed = 1 // the run broke off before it had results
    const skips = [...this.skipped].map(([reason, times]) => `skipped ${times}: ${reason}\n`)
    writeSync(process.stdout.fd, `${skips.join('')}${this.passed} passed, ${this.failed} failed\n`)
  }
}
