/** Channels and tracks count from 0; what a recording has is known once it is decoded. */
export const MOST_CHANNELS = 256;
export const MOST_TRACKS = 1000;
