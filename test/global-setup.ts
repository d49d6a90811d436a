import { execa } from 'execa'

/** What starts a process in the tests starts `bin/attnc.js`, which runs `dist/`: make it what the sources say. */
export async function setup(): Promise<void> {
  await execa('npm', ['run', '--silent', 'build'], { stderr: 'inherit' })
}
