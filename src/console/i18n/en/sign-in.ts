export const signIn = {
  title: 'Sign in',
  exchanging: 'Signing in …',
  explain:
    'Open a link that signs in once, which this command prints on the machine of the service, or enter an API key.',
  key: 'API key',
  keep: 'Stay signed in in this tab',
  keepHint: 'Otherwise the key is forgotten when the tab is reloaded or closed.',
  enter: 'Sign in',
  leave: 'Sign out',
  useKey: 'Use a key',
  until: (time: string) => `Signed in until ${time}`,
  reasons: {
    new: '',
    ended: 'You are signed out.',
    expired: 'The key has expired or was revoked. Sign in again; what was being entered is lost.',
    'link-refused': 'The link was used already or is too old. The command below makes a new one.',
  },
};
