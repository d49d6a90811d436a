import type { Program } from '../../compiler/kernel.ts'
import { safeName } from '../names.ts'
import { reserved } from './reserved.ts'

/** What the functions of a program are called in C; found without the emitter, for who has been given its library. */
export const entryOf = ({ name }: Pick<Program, 'name'>): string => safeName(name, reserved)
