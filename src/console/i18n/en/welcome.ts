export const welcome = {
  title: 'Overview',
};
