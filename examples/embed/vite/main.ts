import { mean } from './mean.ts'

const result = document.querySelector('#result')
if (result) result.textContent = `The mean of 0 .. 6 is ${mean().toFixed(3)}`
