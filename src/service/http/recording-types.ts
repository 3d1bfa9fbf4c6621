/** Content types of a body that is one recording; which format it really has is seen from its bytes. */
export const RECORDING_TYPES = /^(audio|video)\/|^application\/(octet-stream|ogg)\b/i;
