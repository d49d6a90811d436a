/** Threads that a GPU may give a group which shares a tile. */
export const groupSizes = [32, 64, 128, 256, 512, 1024] as const
