export { Block, indented } from '../block.ts'
