/** Channels and tracks count from 0; what a recording has is known once it is decoded. */
export const MOST_CHANNELS = 256;
export const MOST_TRACKS = 1000;

/** Parts of a recording: how many at most, and seconds. */
export const MOST_INTERVALS = 1000;
export const SHORTEST_INTERVAL = 0.1;
export const LONGEST_INTERVAL = 86_400;
