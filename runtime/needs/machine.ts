/** What attnc itself needs, whatever the target. Looks only: nothing is made, and nothing is repaired. */
import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findPlaces, type Places } from '../cache/places.ts'
import { folderFault, parentFault, readPrivateFile } from '../cache/private.ts'
import { storeFolder } from '../cache/store.ts'
import { reasonOf } from '../files.ts'
import type { Need } from './need.ts'

export function needsOfAttnc(places: Places | undefined = findPlaces()): readonly Need[] {
  const node: Need = { what: 'Node', state: 'ok', found: process.versions.node, required: true } // bin/attnc.js runs with no other
  if (places) return [node, needCache(places), needKey(places)]
  const found = 'nothing says where the home folder is'
  const help = 'set ATTNC_CACHE_DIR and XDG_CONFIG_HOME; without them all is built anew each time'
  return [node, { what: 'cache', state: 'unusable', found, required: false, help }]
}

function needCache(places: Places): Need {
  const { cache } = places
  const store = storeFolder(places)
  const fault =
    faultOf(cache, (path) => parentFault(statSync(path)) ?? writeFault(path)) ??
    faultOf(store, (path) => folderFault(lstatSync(path)) ?? writeFault(path)) ??
    (exists(cache) ? undefined : makeFault(cache))
  const help =
    'attnc cache dir prints the folder, ATTNC_CACHE_DIR names another; without it all is built anew each time'
  return look('cache', fault, exists(store) ? cache : `${cache}, made when it is needed`, help)
}

/** Read as it is read when it is used: what others could have read is not used. */
function needKey({ config }: Places): Need {
  const path = join(config, 'cache-key')
  const fault = faultOf(path, (file) => {
    const read = readPrivateFile(file, 2 ** 10)
    return read.ok ? undefined : `${file} ${read.fault}`
  })
  const missing = fault === undefined && !exists(path) ? makeFault(config) : fault
  const help = 'a new one takes its place where that can be written; what the old one signed is built anew'
  return look('signing key', missing, exists(path) ? path : `${path}, made when it is needed`, help)
}

const look = (what: string, fault: string | undefined, found: string, help: string): Need =>
  fault === undefined
    ? { what, state: 'ok', found, required: false }
    : { what, state: 'unusable', found: fault, required: false, help }

const exists = (path: string): boolean => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

/** What is wrong with something, if it is there. */
function faultOf(path: string, check: (path: string) => string | undefined): string | undefined {
  try {
    const fault = exists(path) ? check(path) : undefined
    return fault === undefined || fault.startsWith(path) ? fault : `${path} ${fault}`
  } catch (error) {
    return `${path}: ${reasonOf(error)}`
  }
}

function writeFault(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return `cannot be written to: ${reasonOf(error)}`
  }
}

/** Why a folder could not be made: by the nearest one above that is there. */
function makeFault(path: string): string | undefined {
  let above = dirname(path)
  while (!exists(above) && dirname(above) !== above) above = dirname(above)
  return faultOf(above, (folder) => (statSync(folder).isDirectory() ? writeFault(folder) : 'is no folder'))
}
