export const common = {
  loading: 'Loading …',
  close: 'Close',
  cancel: 'Cancel',
  save: 'Save',
  retry: 'Try again',
  reload: 'Load the page again',
  next: 'Next',
  previous: 'Previous',
  noSuchPage: 'There is no such page',
  pageFailed: 'This page could not be shown',
  comingUp: 'Nothing here yet',
  modelStates: {
    fetching: 'The model is being fetched',
    loading: 'The model is loading',
    failed: 'The model could not be loaded',
    closed: 'The service is stopping',
  },
};
