export const errors = {
  unexpected: 'Something went wrong in this page.',
  /** By code of the error table; what is not here is said in the service's own words. */
  sentences: {
    SERVICE_UNREACHABLE: 'The service does not answer. Check that it runs and that you are connected, then try again.',
    UNAUTHENTICATED: 'The service does not take this key. Check that it is whole and has not expired or been revoked.',
    RATE_LIMITED: 'Too many requests in a short time. Wait a moment, then try again.',
    OVERLOADED: 'The service has more to do than it can take. Wait a moment, then try again.',
    MODEL_NOT_READY: 'The model is still loading. Try again in a moment.',
  },
};
