export const nav = {
  label: 'Sections',
  skip: 'Skip to the page',
  openMenu: 'Open the menu',
  closeMenu: 'Close the menu',
  apiDocs: 'API documentation',
  sections: {
    home: 'Overview',
    people: 'People',
    groups: 'Groups',
    enrol: 'Enrol',
    verify: 'Verify',
    identify: 'Identify',
    conversations: 'Conversations',
    accuracy: 'Accuracy',
    operations: 'Operations',
  },
};
