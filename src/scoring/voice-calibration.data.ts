export const VOICES = {} as const;
